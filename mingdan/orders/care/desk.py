"""What the desks of care share: one transaction of somebody who may do this here and now.

Here: `Desk`. Not here: what a desk does, and who may do what (`access`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection

from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import allow
from mingdan.orders.store import OrderStore


class Desk:
    """A desk over an open store."""

    def __init__(self, store: OrderStore) -> None:
        self._database = store.database
        self._policy = store.policy

    @contextmanager
    def _writing(
        self, actor: Actor, business: str, at: datetime, *keys: str
    ) -> Iterator[Connection]:
        """One transaction of a permitted actor; whoever else wants `keys` waits.

        Raises Refused as the gate does, Busy as the database does.
        """
        with self._database.writing() as connection:
            # also without keys: what is counted by day waits for writers at work
            self._database.lock(connection, "customers", keys)
            allow(connection, actor=actor, business=business, at=at)
            yield connection
