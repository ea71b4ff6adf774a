"""Two writers want what the other one holds: PostgreSQL undoes one, and nobody sees it fail.

Here: real deadlocks and serialization failures between two connections. Not here:
waiting in line (`test_orders_at_once.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from threading import Event, Thread

import pytest
from sqlalchemy import Connection, Engine, create_engine, text

from mingdan.errors import Contended
from mingdan.orders.bulk import driver_cursor, together
from mingdan.orders.database import Database
from mingdan.orders.restrictions import Restriction
from mingdan.orders.store import OrderStore
from tests.orders.http.support import shop_over
from tests.orders.support import at, done, emptied_postgresql_url, opening, person

WANTED = "UPDATE party SET name = name WHERE party_ref = 'P2'"
LOCKED = text("UPDATE party SET name = name WHERE party_ref = :ref")


@pytest.fixture
def url() -> str:
    return emptied_postgresql_url()


@pytest.fixture
def rival(url: str) -> Iterator[Engine]:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    yield engine
    engine.dispose()


def deadlock(ours: Connection, rival: Engine, *, pipeline: bool = False) -> None:
    """We hold P1 and want P2, the rival holds P2 and wants P1; the database undoes us."""
    holds = Event()

    def other() -> None:
        with rival.begin() as theirs:
            # who looks for a deadlock first is undone: not the rival
            theirs.execute(text("SET LOCAL deadlock_timeout = '30s'"))
            theirs.execute(LOCKED, {"ref": "P2"})
            holds.set()
            theirs.execute(LOCKED, {"ref": "P1"})

    ours.execute(text("SET LOCAL deadlock_timeout = '50ms'"))
    ours.execute(LOCKED, {"ref": "P1"})
    thread = Thread(target=other)
    thread.start()
    assert holds.wait(10)
    try:
        if not pipeline:
            ours.execute(LOCKED, {"ref": "P2"})
        with together(ours, copies=False):
            for _ in range(2):
                driver_cursor(ours).execute(WANTED)
    finally:
        # ours is undone, so the rival goes on
        thread.join(10)
        assert not thread.is_alive()


def pipelined(ours: Connection, rival: Engine) -> None:
    """The same where the driver is not told of each statement at once."""
    deadlock(ours, rival, pipeline=True)


def serialization(ours: Connection, rival: Engine) -> None:
    """An operator's database may ask for more than READ COMMITTED."""
    ours.execute(text("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"))
    ours.execute(text("SELECT count(*) FROM party")).scalar()
    with rival.begin() as theirs:
        theirs.execute(LOCKED, {"ref": "P1"})
    ours.execute(LOCKED, {"ref": "P1"})


Clash = Callable[[Connection, Engine], None]
every = pytest.mark.parametrize("clash", [deadlock, pipelined, serialization])


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch, rival: Engine) -> Callable[[Clash], list[Clash]]:
    """Makes the next transaction clash with a rival's; the list is empty when it did."""

    def arrange(clash: Clash) -> list[Clash]:
        left = [clash]
        writing = Database.writing

        @contextmanager
        def clashing(self: Database) -> Iterator[Connection]:
            with writing(self) as connection:
                if left:
                    left.pop()(connection, rival)
                yield connection

        monkeypatch.setattr(Database, "writing", clashing)
        return left

    return arrange


@every
def test_what_the_database_undid_is_named(url: str, rival: Engine, clash: Clash) -> None:
    with OrderStore.open(url) as store:
        done(store, opening(1), opening(2))
        undone = pytest.raises(Contended, match="nothing of it was done: ask again")
        with undone, store.database.writing() as connection:
            clash(connection, rival)
        with store.database.writing() as connection:
            assert connection.execute(LOCKED, {"ref": "P1"}).rowcount == 1, "the pool is sound"


@every
def test_orders_in_bulk_are_carried_out_all_the_same(
    url: str, once: Callable[[Clash], list[Clash]], clash: Clash
) -> None:
    with OrderStore.open(url) as store:
        done(store, opening(1), opening(2))
        left = once(clash)
        applied = store.apply([opening(3, party=person(3)), opening(4, party=person(4))])
        assert left == []
        assert (applied.completed, applied.repeated, applied.refused) == (2, 0, [])
        assert store.number_holdings(at(1)).height == 8


@every
def test_effects_of_labels_are_written_back_all_the_same(
    url: str, once: Callable[[Clash], list[Clash]], clash: Clash
) -> None:
    effect = Restriction(
        subject_type="party",
        subject_id=1,
        effect="no_new_subscription",
        class_code="blacklist",
        reason_code="fraud",
    )
    with OrderStore.open(url) as store:
        done(store, opening(1), opening(2))
        left = once(clash)
        assert store.restrict(date(2026, 10, 1), (each for each in [effect])) == 1
        assert left == []
        assert store.restrictions(1) == [effect]


@every
def test_the_service_says_when_to_ask_again(
    url: str, once: Callable[[Clash], list[Clash]], clash: Clash
) -> None:
    with OrderStore.open(url) as store, shop_over(store) as shop:
        done(store, opening(1), opening(2))
        left = once(clash)
        answer = shop.place(7, key="once")
        assert left == []
        assert (answer.status_code, answer.json()["code"]) == (503, "store_busy")
        assert int(answer.headers["Retry-After"]) > 0
        assert shop.place(7, key="once").status_code == 201
