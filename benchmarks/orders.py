"""The order store under load: bulk, single orders, growth, extraction.

Here: orders a second by wall clock and by CPU second of this program, beside
the floor of the same run (the same rows inserted bare; a bare commit). Not here:
faults (`order_faults.py`).

    python -m benchmarks.orders bulk|single|growth|extract [sqlite|postgresql] [--orders N]
"""

from __future__ import annotations

import argparse
import os
import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.order_stores import KINDS, after, month, opening, store_of
from mingdan.orders import bulk, flush
from mingdan.orders.access.actor import Actor
from mingdan.orders.extraction import EventFiles, read_events
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.lifecycle.payment import Money
from mingdan.orders.outbox import Position
from mingdan.orders.store import OrderStore

CALLERS = 8
WARM_UP = 30
"""Orders of each caller before the clock runs: a process makes its statements once in its life."""
READY_SECONDS = 40
"""After so long all processes have started and warmed up."""
COUNTER = Actor("counter", "counter", "bench")


class Clock:
    """Wall and CPU seconds (of this process and, on PostgreSQL, its servers')."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        wall, cpu = time.perf_counter(), _cpu()
        yield
        self.wall += time.perf_counter() - wall
        self.cpu += _cpu() - cpu


def _cpu() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def line(name: str, kind: str, count: int, clock: Clock, more: str = "") -> None:
    """One row of the table of docs/performance.md."""
    print(
        f"| {name} | {kind} | {count:,} | {count / clock.wall:,.0f} |"
        f" {count / clock.cpu:,.0f} | {more} |",
        flush=True,
    )


def head() -> None:
    print("| what | database | orders | per wall s | per CPU s (client) | |")
    print("|---|---|---|---|---|---|")


Written = list[tuple[Any, tuple[str, ...], list[Any]]]
"""Table, columns, and the rows' values one after the other."""


