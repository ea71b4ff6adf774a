"""Writing beside thinking: a batch's rows go in while the next batch is worked out.

Here: the thread that writes, and whether a batch may be read before another is
written. Not here: what is written (`flush.py`) and the batches (`intake.py`).

A database driver lets other threads run while the database works. Half of the
time of a load is the database's, so the two together take little longer than
either. They share one connection and one transaction, by turns: who reads waits
until what is being written is written.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Set
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from sqlalchemy import Connection

from mingdan.orders.flush import Draft, write
from mingdan.orders.naming import Named
from mingdan.orders.working_set import WorkingSet

SWITCH_SECONDS = 0.0002
"""How soon a thread that has an answer from its database may go on with the next statement."""


class Pen:
    """Writes drafts in the transaction of `connection`, one at a time, in order."""

    def __init__(self, connection: Connection, pool: ThreadPoolExecutor | None) -> None:
        self._connection = connection
        self._pool = pool
        self._writing: Future[None] | None = None

    def start(self, drafted: Draft) -> None:
        """Write it; the connection is not to be used before `wait`."""
        if self._pool is None:
            write(self._connection, drafted)
        else:
            self.wait()
            self._writing = self._pool.submit(write, self._connection, drafted)

    def wait(self) -> None:
        """The connection is free after this. Raises what writing raised."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()


@contextmanager
def pen(connection: Connection, *, apart: bool) -> Iterator[Pen]:
    """A pen for one transaction; `apart`: in a thread of its own. All is written at the end."""
    if not apart:
        yield Pen(connection, None)
        return
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, SWITCH_SECONDS))
    try:
        with ThreadPoolExecutor(1, "mingdan-pen") as pool:
            made = Pen(connection, pool)
            yield made
            made.wait()
    finally:
        sys.setswitchinterval(before)


def apart(one: tuple[Named, WorkingSet], other: tuple[Named, WorkingSet]) -> bool:
    """Whether nothing that one batch reads can have been changed by the other."""
    if one[0].hosts or other[0].hosts:
        # Who else pays from an account is asked by the account, not by name.
        return False
    return all(
        mine.isdisjoint(others) for mine, others in zip(_traces(*one), _traces(*other), strict=True)
    )


def _traces(named: Named, known: WorkingSet) -> Iterable[Set[object]]:
    """Everything a batch names, reads or makes, kind by kind."""
    return (
        named.orders | named.payments,
        named.subscriptions | known.subscriptions.keys(),
        named.parties | known.parties.keys(),
        named.documents | known.parties_of.keys(),
        named.numbers | known.numbers.keys(),
        named.imsis | known.sim_by_imsi.keys(),
        named.iccids | known.sims.keys(),
        named.imeis,
        set(_accounts(known)),
    )


def _accounts(known: WorkingSet) -> Iterator[int]:
    yield from known.accounts
    for subscription in known.subscriptions.values():
        yield subscription.account_id
    for memberships in known.memberships.values():
        yield from (account_id for _, account_id in memberships)
    for paid in known.paid.values():
        yield from paid.left
