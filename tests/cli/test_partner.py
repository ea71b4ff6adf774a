"""`mingdan partner` as a person, a script and a partner on the light install use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mingdan.cli.main import app
from mingdan.lists.format import SNAPSHOT
from mingdan.lists.manifest import numbered
from tests.lists.channels import three_rounds, token


@pytest.fixture
def channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three releases to bank_demo in an otherwise empty installation."""
    monkeypatch.setenv("MINGDAN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    made = tmp_path / "data" / "releases" / "bank_demo"
    three_rounds(made)
    return made


def mingdan(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of a command line."""
    monkeypatch.setattr(sys, "argv", ["mingdan", "partner", *arguments])
    with pytest.raises(SystemExit) as done:
        app()
    return int(done.value.code or 0)


def test_partners_are_listed_with_their_last_release(
    channel: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mingdan(monkeypatch, "list") == 0
    out = capsys.readouterr().out
    assert "示范银行" in out
    assert "3 of" in out
    assert "2026-11-03" in out
    assert mingdan(monkeypatch, "list", "--json") == 0
    found = {row["code"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(found) == {"bank_demo", "police_demo"}
    assert found["bank_demo"]["last_release"] == {"seq": 3, "day": "2026-11-03", "entries": 3}
    assert found["police_demo"]["last_release"] is None


@pytest.mark.parametrize("command", [("list",), ("entries", "bank_demo")])
def test_no_code_is_broken_on_a_narrow_terminal(
    channel: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: tuple[str, ...],
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert mingdan(monkeypatch, *command) == 0
    out = capsys.readouterr().out
    assert max(len(line) for line in out.splitlines()) <= 80
    assert "…" not in out
    codes = {"list": ("bank_demo", "court_or_police", "abnormal_calls", "2026-11-03", "2028-12-31"),
             "entries": (f"{token(1)[:8]}...", "spam_sms", "2026-11-01", "2027-01-01")}  # fmt: skip
    for code in codes[command[0]]:
        assert code in out


def test_no_is_an_answer(
    channel: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mingdan(monkeypatch, "show", "bank_demo") == 0
    out = capsys.readouterr().out
    (line,) = [line for line in out.splitlines() if "may be reexported" in line]
    assert line.split()[-2] == "no"
    (line,) = [line for line in out.splitlines() if "asserts" in line]
    assert line.split()[-2] == "-"


def test_one_partner_in_full(
    channel: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mingdan(monkeypatch, "show", "bank_demo") == 0
    out = capsys.readouterr().out
    assert "Risk scoring of account openings and transfers" in out
    assert "keyed" in out
    assert mingdan(monkeypatch, "show", "nobody") == 2
    assert "there are: bank_demo, police_demo" in capsys.readouterr().err


def test_a_good_release_and_a_bad_one(
    channel: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mingdan(monkeypatch, "verify", str(channel), "--all") == 0
    assert "Release 3 of 2026-11-03 is whole: 3 entries" in capsys.readouterr().out
    assert mingdan(monkeypatch, "verify", str(numbered(channel, 1)), "--json") == 0
    assert json.loads(capsys.readouterr().out)["seq"] == 1
    path = numbered(channel, 3) / SNAPSHOT
    path.write_bytes(path.read_bytes()[:-1])
    assert mingdan(monkeypatch, "verify", str(channel)) == 1
    assert "not the file announced" in capsys.readouterr().err.replace("\n", " ")
    assert mingdan(monkeypatch, "verify", "nowhere") == 1
    assert mingdan(monkeypatch, "verify") == 2


def test_entries_are_masked(
    channel: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mingdan(monkeypatch, "entries", "bank_demo", "--limit", "2") == 0
    out = capsys.readouterr().out
    assert "Release 3 of 2026-11-03: 3 entries" in out
    assert "1 more" in out
    shown = sorted(token(n) for n in (1, 2, 4))[:2]
    assert all(f"{held[:8]}..." in out for held in shown)
    assert all(token(n)[:12] not in out for n in range(5))
    assert mingdan(monkeypatch, "entries", str(channel), "--reason", "fraud", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["entries"] == 1
    (row,) = found["rows"]
    assert row["token"] == token(2)[:8] + "..."
    assert (row["reason_code"], row["in_force"]) == ("fraud", True)


def test_every_command_shows_an_example(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("list", "show", "verify", "entries"):
        assert mingdan(monkeypatch, name, "--help") == 0
        out = capsys.readouterr().out
        assert f"mingdan partner {name}" in out
        assert "--json" in out


LIGHT = """
import sys
class Light:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"polars", "duckdb", "deltalake", "pyarrow", "numpy",
                                  "sqlalchemy", "dagster", "sklearn", "stdnum", "alembic"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Light())
from mingdan.cli.main import app
app()
"""


def test_it_runs_on_the_light_install(channel: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIGHT, "partner", "verify", str(channel), "--all"],
        capture_output=True,
        text=True,
        env={**os.environ},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "is whole" in done.stdout
