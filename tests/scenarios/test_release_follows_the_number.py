"""A listed number through its life: changed, given up, issued again to somebody else.

The bank takes every release as it comes and asks about its own customers each
morning; nobody is ever taken for somebody who held the number before.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from mingdan.lists.reader import State, sync
from mingdan.night import Night
from mingdan.orders.commands import ChangeNumber, Terminate, TransferOwner
from tests.lists.operator import Operator, noon, person

MONDAY = date(2026, 11, 2)
OLD, NEW, OTHER = "8613800000001", "8613800000002", "8613800000003"


class Bank:
    """A partner that syncs in the morning and looks its customers up."""

    def __init__(self, operator: Operator) -> None:
        self.operator = operator
        self.state: State | None = None

    def morning(self, day: date) -> dict[str, str]:
        """Number -> reason, of all numbers of this story."""
        self.state = sync(self.operator.channel, self.state)
        nine = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
        found = {
            number: self.state.find(self.operator.token(number), nine)
            for number in (OLD, NEW, OTHER)
        }
        return {number: entry.reason_code for number, entry in found.items() if entry}


def test_a_listed_number_through_its_life(night: Night) -> None:
    operator = Operator(night)
    operator.open("spammer", OLD)
    operator.open("neighbour", OTHER)
    bank = Bank(operator)
    days = [MONDAY + timedelta(shift) for shift in range(6)]
    told = operator.label(
        "spammer",
        first_seen=noon(MONDAY).replace(tzinfo=None),
        valid_to=noon(MONDAY + timedelta(300)).replace(tzinfo=None),
    )

    # Monday: nothing is known yet. Tuesday: the sender is listed.
    operator.run(days[0])
    assert bank.morning(days[1]) == {}
    operator.run(days[1], [told])
    assert bank.morning(days[2]) == {OLD: "spam_sms"}

    # Wednesday: 改号. The person stays listed, under the new number alone.
    operator.order(
        ChangeNumber(order_ref="c", at=noon(days[2]), subscription_ref="spammer", msisdn=NEW)
    )
    facts = operator.run(days[2], [told]).facts
    assert (facts["added"], facts["deleted_number_reassigned"]) == (1, 1)
    assert bank.morning(days[3]) == {NEW: "spam_sms"}

    # Thursday: the subscription is handed to a stranger (过户): the stranger is not listed.
    operator.order(
        TransferOwner(
            order_ref="t", at=noon(days[3]), subscription_ref="spammer", party=person("stranger")
        )
    )
    facts = operator.run(days[3], [told]).facts
    assert facts["deleted_number_reassigned"] == 1
    assert bank.morning(days[4]) == {}

    # Friday: the stranger gives it up (销号); the list is empty and says so once more.
    operator.order(Terminate(order_ref="e", at=noon(days[4]), subscription_ref="spammer"))
    facts = operator.run(days[4], [told]).facts
    assert (facts["seq"], facts["added"], facts["deleted"]) == (5, 0, 0)
    assert bank.morning(days[5]) == {}


def test_the_next_holder_of_a_listed_number_is_clean(night: Night) -> None:
    """销号, three months in quarantine, 开户 by another: only a new finding lists it again."""
    operator = Operator(night)
    operator.open("spammer", OLD)
    bank = Bank(operator)
    told = operator.label("spammer", valid_to=noon(MONDAY + timedelta(365)).replace(tzinfo=None))
    operator.run(MONDAY, [told])
    assert bank.morning(MONDAY + timedelta(1)) == {OLD: "spam_sms"}

    operator.order(
        Terminate(order_ref="e", at=noon(MONDAY + timedelta(1)), subscription_ref="spammer")
    )
    operator.run(MONDAY + timedelta(1), [told])
    assert bank.morning(MONDAY + timedelta(2)) == {}

    reissued = MONDAY + timedelta(120)
    operator.open("newcomer", OLD, at=noon(reissued))
    operator.run(reissued, [told])
    assert bank.morning(reissued + timedelta(1)) == {}
    found = operator.label("newcomer", reason="fraud", valid_to=told["valid_to"])
    operator.run(reissued + timedelta(1), [told, found])
    assert bank.morning(reissued + timedelta(2)) == {OLD: "fraud"}
