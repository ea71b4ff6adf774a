"""May this interface do this business now?"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingdan.calendar import BUSINESS_ZONE
from mingdan.orders.access import hours
from mingdan.orders.access.actor import SYSTEM, Actor
from mingdan.orders.access.agreements import Agreements
from mingdan.orders.access.interfaces import Interfaces
from mingdan.orders.access.leave import Leave
from mingdan.orders.access.partners import Partners
from mingdan.orders.policy import Policy
from mingdan.orders.store import OrderStore
from mingdan.reference import load
from tests.orders.access.support import BOSS, MAKER, SHOP, channel, may, permit, refused
from tests.orders.support import at

COUNTER = Actor("counter", "counter", "zhao")
MONDAY = datetime(2026, 10, 5, tzinfo=BUSINESS_ZONE)


def clock(hour: float, day: int = 0) -> datetime:
    """An hour of a day after Monday, 2026-10-05."""
    return MONDAY + timedelta(days=day, hours=hour)


def test_what_ships_lets_our_own_people_work(store: OrderStore) -> None:
    assert may(store, SYSTEM, "OPEN") == "yes"
    for business in load.by("order_type", "code"):
        assert may(store, BOSS, business) == "yes"
        assert may(store, MAKER, business) == "yes"
    for business in ("OPEN", "CHANGE_NUMBER", "SIM_REPLACE", "TERMINATE", "PAY"):
        assert may(store, COUNTER, business) == "yes"
    assert may(store, Actor("hotline", "hotline", "sun"), "SUSPEND") == "yes"


@pytest.mark.parametrize(
    ("actor", "business", "code"),
    [
        (Actor("counter", "nowhere", "x"), "OPEN", "unknown_interface"),
        (Actor("counter", "counter'; DROP TABLE permission; --", "x"), "OPEN", "unknown_interface"),
        (Actor("counter", "ｃｏｕｎｔｅｒ", "x"), "OPEN", "unknown_interface"),
        (Actor("counter", "c" * 500, "x"), "OPEN", "invalid_value"),
        (Actor("counter", "a\x00b", "x"), "OPEN", "invalid_value"),
        (Actor("nobody", "counter", "x"), "OPEN", "business_not_permitted"),
        (COUNTER, "PERMISSION", "business_not_permitted"),
        (COUNTER, "' OR 1=1 --", "business_not_permitted"),
        (Actor("hotline", "hotline", "x"), "OPEN", "business_not_permitted"),
        (Actor("partner", "counter", "x"), "OPEN", "business_not_permitted"),
        (Actor("system", "counter", "x"), "OPEN", "business_not_permitted"),
        (MAKER, "OUT_OF_HOURS_APPROVAL", "business_not_permitted"),
    ],
)
def test_what_is_not_granted_is_refused(
    store: OrderStore, actor: Actor, business: str, code: str
) -> None:
    assert may(store, actor, business) == code


def test_a_partners_interface_does_only_what_it_was_granted(store: OrderStore) -> None:
    channel(store)
    assert may(store, SHOP, "OPEN") == "business_not_permitted"
    permit(store, "OPEN")
    assert may(store, SHOP, "OPEN") == "yes"
    assert may(store, SHOP, "TERMINATE") == "business_not_permitted"
    # not even a manager acts through somebody else's interface
    assert may(store, Actor("manager", "88001", "x"), "OPEN") == "business_not_permitted"


def test_the_most_specific_permission_decides_from_its_day_on(store: OrderStore) -> None:
    channel(store)
    permit(store, "*")
    permit(store, "TERMINATE", "never", start=at(1))
    assert may(store, SHOP, "TERMINATE") == "yes"
    assert may(store, SHOP, "TERMINATE", at(1)) == "business_not_permitted"
    assert may(store, SHOP, "OPEN", at(1)) == "yes"
    permit(store, "OPEN", "never", role="counter", interface_no="counter", start=at(2))
    assert may(store, COUNTER, "OPEN", at(1.9)) == "yes"
    assert may(store, COUNTER, "OPEN", at(2)) == "business_not_permitted"
    assert may(store, Actor("counter", "back_office", "x"), "OPEN", at(2)) == "yes"


def test_hours_are_those_of_the_interface(store: OrderStore) -> None:
    permit(store, "OPEN", "1-5 08:30-18:00; 6 09:00-12:00", role="counter", interface_no="counter")
    found = {
        moment: may(store, COUNTER, "OPEN", clock(*moment))
        for moment in [(8.5,), (8.49,), (17.99,), (18,), (10, 5), (12, 5), (10, 6)]
    }
    assert [code == "yes" for code in found.values()] == [True, False, True, False, True, False,
                                                          False]  # fmt: skip
    assert {code for code in found.values() if code != "yes"} == {"out_of_hours"}


def test_a_closed_suspended_or_lapsed_partner_does_nothing(store: OrderStore) -> None:
    channel(store)
    permit(store, "OPEN")
    partners, interfaces = Partners(store), Interfaces(store)
    partners.suspend("shop", reason="audit", actor=MAKER, at=at(1))
    assert may(store, SHOP, "OPEN", at(1)) == "interface_closed"
    partners.resume("shop", reason="clear", actor=MAKER, at=at(2))
    assert may(store, SHOP, "OPEN", at(2)) == "yes"
    assert may(store, SHOP, "OPEN", at(300)) == "agreement_not_in_force"
    interfaces.close("88001", reason="leak", actor=MAKER, at=at(3))
    assert may(store, SHOP, "OPEN", at(3)) == "interface_closed"
    interfaces.open("88001", partner="shop", reason="mended", actor=MAKER, at=at(4))
    assert may(store, SHOP, "OPEN", at(4)) == "yes"
    assert may(store, SHOP, "OPEN", at(3.5)) == "interface_closed"
    Agreements(store).end("A-shop", actor=MAKER, at=at(5))
    assert may(store, SHOP, "OPEN", at(5)) == "agreement_not_in_force"


def test_our_own_interface_can_be_closed(store: OrderStore) -> None:
    Interfaces(store).close("counter", reason="fire", actor=MAKER, at=at(1))
    assert may(store, COUNTER, "OPEN", at(1)) == "interface_closed"
    assert may(store, COUNTER, "OPEN", at(0.5)) == "yes"


class TestLeave:
    def ask(self, store: OrderStore, what: str = "OPEN", **values: datetime) -> str:
        plain = {"starts_at": clock(19), "ends_at": clock(22), "at": clock(17)}
        return Leave(store).ask(
            role="counter",
            interface_no="counter",
            what=what,
            reason="stadium concert",
            actor=MAKER,
            **plain | values,
        )

    def test_it_opens_the_gate_for_its_time_only(self, store: OrderStore) -> None:
        permit(store, "*", "1-7 09:00-18:00", role="counter", interface_no="counter")
        number = self.ask(store)
        assert may(store, COUNTER, "OPEN", clock(20)) == "out_of_hours"
        Leave(store).decide(number, approve=True, actor=BOSS, at=clock(18))
        assert may(store, COUNTER, "OPEN", clock(19)) == "yes"
        assert may(store, COUNTER, "OPEN", clock(21.99)) == "yes"
        assert may(store, COUNTER, "OPEN", clock(22)) == "out_of_hours"
        assert may(store, COUNTER, "TERMINATE", clock(20)) == "out_of_hours"
        assert may(store, Actor("hotline", "counter", "x"), "OPEN", clock(20)) != "yes"

    def test_it_works_from_its_approval_on(self, store: OrderStore) -> None:
        permit(store, "*", "1-7 09:00-18:00", role="counter", interface_no="counter")
        number = self.ask(store, "*")
        Leave(store).decide(number, approve=True, actor=BOSS, at=clock(20))
        assert may(store, COUNTER, "OPEN", clock(19.5)) == "out_of_hours"
        assert may(store, COUNTER, "OPEN", clock(20)) == "yes"

    def test_nobody_approves_his_own(self, store: OrderStore) -> None:
        number = self.ask(store)
        for name in ("li", " LI "):
            own = Actor("manager", "internal", name)
            assert refused(
                Leave(store).decide, number, approve=True, actor=own, at=clock(18)
            ) == "same_person"  # fmt: skip
        assert Leave(store).list(actor=BOSS, at=clock(18))[0].status == "requested"

    def test_it_is_decided_once_and_in_time(self, store: OrderStore) -> None:
        leave = Leave(store)
        number = self.ask(store)
        leave.decide(number, approve=False, actor=BOSS, at=clock(18))
        again = refused(leave.decide, number, approve=True, actor=BOSS, at=clock(18))
        assert again == "already_decided"
        late = self.ask(store)
        assert refused(leave.decide, late, approve=True, actor=BOSS, at=clock(22)) == "request_past"
        missing = refused(leave.decide, "L0' OR 1=1", approve=True, actor=BOSS, at=clock(18))
        assert missing == "unknown_request"

    def test_it_is_not_asked_for_too_long_or_for_the_past(self, sqlite_store: OrderStore) -> None:
        assert refused(self.ask, sqlite_store, ends_at=clock(32)) == "leave_too_long"
        assert refused(self.ask, sqlite_store, at=clock(22)) == "request_past"
        assert refused(self.ask, sqlite_store, ends_at=clock(19)) == "invalid_value"
        longer = OrderStore(sqlite_store.database, Policy.shipped().with_values(
            leave_longest_hours=48))  # fmt: skip
        assert self.ask(longer, ends_at=clock(32))


@given(text=st.text(max_size=40))
def test_no_text_is_taken_for_hours_by_mistake(text: str) -> None:
    if text not in ("always", "never"):
        assert refused(hours.parse, text) == "invalid_value"


@given(
    days=st.sets(st.integers(1, 7), min_size=1),
    first=st.integers(0, 1438),
    length=st.integers(1, 1440),
    minute=st.integers(0, 7 * 1440 - 1),
)
def test_hours_cover_exactly_their_minutes(
    days: set[int], first: int, length: int, minute: int
) -> None:
    end = min(first + length, 1440)
    text = (
        f"{','.join(map(str, sorted(days)))} "
        f"{first // 60:02d}:{first % 60:02d}-{end // 60:02d}:{end % 60:02d}"
    )
    moment = MONDAY + timedelta(minutes=minute)
    expected = minute // 1440 + 1 in days and first <= minute % 1440 < end
    assert hours.parse(text).cover(moment) is expected
    assert hours.parse(text).cover(moment.astimezone(tz=None)) is expected
