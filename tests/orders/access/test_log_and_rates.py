"""The access log proves itself; the rate limit holds for any number of callers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from mingdan.orders.access import rates
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.log import AccessLog, Anchor
from mingdan.orders.access.permissions import Permissions
from mingdan.orders.store import OrderStore
from tests.orders.access.support import BOSS, MAKER, refused
from tests.orders.support import at

CLERK = Actor("counter", "counter", "zhao")


def look(store: OrderStore, number: int) -> Anchor:
    return AccessLog(store).note(
        actor=CLERK,
        purpose="customer at the counter",
        what="subscription",
        subjects=[f"party:{number}", f"subscription:{number}"],
        at=at(number),
    )


def verify(store: OrderStore, anchor: Anchor | None = None) -> Anchor | None:
    return AccessLog(store).verify(anchor, actor=BOSS, at=at(9))


def test_every_look_is_written_down_and_the_log_is_whole(store: OrderStore) -> None:
    assert verify(store) is None
    first, _, last = (look(store, n) for n in (1, 2, 3))
    assert verify(store) == last
    assert verify(store, first) == last
    found = AccessLog(store).read(subject="party:2", actor=BOSS, at=at(9))
    assert [(e.name, e.purpose, e.what, e.at) for e in found] == [
        ("zhao", "customer at the counter", "subscription", at(2))
    ]
    assert [e.seq for e in AccessLog(store).read(limit=2, actor=BOSS, at=at(9))] == [3, 2]


def test_who_keeps_the_counter_does_not_read_the_log(store: OrderStore) -> None:
    for actor in (CLERK, MAKER):
        code = refused(AccessLog(store).read, actor=actor, at=at())
        assert code == "business_not_permitted"


@pytest.mark.parametrize(
    "statement", ["UPDATE access_log SET purpose = 'x'", "DELETE FROM access_log"]
)
def test_the_database_refuses_to_change_the_log(store: OrderStore, statement: str) -> None:
    look(store, 1)
    with pytest.raises(DatabaseError), store.database.writing() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("UPDATE access_log SET purpose = 'curiosity' WHERE seq = 2", 2),
        ("UPDATE access_log SET subjects = '[\"party:9\"]' WHERE seq = 1", 1),
        ("UPDATE access_log SET name = 'li' WHERE seq = 3", 3),
        ("DELETE FROM access_log WHERE seq = 2", 2),
        ("DELETE FROM access_log WHERE seq = 3", 3),
        ("DELETE FROM access_log", 3),
    ],
)
def test_tampering_behind_the_guards_shows(own_url: str, statement: str, seq: int) -> None:
    with OrderStore.open(own_url) as store:
        anchors = [look(store, n) for n in (1, 2, 3)]
        drop = (
            ["DROP TRIGGER access_log_grows ON access_log"]
            if store.database.is_postgresql
            else ["DROP TRIGGER access_log_grows", "DROP TRIGGER access_log_kept"]
        )
        with store.database.writing() as connection:
            for each in (*drop, statement):
                connection.execute(text(each))
        assert refused(verify, store, anchors[-1]) == "log_broken"
        # without an anchor, a cut-off end is the one thing that does not show
        if "DELETE" not in statement or seq == 2:
            assert refused(verify, store) == "log_broken"


def test_writers_of_the_log_take_turns(store: OrderStore) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: look(store, n), range(1, 25)))
    found = verify(store)
    assert found is not None
    assert found.seq == 24


def take(store: OrderStore, seconds: float, interface_no: str = "88001") -> int:
    """0 if the request may pass, else after how many seconds the next may."""
    with store.database.writing() as connection:
        try:
            rates.take(connection, interface_no, at() + timedelta(seconds=seconds))
        except rates.TooMany as error:
            return error.seconds
    return 0


def limit(store: OrderStore, interface_no: str, requests: int, burst: int, days: float = 0) -> None:
    Permissions(store).limit(
        interface_no,
        requests=requests,
        per_seconds=60,
        burst=burst,
        valid_from=at(days),
        actor=BOSS,
        at=at(),
    )


def test_a_burst_passes_and_then_the_rate(store: OrderStore) -> None:
    limit(store, "counter", 6, 3)
    found = [take(store, s, "counter") for s in (0, 0, 0, 0, 5, 9.9, 10, 10, 20, 25)]
    assert found == [0, 0, 0, 10, 5, 1, 0, 10, 0, 5]
    # a pause fills the burst again, not more
    assert [take(store, 600, "counter") for _ in range(4)] == [0, 0, 0, 10]


def test_the_shipped_rate_holds_where_nothing_else_is_set(store: OrderStore) -> None:
    assert [take(store, 0) for _ in range(60)] == [0] * 60
    assert take(store, 0) == 1
    assert take(store, 0, "other") == 0


def test_limits_have_their_day_and_the_interface_own_comes_first(store: OrderStore) -> None:
    limit(store, "*", 60, 5)
    limit(store, "counter", 60, 2, days=1)
    with store.database.reading() as connection:
        found = [
            rates.rate_of(connection, number, at(day)).burst
            for number, day in (("counter", 0), ("counter", 1), ("x", 1), ("x", -1))
        ]
    assert found == [5, 2, 5, 60]
    assert refused(limit, store, "nowhere", 1, 1) == "unknown_interface"
    assert refused(limit, store, "counter", 0, 1) == "invalid_value"
    assert refused(limit, store, "counter", 1, 1, days=-1) == "invalid_value"


def test_many_callers_share_one_limit(store: OrderStore) -> None:
    limit(store, "counter", 60, 10)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: take(store, 0, "counter"), range(40)))
    assert found.count(0) == 10


def test_no_stretch_of_time_sees_more_than_the_rate(store: OrderStore) -> None:
    limit(store, "*", 6, 3)
    run = iter(range(10_000))

    @settings(max_examples=15, deadline=None)
    @given(st.lists(st.integers(0, 30), min_size=1, max_size=20))
    def tried(waits: list[int]) -> None:
        name, now = f"interface-{next(run)}", 0
        passed = []
        for wait in waits:
            now += wait
            if take(store, now, name) == 0:
                passed.append(now)
        for first in passed:
            assert len([p for p in passed if first <= p < first + 60]) <= 6 + 3 - 1
        assert passed

    tried()
