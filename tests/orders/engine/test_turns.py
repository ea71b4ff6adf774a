"""Threads of one process share a commit: each is done wholly or not, none waits for nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread

import pytest
from sqlalchemy import event, text

from mingdan.errors import Busy
from mingdan.orders import database
from mingdan.orders.store import OrderStore
from tests.orders.support import at, done, opening, person

THREADS = 8


def test_many_callers_share_commits_and_each_gets_its_own_answer(
    sqlite_store: OrderStore,
) -> None:
    commits = []
    event.listen(sqlite_store.database.engine, "commit", commits.append)
    gate = Barrier(THREADS)

    def work(name: int) -> list[str]:
        gate.wait(30)
        codes = []
        for turn in range(6):
            # Every second one asks for the one number they all want.
            serial = name * 100 + turn
            number = {"msisdn": "8613900000000"} if turn % 2 else {}
            command = opening(serial, party=person(serial % 400 + 1, party_ref=f"P{serial}"),
                              when=at(1), **number)  # fmt: skip
            applied = sqlite_store.apply([command])
            codes.append(applied.refused[0].code if applied.refused else "done")
        return codes

    with ThreadPoolExecutor(THREADS) as pool:
        answers = [code for found in pool.map(work, range(1, THREADS + 1)) for code in found]
    assert answers.count("done") == THREADS * 3 + 1
    assert answers.count("number_in_use") == THREADS * 3 - 1
    assert len(sqlite_store.outbox().events) == 3 * (THREADS * 3 + 1)
    assert len(commits) < THREADS * 6, "nobody shared a commit"


def test_one_that_fails_takes_nothing_of_the_others_back(sqlite_store: OrderStore) -> None:
    base = sqlite_store.database
    done(sqlite_store, opening(1))
    inside, others_wait = Event(), Event()
    failures: list[str] = []

    def write(name: str, *, fails: bool) -> None:
        try:
            with base.writing() as connection:
                connection.execute(text("UPDATE party SET contact = coalesce(contact, '') || :n"),
                                   {"n": name})  # fmt: skip
                inside.set()
                others_wait.wait(10)
                if fails:
                    raise LookupError(name)
        except LookupError as error:
            failures.append(str(error))

    first = Thread(target=write, args=("a",), kwargs={"fails": False})
    first.start()
    assert inside.wait(10)
    rest = [Thread(target=write, args=(n,), kwargs={"fails": n in "bd"}) for n in "bcde"]
    for thread in rest:
        thread.start()
    others_wait.set()
    for thread in (first, *rest):
        thread.join(10)
    assert sorted(failures) == ["b", "d"]
    with base.reading() as connection:
        contact = connection.execute(text("SELECT contact FROM party")).scalar_one()
    assert sorted(contact) == ["a", "c", "e"]


def test_a_commit_that_fails_is_told_to_all_who_wrote(sqlite_store: OrderStore) -> None:
    base = sqlite_store.database
    done(sqlite_store, opening(1))
    inside, others_wait = Event(), Event()
    outcomes: list[str] = []

    def break_commit(_connection: object) -> None:
        raise OSError("disk full")

    def write(name: str) -> None:
        try:
            with base.writing() as connection:
                connection.execute(text("UPDATE party SET contact = :n"), {"n": name})
                inside.set()
                others_wait.wait(10)
            outcomes.append("done")
        except OSError as error:
            outcomes.append(str(error))

    event.listen(base.engine, "commit", break_commit)
    threads = [Thread(target=write, args=(name,)) for name in "abc"]
    threads[0].start()
    assert inside.wait(10)
    for thread in threads[1:]:
        thread.start()
    others_wait.set()
    for thread in threads:
        thread.join(10)
    event.remove(base.engine, "commit", break_commit)
    assert outcomes == ["disk full"] * 3
    with base.reading() as connection:
        assert connection.execute(text("SELECT contact FROM party")).scalar_one() is None
    done(sqlite_store, opening(2))


def test_a_turn_that_does_not_come_is_busy(
    sqlite_store: OrderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_WAIT_SECONDS", 0.2)
    inside, leave = Event(), Event()

    def hold() -> None:
        with sqlite_store.database.writing():
            inside.set()
            leave.wait(10)

    holder = Thread(target=hold)
    holder.start()
    assert inside.wait(10)
    with pytest.raises(Busy):
        sqlite_store.apply([opening(1)])
    leave.set()
    holder.join(10)
    done(sqlite_store, opening(1))
