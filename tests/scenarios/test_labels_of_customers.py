"""Stories of customers with several classes at once: key accounts, debtors, the protected."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.classes.world import BLAST, FIRST, USED, World, nights

SPAM = "blacklist:spam_sms"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "data")
    yield made
    made.night.orders.close()


def spending(yuan: int) -> dict[str, object]:
    return USED | {"spend_fen_30d": yuan * 100}


def test_a_grade_is_kept_through_a_thin_month_and_lost_below_it(world: World) -> None:
    world.person(1)
    grades = []
    for day, yuan in zip(nights(8), (290, 310, 250, 720, 600, 540, 1_900, 1_000), strict=True):
        world.decide(day, {1: spending(yuan)})
        grades.append([code.partition(":")[2] for _, code in world.labels(day)])
    assert grades == [
        [],
        ["silver"],
        ["silver"],   # 250 of 300: above the 240 that keep it
        ["gold"],
        ["gold"],     # 600 of 700: above 560
        ["silver"],
        ["diamond"],
        ["gold"],     # a lost higher grade falls to what the spend still holds
    ]  # fmt: skip
    eighth = nights(8)[7]
    assert [event[1:3] for event in world.events(eighth)] == [
        ("key_account:diamond", "revoke"),
        ("key_account:gold", "assert"),
    ]


def test_a_key_account_hides_nothing_and_nothing_hides_it(world: World) -> None:
    world.person(1)
    for day in nights(3):
        world.decide(day, {1: BLAST | {"spend_fen_30d": 200_000}})
    labels = world.labels(day)
    assert labels[1, SPAM]["effective"] is True
    assert labels[1, "key_account:diamond"]["effective"] is True


def test_spend_of_the_owner_before_does_not_make_the_new_one_a_key_account(world: World) -> None:
    world.person(1, 100)
    first, second = nights(2)
    world.decide(first, {1: spending(900)})
    assert (100, "key_account:gold") in world.labels(first)
    world.transfer(1, 200, second)
    world.decide(second, {1: spending(900)})
    assert world.labels(second) == {}


def test_spend_adds_up_over_all_a_customer_holds(world: World) -> None:
    for key in (1, 2):
        world.person(key, 100)
    world.decide(FIRST, {1: spending(200), 2: spending(200)})
    label = world.labels(FIRST)[100, "key_account:silver"]
    assert label["evidence"]["sources"][0]["values"] == {"spend_fen_30d": 40_000}
    assert label["evidence"]["subscriptions"] == [1, 2]


def test_a_debtor_who_pays_leaves_the_list_the_same_night(world: World) -> None:
    world.person(1, 100, arrears_fen=30_000, arrears_days=120, status="suspended")
    world.person(2, 100)
    world.decide(FIRST, {2: USED})
    label = world.labels(FIRST)[100, "blacklist:malicious_arrears"]
    assert (label["state"], label["effective"]) == ("published", True)
    assert label["evidence"]["subscriptions"] == [1]
    # the weaker reason stands behind the stronger one
    weaker = world.labels(FIRST)[100, "blacklist:arrears"]
    assert (weaker["state"], weaker["suppressed_by"]) == ("watch", "blacklist:malicious_arrears")
    world.facts[1] = {}
    second = FIRST + timedelta(days=1)
    world.decide(second, {2: USED})
    assert world.labels(second) == {}
    assert {event[1:3] for event in world.events(second)} == {
        ("blacklist:arrears", "revoke"),
        ("blacklist:malicious_arrears", "revoke"),
    }


def test_arrears_of_an_ended_subscription_still_count(world: World) -> None:
    world.person(1, 100, arrears_fen=30_000, arrears_days=120, status="terminated")
    world.decide(FIRST, {})
    assert world.labels(FIRST)[100, "blacklist:malicious_arrears"]["state"] == "published"


def test_a_protected_sender_is_not_listed_but_everything_is_on_record(world: World) -> None:
    """红名单: the effect is kept back, the natural result, its evidence and history are not."""
    world.person(1)
    days = nights(6)
    world.protect(1, "spam", days[3])
    for day in days:
        world.decide(day, {1: BLAST})
    label = world.labels(days[2])[1, SPAM]
    assert (label["state"], label["effective"]) == ("published", False)
    assert label["suppressed_by"] == "redlist:spam"
    assert label["evidence"]["sources"]
    assert world.night.orders.restrictions(1) != []
    # the protection ends with the fourth day, so its night already decides without it
    after = world.labels(days[3])[1, SPAM]
    assert (after["effective"], after["suppressed_by"]) == (True, None)
    assert (1, SPAM, "assert", "published") in world.events(days[3])
    assert (1, "redlist:spam", "expire", None) in world.events(days[3])


def test_a_protection_set_today_is_written_down_as_an_override(world: World) -> None:
    world.person(1)
    days = nights(5)
    for day in days[:4]:
        world.decide(day, {1: BLAST})
    world.protect(1, "all", days[4] + timedelta(days=30))
    world.decide(days[4], {1: BLAST})
    assert (1, SPAM, "override", "published") in world.events(days[4])
    assert world.night.orders.restrictions(1) == []


def test_protection_in_one_scope_does_not_cover_another(world: World) -> None:
    world.person(1, arrears_fen=30_000, arrears_days=120)
    world.protect(1, "spam", FIRST + timedelta(days=99))
    world.decide(FIRST, {1: USED})
    assert world.labels(FIRST)[1, "blacklist:malicious_arrears"]["effective"] is True


def test_an_order_of_the_police_stands_above_every_protection(world: World) -> None:
    world.person(1, suspend_reasons="arrears,police", status="suspended")
    world.protect(1, "all", FIRST + timedelta(days=99))
    world.decide(FIRST, {1: USED})
    label = world.labels(FIRST)[1, "blacklist:court_or_police"]
    assert (label["state"], label["effective"]) == ("published", True)
    assert label["evidence"]["subscriptions"] == [1]
    assert world.labels(FIRST)[1, "redlist:all"]["effective"] is True


def test_a_class_follows_the_party_over_number_changes_and_new_numbers(world: World) -> None:
    """改号 keeps the subscription, so nothing happens to the labels at all."""
    world.person(1)
    days = nights(4)
    for day in days:
        world.decide(day, {1: BLAST})
    assert [event for day in days[3:] for event in world.events(day)] == []
