"""A day's files written by somebody who means harm, carried through the whole night.

Here: what lands, what is set aside and that nothing of it is shown; files that stop
the night, and what the night then leaves alone. Not here: single fields and files
(`test_usage_files.py`), reports (`test_reports_upload.py`).
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from assets.resources import Installation
from mingdan.classes.tables import LABELS
from mingdan.cli.main import app
from mingdan.errors import InputRefused
from mingdan.lake import Lake
from pipelines.definitions import build_defs
from tests.scenarios.town import Town, chat, day, imsi
from tests.usage.feeds import SMSC_HEADER, at, msc_line, smsc_file, smsc_line
from tests.worlds import everything

ANN = "8613800001005"
NOON = at(day(1))


def line(serial: str, **more: object) -> str:
    plain = {"served": ANN[2:], "imsi": imsi(5), "other": "13600000001", "time": NOON}
    return smsc_line(serial, **plain | more)  # type: ignore[arg-type]


LANDED = {
    "SQL as an id": line("x'); DROP TABLE usage; --"),
    "pictures and accents": line("é😀🀄鬱"),
    "full width": line(
        "w", served="１３８００００１００５", other="＋８６　１３６０００００００１"
    ),
    "a recipient of words": line("n", other="联通 客服'); --"),
    "a recipient of 40 digits": line("l", other="9" * 40),
    "twice": line("d1"),
    "twice, again": line("d1"),
}
ASIDE = {
    line("cell", cell="'; DELETE FROM labels; --"): "bad_integer",
    line("fee", fee="9" * 24): "bad_charge",
    line("fee2", fee=str(2**63 - 1)): "too_large",
    line("old", time="19700101000000"): "too_late",
    line("new", time="20700101000000"): "in_future",
    line("or", served=f"{ANN[2:]} OR 1=1"): "bad_number",
    line("formula", reference="=cmd|' /C calc'!A0"): "bad_integer",
    line("name,司马相如,11010119900301102X"): "too_many_fields",
    "司马相如 13600000012": "too_few_fields",
}
SECRETS = (ANN[2:], "１３８００００１００５", "13600000012", "司马相如", "19900301", imsi(5))


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """One quiet night of one customer; read only."""
    town = Town(tmp_path_factory.mktemp("calm") / "data")
    town.data.mkdir()
    town.open("ann", 5, ANN)
    town.deliver(0, chat("ann", 5, ANN, 0))
    town.sleep(0)
    return town


@pytest.fixture(scope="module")
def night(calm: Town, tmp_path_factory: pytest.TempPathFactory) -> tuple[Town, str]:
    """The hostile day run by Dagster, and all that was logged and shown."""
    town = calm.copy(tmp_path_factory.mktemp("hostile") / "data")
    plain = [line(f"p{n}") for n in range(100)]
    town.deliver(1, [*plain, *LANDED.values(), *ASIDE])
    job = build_defs(Installation(data=str(town.data))).resolve_job_def("nightly")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(partition_key=day(1).isoformat(), instance=instance)
        logs = instance.all_logs(result.run_id)
    assert result.success
    told = [str(event) + str(event.dagster_event) for event in logs]
    return town, "\n".join(told)


def test_every_line_is_landed_or_set_aside_with_reason_and_bytes(night: tuple[Town, str]) -> None:
    town, _ = night
    aside = town.rows("usage_quarantine", 1).sort("line")
    assert dict(zip(aside["raw"], aside["reason"], strict=True)) == {
        text.encode("gb18030"): reason for text, reason in ASIDE.items()
    }
    first = 1 + 100 + len(LANDED) + 1
    assert aside["line"].to_list() == list(range(first, first + len(ASIDE)))
    (name,) = set(aside["file"])
    assert (town.settings.landing / name).is_file()
    (told,) = town.rows("usage_files", 1).filter(pl.col("source") == "smsc").to_dicts()
    assert told["rows_received"] == 100 + len(LANDED) + len(ASIDE)
    assert told["rows_duplicate"] == 1
    assert told["rows_landed"] == 100 + len(LANDED) - 1
    assert told["rows_quarantined"] == len(ASIDE)


def test_full_width_is_the_same_number_and_sql_is_a_text(night: tuple[Town, str]) -> None:
    town, _ = night
    sent = town.rows("guided_usage", 1).filter(pl.col("source") == "smsc")
    assert set(sent["served_msisdn"]) == {int(ANN)}
    assert set(sent["subscription_id"]) == {town.subscriptions["ann"]}
    assert {n for n in sent["other_party"] if n > 0} == {8613600000001}
    assert sent.height == 100 + len(LANDED) - 1
    # whoever wrote the SQL, the tables of the night before are there
    assert Lake(town.settings.lake).days(LABELS) == [day(0), day(1)]


def test_neither_logs_nor_metadata_name_anybody(night: tuple[Town, str]) -> None:
    _, shown = night
    assert "usage_quarantine" in shown
    for secret in SECRETS:
        assert secret not in shown
        assert str(secret.encode("gb18030"))[2:-1] not in shown


def test_the_summary_counts_it_and_names_nobody(
    night: tuple[Town, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    town, _ = night
    monkeypatch.setenv("MINGDAN_DATA", str(town.data))
    monkeypatch.setattr(sys, "argv", ["mingdan", "runs", day(1).isoformat(), "--json"])
    with pytest.raises(SystemExit):
        app()
    shown = capsys.readouterr().out
    (smsc,) = [each for each in json.loads(shown)["files"] if each["source"] == "smsc"]
    assert (smsc["quarantined"], smsc["duplicate"]) == (len(ASIDE), 1)
    assert not [secret for secret in SECRETS if secret in shown]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def _header(path: Path) -> None:
    path.write_bytes(smsc_file([line("a")], header=SMSC_HEADER.replace("对端", ANN)))


def _bad(path: Path) -> None:
    path.write_bytes(smsc_file([*map(line, map(str, range(88))), *["司马相如," + ANN] * 12]))


STOPS: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (_cut, "truncated gzip"),
    "emptied": (lambda path: path.write_bytes(b""), "empty file"),
    "packed nothing": (lambda path: path.write_bytes(gzip.compress(b"")), "empty file"),
    "another header": (_header, "header changed"),
    "12 % bad": (_bad, "12 of 100 rows are bad"),
    "not delivered": (lambda path: shutil.rmtree(path.parent), "smsc"),
}


@pytest.mark.parametrize("fault", STOPS)
def test_a_file_that_stops_the_night_leaves_usage_labels_and_releases_alone(
    calm: Town, tmp_path: Path, fault: str
) -> None:
    town = calm.copy(tmp_path / "data")
    town.deliver(1, [line(str(n)) for n in range(20)])
    town.landing.msc([msc_line("v", served=ANN, time=NOON)], day=day(1))
    (path,) = (town.settings.landing / "usage" / "smsc" / day(1).isoformat()).iterdir()
    spoil, words = STOPS[fault]
    spoil(path)
    before = everything(town.data)
    with pytest.raises(Exception, match=words) as stopped:
        town.sleep(1)
    assert isinstance(stopped.value, InputRefused) or "smsc" in str(stopped.value)
    assert day(1).isoformat() in str(stopped.value)
    assert not [secret for secret in (*SECRETS, ANN) if secret in str(stopped.value)]
    changed = {name.split(" ")[0] for name, _ in before.items() ^ everything(town.data).items()}
    assert changed <= {
        "order_events", "number_holdings", "subscription_holdings", "subscriptions", "protections",
        "appeals",
        "reconciliation"
    }  # fmt: skip
