"""`mingdan` as a whole: what it says when settings, files or the disk are not as they should be."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mingdan.night import Night
from mingdan.orders.store import OrderStore
from mingdan.settings import Settings


def mingdan(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from mingdan.cli.main import app; app()", *arguments],
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "80"}
        | {f"MINGDAN_{name.upper()}": value for name, value in settings.items()},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    """The one line a command fails with."""
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("threads", "abc", "MINGDAN_THREADS: 'abc': input should be a valid integer"),
        ("threads", "0", "MINGDAN_THREADS: '0': input should be greater than or equal to 1"),
        ("first_day", "tomorrow", "MINGDAN_FIRST_DAY: 'tomorrow'"),
        ("bad_rows_limit", "7", "MINGDAN_BAD_ROWS_LIMIT: '7'"),
        ("required_reports", "complaint", "MINGDAN_REQUIRED_REPORTS: 'complaint': "),
        ("required_sources", "[smsc", "MINGDAN_REQUIRED_SOURCES: "),
    ],
)
def test_a_wrong_setting_is_wrong_usage(tmp_path: Path, name: str, value: str, words: str) -> None:
    done = mingdan("runs", data=str(tmp_path), **{name: value})
    assert done.returncode == 2
    assert said(done).startswith(f"wrong usage: {words}")


def test_every_wrong_setting_is_named(tmp_path: Path) -> None:
    line = said(mingdan("runs", data=str(tmp_path), threads="x", late_days="y"))
    assert "MINGDAN_THREADS" in line
    assert "MINGDAN_LATE_DAYS" in line


@pytest.mark.parametrize("value", ["complaints", " complaints ,", '["complaints"]'])
def test_lists_are_joined_by_commas(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MINGDAN_REQUIRED_REPORTS", value)
    assert Settings().required_reports == ["complaints"]
    monkeypatch.setenv("MINGDAN_REQUIRED_SOURCES", value.replace("complaints", "smsc"))
    assert Settings().required_sources == ["smsc"]


@pytest.mark.parametrize("value", ["", "[]"])
def test_nothing_may_be_required(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MINGDAN_REQUIRED_REPORTS", value)
    assert Settings().required_reports == []


def test_a_folder_that_cannot_be_made_is_wrong_usage() -> None:
    done = mingdan("simulate", "--out", "/proc/x", "--subscribers", "100", "--days", "5")
    assert done.returncode == 2
    assert said(done) == "wrong usage: cannot write to /proc/x: No such file or directory"


def test_a_disk_that_refuses_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = mingdan("order", "show", "S1", data=str(tmp_path / "file"))
    assert done.returncode == 1
    assert said(done) == f"refused: {tmp_path / 'file'}: File exists"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("partner = [", "not TOML: "),
        ("", "partner: is missing"),
        ('[[partner]]\ncode = "bank"', "partner `bank` name_zh: is missing"),
        ("[[partner]]\ncodes = 1", "partner 0 code: is missing"),
    ],
)
def test_a_wrong_policy_file_is_said_in_a_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "policy" / "reports" / "partners.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    done = mingdan("partner", "list", data=str(tmp_path))
    assert done.returncode == 1
    assert said(done).startswith(f"refused: {path}: {words}")
    assert "http" not in done.stderr


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_a_command_makes_is_its_owners_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    done = mingdan("order", "show", "S1", data=str(data))
    assert done.returncode == 1, done.stderr
    assert (mode(data), mode(data / "orders.db")) == (0o700, 0o600)


def test_a_night_makes_the_data_folder_for_its_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    OrderStore.open(Night(Settings(data=data)).settings.database).close()
    assert mode(data) == 0o700


def test_an_existing_folder_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(0o750)
    Night(Settings(data=tmp_path / "data"))
    assert mode(tmp_path / "data") == 0o750
