"""The step itself: what it needs, what it leaves behind, and that a repeat changes nothing."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mingdan.classes import inputs
from mingdan.classes.decide import decide
from mingdan.classes.derive import Derived, derive
from mingdan.classes.policy import load
from mingdan.classes.tables import INPUTS, LABEL_EVENTS, LABELS
from mingdan.errors import InputRefused, LakeError, MissingInput
from mingdan.features.tables import FEATURES
from mingdan.lake import Lake
from mingdan.orders.restrictions import Restriction
from mingdan.orders.tables import APPEALS, PROTECTIONS, SUBSCRIPTIONS
from mingdan.reports.tables import REPORT_ASSERTIONS
from mingdan.senders import rules as sender_rules
from mingdan.senders.flag import flag
from tests.classes.world import BLAST, FIRST, USED, World, nights, report, three_nights

OWN = (LABELS, LABEL_EVENTS, INPUTS)
SPAM = "blacklist:spam_sms"


def digests(world: World) -> dict[str, str]:
    lake = world.night.lake
    return {
        f"{table.name} {day}": lake.partition(table, day).digest
        for table in OWN
        for day in lake.days(table)
    }


@pytest.mark.parametrize(
    "table",
    [FEATURES, SUBSCRIPTIONS, PROTECTIONS, APPEALS, REPORT_ASSERTIONS],
    ids=lambda table: table.name,
)
def test_a_missing_input_freezes_every_label(decided: World, table: Any) -> None:
    before = digests(decided)
    fourth = FIRST + timedelta(days=3)
    decided.land(fourth, {1: USED}, without=[table])
    if table is not FEATURES:
        flag(decided.night, fourth)
    with pytest.raises(MissingInput, match=table.name):
        decide(decided.night, fourth)
    assert digests(decided) == before


def test_a_night_needs_the_night_before(decided: World) -> None:
    fifth = FIRST + timedelta(days=4)
    decided.land(fifth, {1: USED})
    flag(decided.night, fifth)
    with pytest.raises(MissingInput, match="no labels of 2026-11-05, but of 2026-11-04"):
        decide(decided.night, fifth)


def test_a_repeated_night_writes_the_same_bytes(decided: World) -> None:
    before = digests(decided)
    versions = {table.name: decided.night.lake.version(table) for table in OWN}
    for day in (*nights(3), FIRST):
        decide(decided.night, day)
    assert digests(decided) == before
    assert {table.name: decided.night.lake.version(table) for table in OWN} == versions


def test_two_installations_give_the_same_bytes(decided: World, world: World) -> None:
    three_nights(world)
    assert digests(world) == digests(decided)


@pytest.mark.parametrize("broken_off_at", [LABEL_EVENTS.name, LABELS.name])
def test_a_night_broken_off_between_tables_is_completed_as_if_undisturbed(
    decided: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken_off_at: str
) -> None:
    disturbed = decided.copy(tmp_path / "disturbed")
    fourth = FIRST + timedelta(days=3)
    decided.decide(fourth, {1: BLAST})
    real = Lake.write

    def failing(self: Lake, table: Any, day: date, frame: pl.DataFrame) -> Any:
        if table.name == broken_off_at:
            raise LakeError("disk full")
        return real(self, table, day, frame)

    monkeypatch.setattr(Lake, "write", failing)
    with pytest.raises(LakeError, match="disk full"):
        disturbed.decide(fourth, {1: BLAST})
    monkeypatch.undo()
    decide(disturbed.night, fourth)
    assert digests(disturbed) == digests(decided)


def test_past_labels_are_never_rewritten(decided: World) -> None:
    before = digests(decided)
    second = FIRST + timedelta(days=1)
    decided.land(second, {1: USED, 2: USED})
    flag(decided.night, second)
    with pytest.raises(InputRefused, match="past labels are never rewritten"):
        decide(decided.night, second)
    assert digests(decided) == before


def test_the_newest_night_may_be_decided_anew(decided: World) -> None:
    third = FIRST + timedelta(days=2)
    assert decided.labels(third)[1, SPAM]["state"] == "published"
    decided.land(third, {1: USED, 2: USED})
    flag(decided.night, third)
    decide(decided.night, third)
    assert decided.labels(third)[1, SPAM]["state"] == "watch"


def test_order_of_rows_does_not_matter(world: World) -> None:
    for key in range(1, 9):
        world.person(key, 100 + key % 2)
    reports = [report(100, ref=ref, source="partner") for ref in ("b", "a", "c")]
    world.decide(FIRST, dict.fromkeys(range(1, 9), BLAST), reports)
    files = inputs.files_then(world.night.lake, inputs.recall(world.night.lake, FIRST))
    straight = _derive(world, files)
    for name in files:
        turned = []
        for at, file in enumerate(files[name]):
            path = world.root / f"{name}-{at}.parquet"
            pl.read_parquet(file, hive_partitioning=True).reverse().write_parquet(path)
            turned.append(str(path))
        files[name] = turned[::-1]
    again = _derive(world, files)
    assert straight.labels.equals(again.labels)
    assert straight.events.equals(again.events)
    evidence = json.loads(straight.labels["evidence"][0])
    refs = [(source["ref"], source["subscriptions"]) for source in evidence["sources"]]
    assert refs[:4] == [("a", []), ("b", []), ("c", []), ("burst_advertiser@1", [2])]
    assert evidence["subscriptions"] == [2, 4, 6, 8]


def _derive(world: World, files: dict[str, list[str]]) -> Derived:
    return derive(
        world.night.engine,
        files,
        load(),
        sender_rules.load(),
        day=FIRST,
        ruleset_hash="r",
        snapshot_hash="s",
    )


def test_each_night_hash_covers_the_nights_before(decided: World, tmp_path: Path) -> None:
    """Two histories that differ on the fourth night alone never share a hash again."""
    other = decided.copy(tmp_path / "other")
    fourth, fifth = FIRST + timedelta(days=3), FIRST + timedelta(days=4)
    decided.decide(fourth, {1: BLAST})
    other.decide(fourth, {1: USED})
    hashes = set()
    for world in (decided, other):
        world.decide(fifth, {1: BLAST})
        hashes.add(world.labels(fifth)[1, SPAM]["snapshot_hash"])
    assert len(hashes) == 2
    recorded = inputs.recall(decided.night.lake, fifth)
    assert [known.day for known in recorded if known.table == "labels"] == [fourth]
    assert decided.labels(fifth)[1, SPAM]["snapshot_hash"] == inputs.snapshot_hash(recorded)


def test_effects_reach_the_order_store_and_leave_it(decided: World) -> None:
    orders = decided.night.orders
    assert orders.restrictions(2) == [
        Restriction(
            subject_type="party",
            subject_id=2,
            effect="no_new_subscription",
            class_code="blacklist",
            reason_code="malicious_arrears",
        )
    ]
    assert [entry.reason_code for entry in orders.restrictions(1)] == ["spam_sms"]
    decided.facts[2] = {}
    decided.decide(FIRST + timedelta(days=3), {1: BLAST, 2: USED})
    assert orders.restrictions(2) == []


def test_assertions_of_labels_nobody_defined_are_counted(world: World) -> None:
    world.person(1)
    told = world.decide(FIRST, {1: USED}, [report(1, "no_such_reason")])
    assert told.facts["unknown_labels"] == 1
    assert world.labels(FIRST) == {}


def test_a_night_without_anybody_is_a_night(world: World) -> None:
    world.decide(FIRST)
    world.decide(FIRST + timedelta(days=1))
    assert world.labels(FIRST + timedelta(days=1)) == {}
    assert len(inputs.recall(world.night.lake, FIRST + timedelta(days=1))) == 8


def test_a_self_held_number_is_its_own_party(world: World) -> None:
    for day in nights(3):
        world.decide(day, {2**59: BLAST | {"account_age_days": None, "payment_kind": None}})
    label = world.labels(day)[2**59, SPAM]
    assert (label["subject_type"], label["state"]) == ("party", "published")
    assert label["evidence"]["subscriptions"] == [2**59]
