"""The trail of an entry stays with the person, though the number goes on to others."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mingdan.lists.handing import make_demo
from mingdan.lists.trail import Trail, entries_of, trail
from mingdan.orders.commands import ChangeNumber, Terminate, TransferOwner
from mingdan.reports.partners import partner_named
from tests.lists.operator import DAY, Operator, noon, person
from tests.lists.pairs import now

NEXT = DAY + timedelta(1)
LATER = DAY + timedelta(150)
"""When a number given back has long been handed out again."""
MSISDN = "8613800000001"


@pytest.fixture(autouse=True)
def _a_partner_with_keys(operator: Operator) -> None:
    settings = operator.night.settings
    make_demo(settings, partner_named("bank_demo", settings), now())


def trails(operator: Operator, name: str) -> list[Trail]:
    keys = operator.night.orders.subscription_keys(name)
    return [trail(operator.night, one) for one in entries_of(operator.night, keys)]


def said(one: Trail) -> list[tuple[str, str]]:
    return [(row.op, row.told) for told in one.told for row in told.releases]


def test_a_number_finds_who_held_it_also_after_a_change_of_number(operator: Operator) -> None:
    operator.run(DAY, [operator.label("甲")])
    operator.order(
        ChangeNumber(order_ref="c", at=noon(NEXT), subscription_ref="甲", msisdn="8613800000099")
    )
    operator.run(NEXT, [operator.label("甲")])
    (old,), (new,) = trails(operator, MSISDN), trails(operator, "8613800000099")
    assert old == new
    assert old.numbers == ("138******01", "138******99")


def test_two_holders_of_a_number_have_two_trails(operator: Operator) -> None:
    operator.run(DAY, [operator.label("甲")])
    operator.order(Terminate(order_ref="t", at=noon(NEXT), subscription_ref="甲"))
    operator.run(NEXT)
    operator.open("next", MSISDN, at=noon(LATER))
    seen = {"first_seen": noon(LATER).replace(tzinfo=None)}
    ends = {"valid_to": noon(LATER + timedelta(60)).replace(tzinfo=None)}
    operator.run(LATER, [operator.label("next", **seen, **ends)])
    first, second = trails(operator, MSISDN)
    assert (first.in_force, second.in_force) == (False, True)
    assert said(first) == [("ADD", "spam_sms"), ("DEL", "number_reassigned")]
    assert said(second) == [("ADD", "spam_sms")]
    assert [one.told[0].standing for one in (first, second)] == ["unknown", "listed"]


def test_months_later_the_trail_still_knows_its_numbers(operator: Operator) -> None:
    operator.run(DAY, [operator.label("甲")])
    operator.order(Terminate(order_ref="t", at=noon(NEXT), subscription_ref="甲"))
    for day in (NEXT, LATER):
        operator.run(day)
    (found,) = trails(operator, MSISDN)
    assert found.numbers == ("138******01",)
    assert said(found) == [("ADD", "spam_sms"), ("DEL", "number_reassigned")]


def test_a_transferred_number_is_the_new_holders_entry(operator: Operator) -> None:
    """过户: the row goes on under the same token, but speaks of somebody else."""
    operator.run(DAY, [operator.label("甲")])
    operator.order(
        TransferOwner(order_ref="x", at=noon(NEXT), subscription_ref="甲", party=person("丁"))
    )
    theirs = operator.label("甲", subject_id=operator.parties["丁"], confidence=40)
    operator.run(NEXT, [theirs])
    first, second = trails(operator, MSISDN)
    assert said(first) == [("ADD", "spam_sms"), ("DEL", "number_reassigned")]
    assert said(second) == [("MOD", "spam_sms")]
