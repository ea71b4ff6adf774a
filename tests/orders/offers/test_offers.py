"""优惠变更: now or from the next cycle on, by the clock alone, and taken back before."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from mingdan.calendar import BUSINESS_ZONE, day_start
from mingdan.errors import InputRefused
from mingdan.orders.commands import CancelOfferChange, ChangeFeature, ChangeOffer, Charge, Terminate
from mingdan.orders.offers.cycle import next_cycle
from mingdan.orders.offers.reading import offerings_of
from mingdan.orders.policy import Policy
from mingdan.orders.store import OrderStore
from tests.orders.offers.support import believed
from tests.orders.support import PEPPER, at, done, opening, order, refusal, sqlite_url

NOVEMBER = day_start(date(2026, 11, 1))


def offering(store: OrderStore, when: datetime, known: datetime | None = None) -> list[str]:
    """The offering at an instant, and those yet to come."""
    with store.database.reading() as connection:
        found = offerings_of(connection, 1, at=when, known_at=known or when)
    return [each.code for each in found]


def change(ref: str, instant: datetime, code: str = "POSTPAID_5G", **values: Any) -> Any:
    plain: dict[str, Any] = {"order_ref": ref, "at": instant, "subscription_ref": "S1"}
    return ChangeOffer(**plain | {"product_code": code} | values)


def nightly(store: OrderStore, day: date, known: datetime) -> dict[str, Any]:
    frame = store.subscriptions(known, day, pepper=PEPPER)
    return dict(frame.select("subscription_id", "product_code").rows())


def test_a_change_takes_effect_now(store: OrderStore) -> None:
    done(store, opening(1), change("c", at(3)))
    assert offering(store, at(2)) == ["POSTPAID"]
    assert offering(store, at(3)) == ["POSTPAID_5G"]
    # the past is still what it was, and the night of any day says so
    assert offering(store, at(2), at(9)) == ["POSTPAID", "POSTPAID_5G"]
    before, after = date(2026, 10, 3), date(2026, 10, 4)
    assert nightly(store, before, at(9)) == {1: "POSTPAID"}
    assert nightly(store, after, at(9)) == {1: "POSTPAID_5G"}
    assert nightly(store, after, at(2.9)) == {1: "POSTPAID"}
    assert store.show(1, at(9))["product"] == "POSTPAID_5G"
    assert store.show(1, at(2))["product"] == "POSTPAID"


def test_a_change_for_the_next_cycle_takes_effect_by_the_clock(store: OrderStore) -> None:
    done(store, opening(1), change("c", at(3), when="next_cycle"))
    moment = timedelta(microseconds=1)
    assert offering(store, NOVEMBER - moment) == ["POSTPAID", "POSTPAID_5G"]
    assert offering(store, NOVEMBER) == ["POSTPAID_5G"]
    assert nightly(store, date(2026, 10, 31), NOVEMBER) == {1: "POSTPAID"}
    assert nightly(store, date(2026, 11, 1), NOVEMBER + timedelta(days=1)) == {1: "POSTPAID_5G"}


def test_it_may_be_taken_back_before_but_not_after(store: OrderStore) -> None:
    done(store, opening(1), change("c", at(3), when="next_cycle"))
    assert refusal(store, change("d", at(4), "BUSINESS")) == "offer_change_pending"
    done(store, order(CancelOfferChange, "no", at(5)))
    assert offering(store, at(6)) == offering(store, NOVEMBER) == ["POSTPAID"]
    # what was believed in between is still known
    assert offering(store, at(4)) == ["POSTPAID", "POSTPAID_5G"]
    assert refusal(store, order(CancelOfferChange, "again", at(6))) == "no_pending_offer_change"
    done(store, change("e", at(7), "BUSINESS", when="next_cycle"))
    late = order(CancelOfferChange, "late", at(8), recorded_at=NOVEMBER)
    assert refusal(store, late) == "no_pending_offer_change"
    assert refusal(store, order(CancelOfferChange, "x", at(60))) == "no_pending_offer_change"
    assert offering(store, NOVEMBER) == ["BUSINESS"]


def test_several_changes_one_after_the_other(store: OrderStore) -> None:
    done(
        store,
        opening(1),
        change("a", at(1)),
        change("b", at(2), "BUSINESS"),
        change("c", at(3), "POSTPAID", when="next_cycle"),
        order(CancelOfferChange, "d", at(4)),
        change("e", at(5), "POSTPAID"),
    )
    assert believed(store, "subscription_offering", "offering_code") != []
    assert [offering(store, at(day + 0.5), at(9))[0] for day in range(6)] == [
        "POSTPAID", "POSTPAID_5G", "BUSINESS", "BUSINESS", "BUSINESS", "POSTPAID",
    ]  # fmt: skip


def test_termination_ends_the_offer_and_what_was_to_come(store: OrderStore) -> None:
    done(
        store,
        opening(1),
        change("c", at(3), when="next_cycle"),
        order(Terminate, "end", at(5)),
    )
    assert offering(store, at(4), at(9)) == ["POSTPAID"]
    rows = believed(store, "subscription_offering", "offering_code")
    assert [row[0] for row in rows] == ["POSTPAID"]
    assert nightly(store, date(2026, 10, 9), at(9)) == {1: "POSTPAID"}
    late = change("d", at(4), when="next_cycle", recorded_at=at(9))
    assert refusal(store, late) == "subscription_terminated"


def test_what_ended_ended_with_its_last_offering(store: OrderStore) -> None:
    done(store, opening(1), change("c", at(1)), order(Terminate, "end", at(5)))
    assert offering(store, at(6)) == ["POSTPAID_5G"]
    assert nightly(store, date(2026, 10, 9), at(9)) == {1: "POSTPAID_5G"}


def test_opening_and_change_at_one_instant(store: OrderStore) -> None:
    done(store, opening(1), change("c", at()))
    assert offering(store, at()) == ["POSTPAID_5G"]


@pytest.mark.parametrize(
    ("code", "command"),
    [
        ("offer_unchanged", change("x", at(1), "POSTPAID")),
        ("unknown_product", change("x", at(1), "NONE")),
        ("unknown_product", change("x", at(1), "'; DELETE FROM product_offering; --")),
        ("unknown_product", change("x", at(1), "ＢＵＳＩＮＥＳＳ")),
        ("invalid_value", change("x", at(1), "")),
        ("invalid_value", change("x", at(1), when="yesterday")),
        ("offer_not_for_subscription", change("x", at(1), "PREPAID")),
        ("offer_not_for_subscription", change("x", at(1), "M2M")),
        ("unknown_subscription", change("x", at(1), subscription_ref="S9")),
        ("not_in_service", change("x", at(-1))),
        ("no_pending_offer_change", order(CancelOfferChange, "x", at(1))),
    ],
)
def test_a_refused_change_changes_nothing(store: OrderStore, code: str, command: Any) -> None:
    done(store, opening(1))
    assert refusal(store, command) == code
    assert offering(store, at(9)) == ["POSTPAID"]
    assert believed(store, "subscription_offering", "offering_code") == []


def test_a_late_change_before_a_later_one_is_refused(store: OrderStore) -> None:
    done(store, opening(1), change("c", at(3)))
    late = change("d", at(2), "BUSINESS", recorded_at=at(4))
    assert refusal(store, late) == "later_order"


def test_who_owes_does_not_change_his_offer(store: OrderStore) -> None:
    due = order(Charge, "bill", at(1), amount_fen=5800, due_at=at(2))
    done(store, opening(1), due)
    assert refusal(store, change("c", at(3))) == "arrears_unpaid"


def test_an_offer_the_features_do_not_go_with(tmp_path: Any) -> None:
    policy = Policy.shipped().with_values(offer_change_between_payment_kinds=True)
    with OrderStore.open(sqlite_url(tmp_path), policy=policy) as store:
        done(store, opening(1), order(ChangeFeature, "f", at(1), add=("international_call",)))
        prepaid = change("c", at(2), "PREPAID", when="next_cycle")
        assert refusal(store, prepaid) == "feature_not_for_product"
        done(store, order(ChangeFeature, "g", at(3), remove=("international_call",)))
        done(store, change("c", at(4), "PREPAID", when="next_cycle"))
        # not for what is in force only: also for what is booked to follow
        again = order(ChangeFeature, "h", at(5), add=("international_call",))
        assert refusal(store, again) == "feature_not_for_product"


def test_the_product_row_and_number_rules_stay(store: OrderStore) -> None:
    done(store, opening(1), change("c", at(3)))
    with store.database.reading() as connection:
        assert connection.execute(text("SELECT offering_code FROM product")).scalar() == "POSTPAID"


@pytest.mark.parametrize(
    ("first", "when", "expected"),
    [
        (1, datetime(2026, 10, 31, 23, 59, tzinfo=BUSINESS_ZONE), date(2026, 11, 1)),
        (1, datetime(2026, 10, 31, 16, 0, tzinfo=UTC), date(2026, 12, 1)),
        (1, datetime(2026, 12, 31, 12, tzinfo=BUSINESS_ZONE), date(2027, 1, 1)),
        (15, datetime(2026, 2, 14, 12, tzinfo=BUSINESS_ZONE), date(2026, 2, 15)),
        (15, datetime(2026, 2, 15, 0, tzinfo=BUSINESS_ZONE), date(2026, 3, 15)),
        (28, datetime(2026, 12, 28, 1, tzinfo=BUSINESS_ZONE), date(2027, 1, 28)),
    ],
)
def test_cycles_begin_on_the_policys_day(first: int, when: datetime, expected: date) -> None:
    policy = Policy.shipped().with_values(billing_cycle_day=first)
    assert next_cycle(policy, when) == day_start(expected)


@pytest.mark.parametrize("day", [0, 29, 99])
def test_a_day_not_every_month_has_is_no_cycle(day: int) -> None:
    with pytest.raises(InputRefused):
        next_cycle(Policy.shipped().with_values(billing_cycle_day=day), at())


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["POSTPAID", "POSTPAID_5G", "BUSINESS", "cancel"]),
        st.sampled_from(["now", "next_cycle"]),
        st.integers(1, 20),
    ),
    min_size=1,
    max_size=8,
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS)
def test_there_is_always_exactly_one_offering(
    sqlite_store: OrderStore, steps: list[tuple[str, str, int]]
) -> None:
    """Against a model of a few lines: a present offering, and perhaps one to come."""
    store = sqlite_store
    with store.database.reading() as connection:
        serial = connection.execute(text("SELECT count(*) FROM subscription")).scalar_one() + 1
    ref = f"S{serial}"
    done(store, opening(serial))
    present, pending, now = "POSTPAID", None, at()
    for number, (code, when, days) in enumerate(steps):
        now += timedelta(days=days)
        if pending is not None and pending[1] <= now:
            present, pending = pending[0], None
        if code == "cancel":
            kind: Any = CancelOfferChange
            fine, values = pending is not None, {}
        else:
            kind, values = ChangeOffer, {"product_code": code, "when": when}
            fine = pending is None and code != present
        frame = {"order_ref": f"{ref}-{number}", "at": now, "subscription_ref": ref}
        applied = store.apply([kind(**frame, **values)])
        assert bool(applied.completed) == fine
        if fine and code == "cancel":
            pending = None
        elif fine and when == "now":
            present = code
        elif fine:
            pending = (code, next_cycle(store.policy, now))
        with store.database.reading() as connection:
            found = offerings_of(connection, serial, at=now, known_at=now)
        expected = [present] + ([pending[0]] if pending else [])
        assert [each.code for each in found] == expected
