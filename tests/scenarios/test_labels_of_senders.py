"""Stories of malicious senders: how they come under watch, onto the list, and off it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from mingdan.rules.files import policy_text
from tests.classes.world import BLAST, FIRST, USED, World, nights, report

SPAM = "blacklist:spam_sms"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Terms of days instead of weeks, so that a story stays short."""
    text = policy_text("classes/dictionary.toml")[0]
    for was, now in (
        ("hold_days = 30", "hold_days = 4"),
        ("watch_days = 30", "watch_days = 5"),
        ("term_days = 90", "term_days = 9"),
    ):
        assert was in text
        text = text.replace(was, now)
    made = World(tmp_path / "data", {"classes/dictionary.toml": text})
    yield made
    made.night.orders.close()


def states(world: World, subject: int, days: list) -> list[str | None]:  # type: ignore[type-arg]
    found = (world.labels(day).get((subject, SPAM)) for day in days)
    return [row and row["state"] for row in found]


def test_a_sender_is_watched_at_once_published_later_and_let_go_when_good(world: World) -> None:
    world.person(1)
    days = nights(12)
    for at, day in enumerate(days):
        world.decide(day, {1: BLAST if at < 4 else USED})
    assert states(world, 1, days) == [
        "watch", "watch", "published", "published",  # at it
        "published", "published", "published",  # held: four days, and until the confidence is low
        "watch", "watch", "watch", "fading", "fading",
    ]  # fmt: skip
    told = [event for day in days for event in world.events(day)]
    assert [event[2:] for event in told] == [
        ("assert", "watch"),
        ("assert", "published"),
        ("revoke", "watch"),
        ("revoke", None),
    ]


def test_a_sender_who_was_stopped_is_not_forgotten_until_the_term_ends(world: World) -> None:
    """Suspended, it sends nothing: silence proves nothing, the term alone ends the label."""
    world.person(1)
    days = nights(12)
    for at, day in enumerate(days):
        world.decide(day, {1: BLAST} if at < 3 else {})
    assert states(world, 1, days) == [*["watch"] * 2, *["published"] * 9, None]
    assert world.events(days[11]) == [(1, SPAM, "expire", None)]


def test_a_single_bad_day_is_watched_and_forgotten(world: World) -> None:
    world.person(1)
    days = nights(6)
    for at, day in enumerate(days):
        world.decide(day, {1: BLAST if at == 0 else USED})
    assert states(world, 1, days) == ["watch"] * 4 + ["fading", None]
    assert not any(
        row["state"] == "published" for day in days for row in world.labels(day).values()
    )


def test_complaints_from_outside_shorten_the_way(world: World) -> None:
    world.person(1)
    world.person(2)
    first, second = nights(2)
    for day in (first, second):
        world.decide(day, {1: BLAST, 2: BLAST}, [report(1, score=40, subscriptions=[1], day=day)])
    assert world.labels(second)[1, SPAM]["state"] == "published"
    assert world.labels(second)[1, SPAM]["sources"] == 2
    assert world.labels(second)[2, SPAM]["state"] == "watch"


def test_a_label_stays_with_the_person_when_the_number_is_transferred(world: World) -> None:
    """过户: the new owner starts clean; the old party keeps label and history, without a number."""
    world.person(1, 100)
    days = nights(6)
    for day in days[:3]:
        world.decide(day, {1: BLAST})
    world.transfer(1, 200, days[3])
    for day in days[3:]:
        # the week's and the month's sums still hold what the old owner sent
        world.decide(day, {1: USED | {"recipients_7d": 400, "recipients_30d": 400}})
    assert (200, SPAM) not in world.labels(days[-1])
    old = world.labels(days[3])[100, SPAM]
    assert (old["state"], old["effective"]) == ("published", True)
    assert old["evidence"]["subscriptions"] == []
    assert old["evidence"]["sources"][0]["subscriptions"] == [1]


def test_what_a_rule_saw_before_the_transfer_is_not_held_against_the_new_owner(
    world: World,
) -> None:
    world.person(1, 100)
    first, second, third = nights(3)
    world.decide(first, {1: BLAST})
    world.transfer(1, 200, second)
    told = world.decide(second, {1: BLAST})
    assert told.facts["before_transfer"] == 3
    assert (200, SPAM) not in world.labels(second)
    told = world.decide(third, {1: BLAST})
    assert world.labels(third)[200, SPAM]["source_ref"] == "burst_advertiser@1,slow_pacer@1"
    assert told.facts["before_transfer"] == 1


def test_a_returning_person_is_labelled_from_the_first_day_under_a_new_number(
    world: World,
) -> None:
    """The old number was ended; the same person's new number is under the label at once."""
    world.person(1, 100, document_id=5)
    days = nights(5)
    for day in days[:3]:
        world.decide(day, {1: BLAST})
    world.facts[1] = {"document_id": 5, "status": "terminated"}
    world.person(2, 100, document_id=5)
    world.decide(days[3], {2: USED})
    label = world.labels(days[3])[100, SPAM]
    assert (label["state"], label["evidence"]["subscriptions"]) == ("published", [1])
    world.decide(days[4], {2: BLAST})
    assert world.labels(days[4])[100, SPAM]["evidence"]["subscriptions"] == [1, 2]


def test_the_same_document_behind_another_record_is_watched_and_never_more(world: World) -> None:
    world.person(1, 100, document_id=5)
    world.person(2, 200, document_id=5)
    world.person(3, 300, document_id=6)
    days = nights(6)
    for day in days:
        world.decide(day, {1: BLAST, 2: USED, 3: USED})
    assert (200, SPAM) not in world.labels(days[2])
    assert states(world, 200, days[3:]) == ["watch"] * 3
    linked = world.labels(days[5])[200, SPAM]["evidence"]["sources"]
    assert [source["ref"] for source in linked] == ["linked_identity@1"]
    assert linked[0]["values"] == {"listed_customers_of_document": 1}
    assert (300, SPAM) not in world.labels(days[5])


def test_a_farm_is_one_person_with_many_numbers(world: World) -> None:
    """Evidence from several subscriptions of one holder is one label about all of them."""
    for key in (1, 2, 3):
        world.person(key, 100)
    shared = USED | {
        "subscriptions_per_imei_7d": 3, "recipients_1d": 30, "messages_per_recipient_1d": 1.0,
        "response_ratio_1d": 0.0,
    }  # fmt: skip
    world.decide(FIRST, {1: shared, 2: shared, 3: USED})
    world.decide(FIRST + timedelta(days=1), {1: USED, 2: USED, 3: shared})
    label = world.labels(FIRST + timedelta(days=1))[100, SPAM]
    assert label["evidence"]["subscriptions"] == [1, 2, 3]
    assert (label["hits"], label["sources"]) == (2, 1)
