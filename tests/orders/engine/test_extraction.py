"""The log in files: each event once, in order, whatever dies in between."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import sleep

import polars as pl
import pytest

from mingdan.orders import extraction
from mingdan.orders.commands import Suspend
from mingdan.orders.database import Database
from mingdan.orders.extraction import EventFiles, read_events
from mingdan.orders.outbox import Position
from mingdan.orders.store import OrderStore
from tests.orders.support import at, done, opening, order, sqlite_url


def taken(files: EventFiles) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(path) for path in files.files()])


def test_pages_are_the_outbox(store: OrderStore, tmp_path: Path) -> None:
    done(store, *[opening(n) for n in range(1, 6)])
    files = EventFiles(tmp_path / "events")
    assert [files.take(store.database, limit=4) for _ in range(5)] == [4, 4, 4, 3, 0]
    done(store, order(Suspend, "stop", at(1), reason="lost"))
    assert [files.take(store.database) for _ in range(2)] == [3, 0]
    outbox = store.outbox()
    frame = taken(files)
    assert frame.schema == pl.Schema(extraction.SCHEMA)
    assert frame["seq"].to_list() == [event.seq for event in outbox.events]
    assert frame["state"].to_list() == [event.state for event in outbox.events]
    assert frame["party_id"].to_list() == [event.party_id for event in outbox.events]
    assert [instant.replace(tzinfo=at().tzinfo) for instant in frame["effective_at"]] == [
        event.effective_at.replace(tzinfo=at().tzinfo) for event in outbox.events
    ]
    assert files.position() == outbox.position


def test_an_empty_log_gives_an_empty_page(store: OrderStore) -> None:
    with store.database.reading() as connection:
        frame = read_events(connection, Position())
    assert frame.height == 0
    assert frame.schema == pl.Schema(extraction.SCHEMA)


def test_a_crash_before_the_file_is_in_place_takes_nothing(
    store: OrderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(store, *[opening(n) for n in range(1, 4)])
    files = EventFiles(tmp_path)
    files.take(store.database, limit=2)

    def power_cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(extraction.os, "link", power_cut)
        with pytest.raises(KeyboardInterrupt):
            files.take(store.database, limit=3)
    with monkeypatch.context() as patch:
        # in place, but the caller never heard of it
        patch.setattr(extraction, "_to_disk", lambda path: power_cut() if path.is_dir() else None)
        with pytest.raises(KeyboardInterrupt):
            files.take(store.database, limit=3)
    again = EventFiles(tmp_path)
    while again.take(store.database, limit=3):
        pass
    assert taken(again)["seq"].to_list() == [event.seq for event in store.outbox().events]


def _take_for_ever(url: str, folder: Path) -> None:
    database, files = Database(url), EventFiles(folder)
    while True:
        files.take(database, limit=3)


def test_killed_anywhere_it_goes_on_where_it_was(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    with OrderStore.open(url) as store:
        done(store, *[opening(n) for n in range(1, 121)])
        files = EventFiles(tmp_path / "events")
        # Not a fork of this process: Polars' threads do not survive one.
        clean = get_context("forkserver")
        clean.set_forkserver_preload(["tests.orders.engine.test_extraction"])
        for serial in range(6):
            before = len(files.files())
            process = clean.Process(target=_take_for_ever, args=(url, tmp_path / "events"))
            process.start()
            while len(files.files()) < before + 3 + serial and process.is_alive():
                sleep(0.001)
            os.kill(process.pid or 0, signal.SIGKILL)
            process.join()
        while files.take(store.database):
            pass
        assert taken(files)["seq"].to_list() == [e.seq for e in store.outbox().events]


def test_two_who_take_at_once_take_each_event_once(store: OrderStore, tmp_path: Path) -> None:
    done(store, *[opening(n) for n in range(1, 31)])

    def take(size: int) -> None:
        database, files = Database(store.database.engine.url.render_as_string(False)), None
        files = EventFiles(tmp_path)
        while files.take(database, limit=size):
            pass
        database.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(take, (4, 7)))
    seqs = taken(EventFiles(tmp_path))["seq"].to_list()
    assert seqs == [event.seq for event in store.outbox().events]
