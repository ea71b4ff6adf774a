"""Orders and records that come late, and nights that are run a second time.

Here: what late knowledge repairs, and that no rerun takes it away again. Not here:
kills in the middle of a night, whose label it is.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from assets.resources import Installation
from mingdan.errors import InputRefused, MissingInput
from pipelines.definitions import build_defs
from tests.scenarios.conftest import HANDED, Told
from tests.scenarios.town import Town, chat, day
from tests.worlds import everything


def guided(town: Town, ref: str) -> dict[int, set[int]]:
    """Day -> the parties a subscription's usage was guided to."""
    subscription = town.subscriptions[ref]
    rows = town.rows("guided_usage").filter(pl.col("subscription_id") == subscription)
    return {
        number: set(rows.filter(pl.col("date") == day(number))["party_id"]) for number in range(5)
    }


def test_usage_before_its_order_is_rejected_and_taken_up_when_the_order_comes(
    told: Told,
) -> None:
    # each day has one record of nobody's besides; the latecomer sends two from day 1 on
    assert told.rejected[0] == {0: 1}
    assert told.rejected[1] == {0: 1, 1: 3}
    assert told.rejected[2] == {0: 1, 1: 3, 2: 3}
    assert told.rejected[3] == {0: 1, 1: 1, 2: 1, 3: 1}
    party = told.town.parties["P4"]
    assert guided(told.town, "latecomer") == {0: set()} | {n: {party} for n in range(1, 5)}


def test_every_record_is_guided_or_rejected_once(told: Told) -> None:
    usage = told.town.rows("usage").height
    kept = told.town.rows("guided_usage").height + told.town.rows("rejected_usage").height
    assert usage == kept


def test_a_transfer_learnt_late_moves_the_usage_since(told: Told) -> None:
    old, new = told.town.parties["P5"], told.town.parties["P9"]
    assert guided(told.town, "handed") == {0: {old}} | {n: {new} for n in range(1, 5)}


def test_the_last_night_again_changes_no_byte(told: Told, tmp_path: Path) -> None:
    town = told.town.copy(tmp_path / "data")
    before = everything(town.data)
    town.sleep(4)
    assert everything(town.data) == before


def test_an_earlier_night_again_takes_no_late_order_and_no_late_record_back(
    told: Told, tmp_path: Path
) -> None:
    """What is known by now stays known: for the day run again, and in the nights to come."""
    town = told.town.copy(tmp_path / "data")
    latecomer, records = guided(town, "latecomer"), town.rows("usage", 1).height
    town.sleep(1)
    town.deliver(5, chat("handed", 5, HANDED, 5))
    town.sleep(5)
    assert guided(town, "latecomer") == latecomer
    assert town.rows("usage", 1).height == records


def test_an_earlier_night_that_may_not_be_run_again_changes_nothing(
    told: Told, tmp_path: Path
) -> None:
    town = told.town.copy(tmp_path / "data")
    before = everything(town.data)
    with contextlib.suppress(InputRefused):
        town.sleep(2)
    assert everything(town.data) == before


def test_a_missed_night_is_asked_for_and_nothing_is_decided_without_it(
    told: Told, tmp_path: Path
) -> None:
    """Day 5 was forgotten: day 6 says so, labels stay frozen, the partner hears nothing."""
    town = told.town.copy(tmp_path / "data")
    before = everything(town.data)
    for number in (5, 6):
        town.deliver(number, chat("handed", 5, HANDED, number))
    with pytest.raises(MissingInput, match=f"no labels of {day(5)}"):
        town.sleep(6)
    after = everything(town.data)
    assert {name: after[name] for name in before} == before
    new = {name.split(" ")[0] for name in after.keys() - before.keys()}
    assert not new & {"labels", "label_events", "inputs", "list_entries"}
    assert not [name for name in new if name.startswith(town.settings.partner)]


def test_a_late_file_adds_its_records_and_takes_nothing_away(told: Told, tmp_path: Path) -> None:
    """What the sensor starts by itself: a second file for day 1, when day 4 is long past."""
    town = told.town.copy(tmp_path / "data")
    latecomer, handed = guided(town, "latecomer"), guided(town, "handed")
    before = set(town.rows("usage", 1)["record_id"])
    belated = chat("belated", 5, HANDED, 1, friend="13600000008")
    town.landing.smsc(belated, number=2, day=day(1))
    job = build_defs(Installation(data=str(town.data))).resolve_job_def("late_usage")
    with dg.DagsterInstance.ephemeral() as instance:
        assert job.execute_in_process(partition_key=day(1).isoformat(), instance=instance).success
    after = set(town.rows("usage", 1)["record_id"])
    assert len(after - before) == len(belated)
    assert before - after == set()
    assert guided(town, "latecomer") == latecomer
    assert guided(town, "handed") == handed
