"""A damaged lake: one line that names the table and the day, never a statement or a stack."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from mingdan.classes.tables import LABELS
from mingdan.cli.main import app
from mingdan.engine import Engine, Read
from mingdan.errors import LakeError
from mingdan.lake import Lake
from mingdan.orders.tables import SUBSCRIPTIONS
from mingdan.settings import Settings

DAY = date(2026, 11, 1)


@pytest.fixture
def file(lake: Lake) -> Path:
    """The one file of the one day of labels there is."""
    for table in (LABELS, SUBSCRIPTIONS):
        lake.write(table, DAY, pl.DataFrame(schema=lake.schema(table)))
    (path,) = lake.files(LABELS, [DAY])
    return Path(path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-50])


def hollow(path: Path) -> None:
    """Right at both ends, wrong in between."""
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\0" * (len(content) - 8) + content[-4:])


DAMAGES: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(b"garbage, and more of it"),
    "empty": lambda path: path.write_bytes(b""),
    "cut": cut,
    "gone": Path.unlink,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_with_table_and_day(lake: Lake, file: Path, damage: str) -> None:
    DAMAGES[damage](file)
    with pytest.raises(LakeError) as error:
        lake.scan(LABELS, [DAY])
    (line,) = str(error.value).splitlines()
    assert line.startswith(f"labels of 2026-11-01: {file} ")
    assert line.endswith("; restore it from the backup")


@pytest.mark.parametrize("damage", [*DAMAGES, "hollow"])
def test_a_statement_over_it_says_so_without_its_text(
    lake: Lake, settings: Settings, file: Path, damage: str
) -> None:
    DAMAGES.get(damage, hollow)(file)
    inputs = [Read(LABELS, [DAY])]
    with pytest.raises(LakeError) as error:
        Engine(lake, settings).query("classes/plot_labels", inputs, {"first": DAY, "last": DAY})
    assert "labels/date=2026-11-01" in str(error.value)
    assert "SELECT" not in str(error.value)
    assert "LINE" not in str(error.value)


@pytest.mark.parametrize("damage", [*DAMAGES, "hollow", "log"])
@pytest.mark.parametrize("command", [("runs", "--last"), ("explain", "1")])
def test_a_command_over_it_ends_in_a_line(
    lake: Lake,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    damage: str,
    command: tuple[str, ...],
) -> None:
    if damage == "log":
        shutil.rmtree(lake.root / "labels" / "_delta_log")
        (lake.root / "labels" / "_delta_log").mkdir()
        (lake.root / "labels" / "_delta_log" / f"{0:020}.json").write_text("garbage")
    else:
        DAMAGES.get(damage, hollow)(file)
    monkeypatch.setenv("MINGDAN_DATA", str(lake.root.parent))
    monkeypatch.setattr(sys, "argv", ["mingdan", *command])
    with pytest.raises(SystemExit) as ended:
        app()
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    if command[0] == "runs" or damage == "log":
        assert line.startswith("refused: labels" if damage != "hollow" else "refused: the lake")


def test_writing_a_damaged_day_again_mends_it(lake: Lake, file: Path) -> None:
    kept = file.read_bytes()
    hollow(file)
    lake.write(LABELS, DAY, pl.DataFrame(schema=lake.schema(LABELS)))
    assert file.read_bytes() == kept
