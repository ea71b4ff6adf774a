"""Several processes at one store: no number is given out twice, no order is lost."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from mingdan.errors import Busy
from mingdan.orders import database as orders_database
from mingdan.orders.database import Database
from mingdan.orders.store import OrderStore
from tests.orders.support import at, done, msisdn, opening, person, postgresql_url, url

__all__ = ["url"]
NUMBERS = 25
WRITER = """
import sys, time
from pathlib import Path
from mingdan.orders.store import OrderStore
from tests.orders.support import msisdn, opening, person
url, name, gate, same = sys.argv[1:]
name = int(name)
store = OrderStore.open(url)
Path(gate, f"ready{name}").touch()
while not Path(gate, "go").exists():
    time.sleep(0.005)
for turn in range(25):
    serial = 1000 * name + turn
    # every writer wants the same numbers, in another order, each for its own customer
    wanted = 1 + (turn * 7 + name * 3) % 25
    party = person(1) if same == "person" else person(serial % 800)
    number = msisdn(5000 + serial) if same == "person" else msisdn(wanted)
    applied = store.apply([opening(serial, msisdn=number, party=party)])
    print(*[each.code for each in applied.refused] or ["completed"])
"""


def run_writers(url: str, gate: Path, same: str, count: int = 2) -> list[str]:
    """Let writers loose at the same moment; what each of their orders came to."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, url, str(name), str(gate), same],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in range(1, count + 1)
    ]
    until = time.monotonic() + 60
    while len(list(gate.glob("ready*"))) < count and time.monotonic() < until:
        time.sleep(0.01)
    (gate / "go").touch()
    outcomes: list[str] = []
    for writer in writers:
        output, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors
        outcomes += output.split()
    return outcomes


def test_two_writers_never_get_one_number(url: str, tmp_path: Path) -> None:
    outcomes = run_writers(url, tmp_path, "numbers")
    assert outcomes.count("completed") == NUMBERS
    assert outcomes.count("number_in_use") == NUMBERS
    with OrderStore.open(url) as store:
        held = store.number_holdings(at(1)).filter(pl.col("key_kind") == "msisdn")
        assert held["key"].n_unique() == held.height == NUMBERS
        assert held["subscription_id"].n_unique() == NUMBERS
        assert len(store.outbox().events) == 3 * NUMBERS


def test_two_writers_never_pass_the_cap_together(url: str, tmp_path: Path) -> None:
    outcomes = run_writers(url, tmp_path, "person")
    assert outcomes.count("completed") == 5
    assert outcomes.count("cap_reached") == 2 * 25 - 5


LOADER = """
import sys
from mingdan.orders import store as module
from tests.orders.support import opening
module.BATCH = 20
with module.OrderStore.open(sys.argv[1]) as store:
    store.apply([opening(n) for n in range(1, 801)], progress=lambda done: print(done, flush=True))
"""


def test_a_killed_load_is_finished_by_running_it_again(url: str) -> None:
    loader = subprocess.Popen(
        [sys.executable, "-c", LOADER, url], stdout=subprocess.PIPE, text=True
    )
    assert loader.stdout is not None
    told = 0
    while told < 100:
        told = int(loader.stdout.readline())
    loader.kill()
    loader.wait()
    loader.stdout.close()
    with OrderStore.open(url) as store:
        applied = store.apply([opening(n) for n in range(1, 801)])
        assert applied.refused == []
        assert applied.repeated >= told, "what was answered as done is done"
        assert applied.repeated % 20 == 0, "a transaction is wholly done or not at all"
        assert applied.completed == 800 - applied.repeated > 0
        assert store.number_holdings(at(1)).height == 1600
        assert len(store.outbox(limit=10_000).events) == 2400


def test_two_processes_may_create_the_store_at_once(tmp_path: Path) -> None:
    for address in (f"sqlite:///{tmp_path / 'new.db'}", postgresql_url(empty=True)):
        code = f"from mingdan.orders.store import OrderStore; OrderStore.open({address!r}).close()"
        creators = [
            subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        for creator in creators:
            _, errors = creator.communicate(timeout=60)
            assert creator.returncode == 0, errors
        with OrderStore.open(address) as store:
            done(store, opening(1))


def test_a_writer_that_never_ends_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders_database, "LOCK_WAIT_SECONDS", 0.2)
    holder = Database(url)
    with OrderStore.open(url) as store:
        done(store, opening(1))
        with holder.writing() as connection:
            holder.lock(connection, "resources", [f"numbers:{msisdn(2)}"])
            with pytest.raises(Busy, match="held by another writer"):
                store.apply([opening(2)])
            assert store.number_holdings(at(1)).height == 2, "reading goes on"
        done(store, opening(2), opening(3, party=person(3)))
    holder.close()
