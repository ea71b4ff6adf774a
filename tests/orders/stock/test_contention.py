"""Many who want the same: nobody holds what another holds, and nothing is left behind."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from mingdan.orders import model as m
from mingdan.orders.access.actor import SYSTEM
from mingdan.orders.commands import BuyDevice, Terminate
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.lifecycle.payment import Money
from mingdan.orders.refusals import Refused
from mingdan.orders.stock.desk import StockDesk
from mingdan.orders.stock.model import ResourceReservation
from mingdan.orders.store import OrderStore
from tests.orders.stock.support import COUNTER, mobile, numbers, phone, phones, take, taken
from tests.orders.support import (
    at,
    done,
    emptied_postgresql_url,
    opening,
    order,
    sqlite_url,
    young,
)

WRITERS, NUMBERS, ROUNDS = 8, 12, 5


def test_eight_counters_after_a_dozen_numbers(url: str) -> None:
    """Every number is reserved, opened or refused; at the end each has at most one holder."""
    with OrderStore.open(url) as store:
        taken(store, "number", numbers(*range(NUMBERS)))

    def counter(who: int) -> list[str]:
        said = []
        with OrderStore.open(url) as store:
            desk = StockDesk(store)
            for attempt in range(ROUNDS * NUMBERS):
                serial = (attempt * (who + 3) + who) % NUMBERS
                if (attempt + who) % 3:
                    said.append(reserve(desk, serial))
                else:
                    ref = f"{who}-{attempt}"
                    want = opening(1000 * (who + 1) + attempt, order_ref=ref, msisdn=mobile(serial))
                    applied = store.apply([want])
                    said.append(applied.refused[0].code if applied.refused else "opened")
        return said

    with ThreadPoolExecutor(WRITERS) as pool:
        said = Counter(code for told in pool.map(counter, range(WRITERS)) for code in told)
    assert set(said) <= {"reserved", "opened", "number_reserved", "number_in_use"}
    assert said["reserved"] + said["opened"] == NUMBERS
    with OrderStore.open(url) as store, store.database.reading() as connection:
        states = Counter(connection.execute(select(m.Msisdn.state)).scalars())
        holders = connection.execute(
            select(m.NumberHolding.key).where(m.NumberHolding.key_kind == "msisdn")
        ).scalars()
        assert states == +Counter(reserved=said["reserved"], in_service=said["opened"])
        assert max(Counter(holders).values(), default=0) <= 1


def reserve(desk: StockDesk, serial: int) -> str:
    try:
        desk.reserve(actor=COUNTER, at=at(), number=mobile(serial))
    except Refused as refused:
        return refused.code
    return "reserved"


def test_two_files_with_the_same_numbers_at_once(url: str) -> None:
    def import_one(who: int) -> tuple[int, int]:
        with OrderStore.open(url) as store:
            report = take(store, "number", numbers(*range(200), 200 + who), partial=who > 0)
            return report.taken, len(report.refused)

    OrderStore.open(url).close()
    with ThreadPoolExecutor(3) as pool:
        counts = list(pool.map(import_one, range(3)))
    with OrderStore.open(url) as store, store.database.reading() as connection:
        found = connection.execute(select(m.Msisdn.number)).scalars().all()
    assert len(found) == len(set(found)) == sum(taken for taken, _ in counts)
    assert all(taken + refused in (201, 200) for taken, refused in counts)


def test_one_handset_is_sold_once(url: str) -> None:
    with OrderStore.open(url) as store:
        done(store, *(opening(serial) for serial in range(1, 5)))
        taken(store, "handset", phones(1))

    def buy(who: int) -> str:
        command = BuyDevice(
            order_ref=f"b{who}", at=at(1), subscription_ref=f"S{who}", imei=phone(1)
        )
        money = Money(amount_fen=199_900, correlator=f"b{who}")
        with OrderStore.open(url) as store:
            try:
                desk = OrderDesk(store)
                return desk.run(command, actor=COUNTER, at=at(1), payment=money).state
            except Refused as refused:
                return refused.code

    with ThreadPoolExecutor(4) as pool:
        said = sorted(pool.map(buy, range(1, 5)))
    assert said == ["completed", *["handset_unavailable"] * 3]


class Reservations(RuleBasedStateMachine):
    """Reservations, openings and ends of two numbers against a model of a few lines."""

    url = ""
    AGEING = timedelta(days=2)

    @initialize()
    def start(self) -> None:
        self.store = OrderStore.open(self.fresh(), policy=young(2))
        self.desk = StockDesk(self.store)
        self.now: datetime = at()
        self.held: dict[int, tuple[int, datetime]] = {}
        self.in_service: dict[int, str] = {}
        self.rests: dict[int, datetime] = {}
        self.count = 0

    def fresh(self) -> str:
        raise NotImplementedError

    def teardown(self) -> None:
        self.store.close()

    def free_for(self, number: int) -> str | None:
        if number in self.in_service:
            return "number_in_use"
        if number in self.held and self.now < self.held[number][1]:
            return "number_reserved"
        if number in self.rests and self.now < self.rests[number]:
            return "number_ageing"
        return None

    @rule(minutes=st.sampled_from([10, 30, 60, 1440, 3000]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(number=st.integers(1, 2), minutes=st.sampled_from([10, 30, 60]))
    def reserve(self, number: int, minutes: int) -> None:
        expected = self.free_for(number)
        try:
            held = self.desk.reserve(
                actor=COUNTER, at=self.now, number=mobile(number), minutes=minutes
            )
            said = None
            self.held[number] = (held["reservation_id"], self.now + timedelta(minutes=minutes))
        except Refused as refused:
            said = refused.code
        assert said == expected

    @rule(number=st.integers(1, 2))
    def release(self, number: int) -> None:
        if number not in self.held:
            return
        self.desk.release(actor=COUNTER, at=self.now, reservation_id=self.held[number][0])
        self.held.pop(number)

    @rule(number=st.integers(1, 2))
    def open(self, number: int) -> None:
        self.count += 1
        want = opening(self.count, when=self.now, msisdn=mobile(number))
        applied = self.store.apply([want])
        expected = self.free_for(number)
        assert [each.code for each in applied.refused] == ([expected] if expected else [])
        if expected is None:
            self.in_service[number] = want.subscription_ref
            self.held.pop(number, None)

    @rule(number=st.integers(1, 2))
    def end(self, number: int) -> None:
        if number not in self.in_service:
            return
        self.now += timedelta(minutes=1)
        self.count += 1
        ref = self.in_service.pop(number)
        done(self.store, order(Terminate, f"end-{self.count}", self.now, subscription_ref=ref))
        self.rests[number] = self.now + self.AGEING

    @rule()
    def sweep(self) -> None:
        self.desk.sweep(actor=SYSTEM, at=self.now)

    @invariant()
    def one_live_reservation_at_most(self) -> None:
        with self.store.database.reading() as connection:
            r = ResourceReservation
            live = connection.execute(
                select(r.number).where(r.state == "inProgress", r.until > self.now)
            ).scalars()
            found = Counter(live)
        assert all(count == 1 for count in found.values())
        expected = {
            "86" + mobile(number) for number, (_, until) in self.held.items() if self.now < until
        }
        assert set(found) == expected


class OnSqlite(Reservations):
    def fresh(self) -> str:
        import tempfile
        from pathlib import Path

        return sqlite_url(Path(tempfile.mkdtemp(prefix="mingdan-")))


class OnPostgresql(Reservations):
    def fresh(self) -> str:
        return emptied_postgresql_url()


TestOnSqlite = OnSqlite.TestCase
TestOnSqlite.settings = settings(max_examples=20, stateful_step_count=40, deadline=None)
TestOnPostgresql = OnPostgresql.TestCase
TestOnPostgresql.settings = settings(max_examples=5, stateful_step_count=40, deadline=None)
