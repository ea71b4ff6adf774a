"""Turns at writing to SQLite: threads of one process share a transaction's commit.

Here: who writes next, and when what several wrote is committed. Not here: other
processes, which SQLite itself makes wait, and PostgreSQL, which shares the work
of commits by itself.

A commit waits for the disk (3 to 9 ms), which an order itself does not take.
So a thread that is done hands the open transaction on to the next that waits;
the last one commits, and none of them returns before that. Each works within a
savepoint: what one is refused does not touch the others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock
from time import monotonic

from sqlalchemy import Connection

LONGEST_SECONDS = 0.05
"""How long a transaction may go on before it is committed though others wait."""


class NoTurn(Exception):
    """Other threads kept writing for too long."""


@dataclass(eq=False)
class _Shared:
    """One transaction, of those who wrote into it."""

    connection: Connection
    began: float = field(default_factory=monotonic)
    ended: Event = field(default_factory=Event)
    failure: BaseException | None = None


class Turns:
    """`connect` gives a connection on which nothing has begun; `begin` makes it the writer's."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._lock = Lock()
        self._waiting: deque[Event] = deque()
        self._taken = False
        self._shared: _Shared | None = None

    @contextmanager
    def turn(self, seconds: float) -> Iterator[Connection]:
        """One's own part of a transaction; returns when it is on disk.

        Raises NoTurn if no turn came for `seconds`, and whatever beginning
        or committing raises: then nothing of it was done.
        """
        self._wait(seconds)
        shared, first = self._shared, self._shared is None
        try:
            if shared is None:
                shared = self._begin()
            savepoint = None if first else shared.connection.begin_nested()
        except BaseException as error:
            self._end(shared, error)
            raise
        try:
            yield shared.connection
            if savepoint is not None:
                savepoint.commit()
        except BaseException as error:
            if savepoint is None or not savepoint.is_active:
                # Alone in it, or it broke under the others too.
                self._end(shared, error)
            else:
                savepoint.rollback()
                self._hand_on(shared)
            raise
        self._hand_on(shared)
        shared.ended.wait()
        if shared.failure is not None:
            raise shared.failure

    def _begin(self) -> _Shared:
        connection = self._connect()
        try:
            connection.begin()
        except BaseException:
            connection.close()
            raise
        self._shared = _Shared(connection)
        return self._shared

    def _wait(self, seconds: float) -> None:
        mine = Event()
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            self._waiting.append(mine)
        if mine.wait(seconds):
            return
        with self._lock:
            if not mine.is_set():
                self._waiting.remove(mine)
                raise NoTurn

    def _hand_on(self, shared: _Shared) -> None:
        """Let the next one go on in this transaction, or end it."""
        with self._lock:
            if self._waiting and monotonic() - shared.began < LONGEST_SECONDS:
                self._waiting.popleft().set()
                return
        self._end(shared, None)

    def _end(self, shared: _Shared | None, failure: BaseException | None) -> None:
        """Commit, or take back after a failure; then it is the next one's turn to begin."""
        if shared is not None:
            shared.failure = failure
            try:
                if failure is None:
                    shared.connection.commit()
                else:
                    shared.connection.rollback()
            except BaseException as error:
                shared.failure = failure or error
                # Whatever state it is in, nothing of it stays.
                shared.connection.invalidate()
            finally:
                shared.connection.close()
        self._shared = None
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False
        if shared is not None:
            shared.ended.set()
