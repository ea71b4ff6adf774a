"""The step that flags: its input, its rows, its repeatability."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from mingdan.errors import MissingInput
from mingdan.rules.archive import recall
from mingdan.rules.files import policy_text
from mingdan.rules.ruleset import BadRules
from mingdan.senders.flag import flag
from mingdan.senders.rules import FILE, checked, load
from mingdan.senders.tables import SENDER_ASSERTIONS
from tests.classes.world import BLAST, FIRST, USED, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "data")
    made.person(1)
    made.person(2)
    yield made
    if "orders" in made.night.__dict__:
        made.night.orders.close()


def test_each_rule_that_holds_is_an_assertion_with_its_values(world: World) -> None:
    world.land(FIRST, {1: BLAST, 2: USED})
    told = flag(world.night, FIRST)
    rows = world.night.lake.scan(SENDER_ASSERTIONS, [FIRST]).collect().to_dicts()
    assert told.facts["subscriptions"] == 1
    assert told.facts["assertions"] == len(rows) == 3
    row = next(row for row in rows if row["source_ref"] == "burst_advertiser@1")
    assert (row["subject_type"], row["subject_id"]) == ("subscription", 1)
    assert (row["class_code"], row["reason_code"]) == ("blacklist", "spam_sms")
    assert (row["source"], row["level"], row["score"]) == ("rule", "published", 90)
    assert json.loads(row["evidence"]) == {
        "busiest_hour_events_1d": 200,
        "messages_per_recipient_1d": 1.03,
        "new_recipient_share_1d": 0.99,
        "recipients_1d": 390,
        "response_ratio_1d": 0.01,
    }
    assert row["observed_at"].isoformat() == "2026-11-02T16:00:00"


def test_a_day_without_features_is_refused_and_nothing_written(world: World) -> None:
    with pytest.raises(MissingInput, match="no features of 2026-11-02"):
        flag(world.night, FIRST)
    assert world.night.lake.days(SENDER_ASSERTIONS) == []


def test_a_quiet_day_is_a_day(world: World) -> None:
    world.land(FIRST, {})
    assert flag(world.night, FIRST).facts["assertions"] == 0
    assert world.night.lake.days(SENDER_ASSERTIONS) == [FIRST]


def test_a_repeat_writes_the_same_bytes(world: World) -> None:
    world.land(FIRST, {1: BLAST})
    first = flag(world.night, FIRST).partitions
    assert flag(world.night, FIRST).partitions == first


def test_the_rules_used_are_kept(world: World) -> None:
    world.land(FIRST, {1: BLAST})
    flag(world.night, FIRST)
    rows = world.night.lake.scan(SENDER_ASSERTIONS, [FIRST]).collect()
    name = rows["ruleset_hash"].unique().item()
    assert checked(recall(world.night.lake, name)).hash == name == load().hash


def test_the_operators_own_file_takes_the_place_of_the_shipped_one(world: World) -> None:
    own = policy_text(FILE)[0].replace("recipients_1d >= 120", "recipients_1d >= 1000")
    path = world.root / "policy" / FILE
    path.parent.mkdir(parents=True)
    path.write_text(own, encoding="utf-8")
    world.land(FIRST, {1: BLAST})
    flag(world.night, FIRST)
    rows = world.night.lake.scan(SENDER_ASSERTIONS, [FIRST]).collect()
    assert "burst_advertiser@1" not in rows["source_ref"].to_list()
    path.write_text(own.replace("recipients_1d >= 1000", "recipient_count >= 1000"), "utf-8")
    second = FIRST + timedelta(days=1)
    world.land(second, {1: BLAST})
    with pytest.raises(BadRules) as refusal:
        flag(world.night, second)
    assert str(path) in str(refusal.value)
    assert "rule `burst_advertiser`: unknown column `recipient_count`" in str(refusal.value)
    assert second not in world.night.lake.days(SENDER_ASSERTIONS)