def bulk_load(kind: str, orders: int) -> None:
    """Openings, then a month of them, beside the same rows inserted bare."""
    with store_of(kind) as url, OrderStore.open(url) as store:
        written: Written = []
        for name, commands in (
            ("bulk: openings", [opening(serial) for serial in range(1, orders)]),
            ("bulk: a month", month(1, orders)),
        ):
            clock, server = Clock(), _servers_cpu(store)
            written.clear()
            with noting(written), clock.running():
                applied = store.apply(commands)
            server = (_servers_cpu(store) - server) / len(commands) * 1e6
            assert not applied.refused, applied.refused[:3]
            rows = sum(len(flat) // len(columns) for _, columns, flat in written)
            more = f"{rows / len(commands):.1f} new rows each"
            if kind == "postgresql":
                more += f"; server {server:.0f} CPU us each"
            line(name, kind, len(commands), clock, more)
            if name.endswith("openings"):
                floor(kind, written, len(commands))


@contextmanager
def noting(written: Written) -> Iterator[None]:
    """Keep in `written` what is inserted in the block."""
    rowwise, flatwise = flush.insert, flush.insert_ticked  # type: ignore[attr-defined]

    def insert(connection: Any, table: Any, columns: Any, rows: list[Any]) -> None:
        written.append((table, tuple(columns), bulk.ticked(table, columns, rows)))
        rowwise(connection, table, columns, rows)

    def insert_ticked(
        connection: Any, table: Any, columns: Any, flat: list[Any], ready: bytes | None
    ) -> None:
        written.append((table, tuple(columns), flat))
        flatwise(connection, table, columns, flat, ready)

    flush.insert, flush.insert_ticked = insert, insert_ticked  # type: ignore[attr-defined]
    try:
        yield
    finally:
        flush.insert, flush.insert_ticked = rowwise, flatwise  # type: ignore[attr-defined]


def _servers_cpu(store: OrderStore) -> float:
    """CPU seconds of the server's processes for this store; 0 on SQLite, which has none."""
    if not store.database.is_postgresql:
        return 0.0
    ticks = 0
    with store.database.reading() as connection:
        found = connection.exec_driver_sql(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        ).scalars()
        for pid in found:
            # Fields 14 and 15, counted behind the name, which may hold blanks.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def floor(kind: str, written: Written, orders: int) -> None:
    """The same rows into an empty store, with its indices and guards, by the driver alone."""
    clock, more = Clock(), ""
    with store_of(kind) as url, OrderStore.open(url) as store:
        server = _servers_cpu(store)
        with store.database.engine.connect() as connection, clock.running(), connection.begin():
            for table, columns, flat in written:
                bulk.insert_ticked(connection, table, columns, flat)
        if kind == "postgresql":
            server = (_servers_cpu(store) - server) / orders * 1e6
            more = f"server {server:.0f} CPU us each"
    line("floor: their rows inserted bare", kind, orders, clock, more)


def single(kind: str, orders: int) -> None:
    """Openings one by one by eight callers: the bare order, and all steps at the desk."""
    with store_of(kind) as url:
        commits(kind, url)
        for name, work in (("single: opening", _apply_each), ("single: opening at the desk", _run)):
            with OrderStore.open(url) as store:
                store.apply([opening(0)])
            clock, each = Clock(), orders // CALLERS
            prefix = name[-4:]
            base = 1 if work is _apply_each else orders + 1
            ready = time.time() + (READY_SECONDS if kind == "postgresql" else 6)
            parts = [(url, prefix, base + i * each, each, ready) for i in range(CALLERS)]
            with clock.running():
                if kind == "sqlite":
                    with OrderStore.open(url) as store, ThreadPoolExecutor(CALLERS) as pool:
                        found = list(pool.map(lambda p: work(store, *p[1:]), parts))  # noqa: B023
                else:
                    context = get_context("spawn")
                    with ProcessPoolExecutor(CALLERS, mp_context=context) as pool:
                        found = list(pool.map(_in_process, [(work.__name__, *p) for p in parts]))
            waits = sorted(wait for waits, *_ in found for wait in waits)
            # Without the start of processes: from the first order to the last.
            if kind == "postgresql":
                clock.cpu = sum(each[3] for each in found)
            clock.wall = max(each[2] for each in found) - min(each[1] for each in found)
            server = sum(each[4] for each in found) / len(waits) * 1000
            more = f"; {server:.2f} CPU ms of the server" if kind == "postgresql" else ""
            line(
                name,
                kind,
                len(waits),
                clock,
                f"{CALLERS} callers; median {statistics.median(waits) * 1000:.1f} ms, "
                f"p99 {waits[len(waits) * 99 // 100] * 1000:.1f} ms{more}",
            )


def commits(kind: str, url: str) -> None:
    """How many commits of one row a single connection makes: what the disk allows."""
    clock = Clock()
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            database = sqlite3.connect(Path(folder) / "x.db", isolation_level=None)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute("CREATE TABLE t (x)")
            with clock.running():
                for i in range(200):
                    database.execute("INSERT INTO t VALUES (?)", (i,))
            database.close()
    else:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE bench (x int)")
            with clock.running():
                for i in range(200):
                    connection.execute("INSERT INTO bench VALUES (%s)", (i,))
            connection.execute("DROP TABLE bench")
    line("floor: one caller's commits of a row", kind, 200, clock)


Waits = tuple[list[float], float, float, float, float]
"""Seconds of each order; first and last instant; CPU seconds of the caller and of his server
process in between."""


def _in_process(part: tuple[str, str, str, int, int, float]) -> Waits:
    name, url, *rest = part
    work = {"_apply_each": _apply_each, "_run": _run}[name]
    with OrderStore.open(url) as store:
        return work(store, *rest)


def _server_cpu(store: OrderStore) -> float:
    """CPU seconds of the process that serves this caller, if it runs on this Linux machine."""
    if not store.database.is_postgresql:
        return 0.0
    with store.database.writing() as connection:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
    ran = Path(f"/proc/{pid}/schedstat")
    return int(ran.read_text().split()[0]) / 1e9 if ran.exists() else 0.0


def _wait_for(ready: float) -> None:
    if time.time() > ready:
        raise SystemExit("a caller was not ready in time: raise READY_SECONDS")
    time.sleep(ready - time.time())


def _apply_each(store: OrderStore, prefix: str, first: int, count: int, ready: float) -> Waits:
    for serial in range(first, first + WARM_UP):
        store.apply([opening(500_000 + serial, prefix=f"w{prefix}")])
    server = _server_cpu(store)
    _wait_for(ready)
    waits, start, cpu = [], time.time(), time.process_time()
    for serial in range(first, first + count):
        command = opening(serial, prefix=prefix)
        began = time.perf_counter()
        assert store.apply([command]).completed == 1
        waits.append(time.perf_counter() - began)
    end, cpu = time.time(), time.process_time() - cpu
    return waits, start, end, cpu, _server_cpu(store) - server


def _run(store: OrderStore, prefix: str, first: int, count: int, ready: float) -> Waits:
    desk = OrderDesk(store)
    for serial in range(first + 500_000, first + 500_000 + WARM_UP):
        command = opening(serial, prefix=f"w{prefix}")
        money = Money(amount_fen=1000, correlator=f"w{prefix}{serial}")
        desk.run(command, actor=COUNTER, at=after(serial / 1000), payment=money)
    server = _server_cpu(store)
    _wait_for(ready)
    waits, start, cpu = [], time.time(), time.process_time()
    for serial in range(first, first + count):
        command = opening(serial, prefix=prefix)
        money = Money(amount_fen=1000, correlator=f"{prefix}{serial}")
        began = time.perf_counter()
        view = desk.run(command, actor=COUNTER, at=after(serial / 1000), payment=money)
        waits.append(time.perf_counter() - began)
        assert view.state == "completed", view.state
    end, cpu = time.time(), time.process_time() - cpu
    return waits, start, end, cpu, _server_cpu(store) - server


def growth(kind: str, orders: int) -> None:
    """A single opening and a bulk load with 10^4, 10^5, ... subscriptions on record."""
    print("| subscriptions | database | bulk per wall s | bulk per CPU s | single, CPU ms |"
          " single, median ms |")  # fmt: skip
    print("|---|---|---|---|---|---|")
    with store_of(kind) as url, OrderStore.open(url) as store:
        done, target = 0, 10_000
        while target <= orders:
            while done < target:
                upto = min(target, done + 10_000)
                batch = [opening(serial) for serial in range(done + 1, upto + 1)]
                last = Clock()
                with last.running():
                    applied = store.apply(batch)
                assert not applied.refused, applied.refused[:3]
                count, done = len(batch), upto
            waits, clock = [], Clock()
            for serial in range(200):
                command = opening(900_000_000 + target + serial, prefix="x")
                with clock.running():
                    began = time.perf_counter()
                    store.apply([command])
                    waits.append(time.perf_counter() - began)
            print(
                f"| {done:,} | {kind} | {count / last.wall:,.0f} | {count / last.cpu:,.0f} |"
                f" {clock.cpu / 200 * 1000:.2f} | {statistics.median(waits) * 1000:.1f} |",
                flush=True,
            )
            target *= 10


def extract(kind: str, orders: int) -> None:
    """The whole log into Polars, and into files."""
    with store_of(kind) as url, OrderStore.open(url) as store:
        for start in range(0, orders, 20_000):
            store.apply([opening(serial) for serial in range(start, min(orders, start + 20_000))])
        events = 3 * orders
        clock, after_all = Clock(), Position()
        with clock.running():
            count = 0
            while True:
                with store.database.reading() as connection:
                    frame = read_events(connection, after_all)
                if not frame.height:
                    break
                count += frame.height
                after_all = Position(*frame.select("transaction", "seq").row(-1))
        assert count == events
        line("extraction: events into Polars", kind, events, clock)
        clock = Clock()
        with tempfile.TemporaryDirectory() as folder, clock.running():
            files = EventFiles(Path(folder))
            while files.take(store.database):
                pass
        line("extraction: events into files", kind, events, clock)


MEASURES = {"bulk": bulk_load, "single": single, "growth": growth, "extract": extract}
ORDERS = {"bulk": 40_000, "single": 2_000, "growth": 1_000_000, "extract": 200_000}


def main() -> None:
    """Measure and print the tables of docs/performance.md."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=MEASURES)
    parser.add_argument("database", choices=KINDS, nargs="?")
    parser.add_argument("--orders", type=int)
    options = parser.parse_args()
    if options.what != "growth":
        head()
    for kind in [options.database] if options.database else KINDS:
        MEASURES[options.what](kind, options.orders or ORDERS[options.what])


if __name__ == "__main__":
    main()
