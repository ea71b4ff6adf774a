"""`mingdan ingest` as a person and as a script uses it."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from mingdan.cli.main import app
from mingdan.lake import Lake
from mingdan.night import Night
from mingdan.settings import Settings
from mingdan.usage.intake import land
from mingdan.usage.tables import LANDED_USAGE
from tests.usage.feeds import DAY, Landing, at, msc_line, smsc_line


@pytest.fixture
def landing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Landing:
    monkeypatch.setenv("MINGDAN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MINGDAN_LOCK_WAIT_SECONDS", "0.2")
    monkeypatch.setenv("COLUMNS", "200")
    landing = Landing(Settings())
    landing.all_three()
    return landing


def mingdan(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of a command line."""
    monkeypatch.setattr(sys, "argv", ["mingdan", *arguments])
    with pytest.raises(SystemExit) as done:
        app()
    return int(done.value.code or 0)


def test_a_day_is_landed_and_its_usage_built(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = DAY - timedelta(days=1)
    landing.smsc([smsc_line("late", time=at(before)), *map(smsc_line, range(20)), "x"], number=2)
    assert mingdan(monkeypatch, "ingest", DAY.isoformat()) == 0
    out = capsys.readouterr().out
    assert "smsc/2026-11-01/sms_20261101_02.csv.gz" in out
    assert "too_few_fields" in out
    assert f"81 records on 2 event days ({before}, {DAY}); 0 delivered before." in out
    assert "138001" not in out


def test_a_script_gets_json(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mingdan(monkeypatch, "ingest", DAY.isoformat(), "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["day"] == "2026-11-01"
    assert content["event_days"] == ["2026-11-01"]
    assert [file["rows_landed"] for file in content["files"]] == [20, 20, 20]
    assert content["facts"]["rows_received"] == content["facts"]["records"] == 60
    assert content["quarantine"] == []


def test_a_missing_source_is_exit_code_1_and_says_where_it_belongs(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mingdan(monkeypatch, "ingest", "2026-11-02") == 1
    message = capsys.readouterr().err.replace("\n", "")
    assert "smsc: no file sms_*.csv.gz in" in message
    assert "usage/smsc/2026-11-02" in message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["1 November"], "not a day"),
        (["2026-11-01", "--source", "voice"], "no source 'voice'"),
        (["2026-11-01", "--skip", "nothing.gz"], "no file 'nothing.gz'"),
        (["2026-11-01", "--unheard-of"], "No such option"),
    ],
)
def test_a_wrong_call_is_exit_code_2(
    landing: Landing,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    assert mingdan(monkeypatch, "ingest", *arguments) == 2
    assert words in capsys.readouterr().err
    assert not (landing.settings.lake / "landed_usage").exists()


def test_a_refused_file_can_be_skipped_and_stays_skipped(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = landing.put("smsc", "sms_20261101_02.csv.gz", b"")
    assert mingdan(monkeypatch, "ingest", DAY.isoformat()) == 1
    message = capsys.readouterr().err
    assert "empty file" in message
    name = f"usage/smsc/{DAY}/{bad.name}"
    assert f"--skip {name}" in message.replace("\n", "")
    assert mingdan(monkeypatch, "ingest", DAY.isoformat(), "--skip", name) == 0
    assert "skipped by a person: empty file" in " ".join(capsys.readouterr().out.split())
    # the nightly job sees the marker, too
    assert land(Night(landing.settings), DAY).facts["files_refused"] == 1


@pytest.mark.parametrize("form", ["absolute", "bare"])
def test_a_file_is_skipped_by_path_or_bare_name(
    landing: Landing,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    other = landing.msc([msc_line("other")], number=2)
    name = str(other) if form == "absolute" else other.name
    assert mingdan(monkeypatch, "ingest", DAY.isoformat(), "--skip", name) == 0
    assert Lake(landing.settings.lake).scan(LANDED_USAGE, [DAY]).collect().height == 60


def test_one_source_is_landed_alone(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mingdan(monkeypatch, "ingest", DAY.isoformat()) == 0
    landing.smsc([smsc_line("more")], number=2)
    assert mingdan(monkeypatch, "ingest", DAY.isoformat(), "--source", "smsc") == 0
    assert Lake(landing.settings.lake).scan(LANDED_USAGE, [DAY]).collect().height == 61


def test_a_second_run_is_refused_while_another_writes(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Night(landing.settings).lock():
        assert mingdan(monkeypatch, "ingest", DAY.isoformat()) == 1
    assert "another run is writing" in capsys.readouterr().err


def test_a_folder_without_landing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MINGDAN_DATA", str(tmp_path / "elsewhere"))
    assert mingdan(monkeypatch, "ingest", DAY.isoformat()) == 1
    assert "MINGDAN_DATA" in capsys.readouterr().err
    assert not (tmp_path / "elsewhere").exists()


def test_a_spec_is_checked_without_an_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MINGDAN_DATA", str(tmp_path / "none"))
    shipped = Path("mingdan/usage/sources/msc.toml").read_text("utf-8")
    good = tmp_path / "msc.toml"
    good.write_text(shipped, encoding="utf-8")
    assert mingdan(monkeypatch, "ingest", "--check-spec", str(good)) == 0
    assert "well formed" in capsys.readouterr().out
    assert mingdan(monkeypatch, "ingest", "--check-spec", str(good), "--json") == 0
    assert json.loads(capsys.readouterr().out)["name"] == "msc"
    good.write_text(shipped.replace('"utf-8"', '"big5"'), encoding="utf-8")
    assert mingdan(monkeypatch, "ingest", "--check-spec", str(good)) == 1
    message = " ".join(capsys.readouterr().err.split())
    assert "file.encoding" in message
    assert "'gb18030'" in message
    assert not (tmp_path / "none").exists()
