"""`mingdan explain` as a person and a script use it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from mingdan.classes.tables import LABELS
from mingdan.cli.main import app
from tests.classes.world import World, three_nights


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("cli") / "data")
    three_nights(world)
    yield world
    world.night.orders.close()


@pytest.fixture
def run(
    installed: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> object:
    """Runs `mingdan explain ...`; gives exit code, standard output and error."""
    monkeypatch.setenv("MINGDAN_DATA", str(installed.root))
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["mingdan", "explain", *arguments])
        with pytest.raises(SystemExit) as ended:
            app()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return call


def test_people_see_reasons_and_the_proof(run: object) -> None:
    code, shown, _ = run("13800000001", "--as-of", "2026-11-04")  # type: ignore[operator]
    assert code == 0
    for part in (
        "黑名单 垃圾短信", "published, in force", "burst_advertiser@1", "recipients_1d >= 120",
        "recipients_1d = 390", "138******01", "What the night read", "re-derived: equal",
    ):  # fmt: skip
        assert part in shown, part
    assert not re.search(r"138\d{8}", shown)


def test_the_history_breaks_no_code_on_a_narrow_terminal(
    run: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    _, shown, _ = run("13800000001", "--as-of", "2026-11-04")  # type: ignore[operator]
    history = shown.partition("History")[2].partition("What the night read")[0]
    assert "…" not in history
    assert re.search(r"2026-11-0\d ", history)
    for code in ("spam_sms", "burst_advertiser@1"):
        assert code in history


def test_the_newest_night_is_the_default(run: object) -> None:
    _, shown, _ = run("S2")  # type: ignore[operator]
    assert "night of 2026-11-04" in shown
    assert "key_account:gold" in shown


def test_scripts_get_json(run: object) -> None:
    code, shown, _ = run("1", "--json")  # type: ignore[operator]
    found = json.loads(shown)
    assert code == 0
    assert found["proof"] == {"outcome": "equal", "details": []}
    assert found["labels"][0]["code"] == "blacklist:spam_sms"
    assert found["labels"][0]["sources"][0]["conditions"][0]["holds"] is True
    assert found["night"] == "2026-11-04"
    assert found["labels"][0]["since"].endswith("+00:00")


def test_a_label_that_was_changed_is_an_error(run: object, installed: World) -> None:
    lake, last = installed.night.lake, date(2026, 11, 4)
    rows = lake.scan(LABELS, [last]).select(LABELS.names).collect()
    lake.write(LABELS, last, rows.with_columns(confidence=pl.col("confidence") + 1))
    try:
        code, shown, _ = run("1")  # type: ignore[operator]
    finally:
        lake.write(LABELS, last, rows)
    assert code == 1
    assert "re-derived: differs" in shown


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (("13911112222",), 1, "no subscription 139******22"),
        (("1", "--as-of", "2026-12-24"), 1, "no night of 2026-12-24"),
        (("1", "--as-of", "yesterday"), 2, "not a day"),
        (("1", "--as-of", "2026-02-30"), 2, "not a day"),
        ((), 2, "Missing argument"),
        (("1", "--loud"), 2, "No such option"),
    ],
)
def test_exit_codes(run: object, arguments: tuple[str, ...], code: int, complaint: str) -> None:
    ended, _, told = run(*arguments)  # type: ignore[operator]
    assert ended == code
    assert complaint in told


def test_without_an_installation(
    run: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MINGDAN_DATA", str(tmp_path / "none"))
    code, _, told = run("1")  # type: ignore[operator]
    assert code == 1
    assert "there is no installation" in told
    assert not (tmp_path / "none").exists()
