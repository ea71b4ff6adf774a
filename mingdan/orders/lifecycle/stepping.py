"""One step of an order that nobody else takes a step of meanwhile.

Here: the transaction, the lock and the gate of every step. Not here: the steps
(`payment.py`, `provisioning.py`, `cancelling.py`) and the desk's doors to them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from mingdan.orders import checks
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import allow
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle import progress, views
from mingdan.orders.lifecycle.views import OrderView, Record
from mingdan.orders.store import OrderStore

Step = Callable[[Journal, Record], bool]
"""Takes the step, or says that it was taken before (False)."""


class Stepping:
    """What the parts of the order desk share: an open store, and steps of its orders."""

    def __init__(self, store: OrderStore) -> None:
        self._store = store

    def _step(
        self,
        order_ref: str,
        actor: Actor,
        at: datetime,
        step: Step,
        *,
        business: str | None = None,
    ) -> OrderView:
        """One step of an order that nobody else takes a step of meanwhile.

        `business`: what the gate is asked for, by default the order's own.
        """
        instant = checks.instant("at", at)
        database = self._store.database
        with database.writing() as connection:
            database.lock(connection, "customers", [f"orders:{order_ref}"])
            record = views.known(connection, order_ref)
            allow(connection, actor=actor, business=business or record.order_type, at=instant)
            now = progress.no_earlier(record, instant)
            done = step(Journal(connection, now, str(actor)), record)
            return progress.again(connection, record, repeated=not done)
