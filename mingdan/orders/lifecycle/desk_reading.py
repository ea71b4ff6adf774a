"""What the order desk shows: one order, and the messages it gave rise to.

Here: the part of `OrderDesk` that reads, and giving notices out. Not here: what an
order's view is made of (`views.py`).
"""

from __future__ import annotations

from datetime import datetime

from mingdan.orders import checks
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import allow
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle import notices, views
from mingdan.orders.lifecycle.notices import NoticeView
from mingdan.orders.lifecycle.stepping import Stepping
from mingdan.orders.lifecycle.views import OrderView
from mingdan.orders.refusals import Refused
from mingdan.reference import load


class Reading(Stepping):
    """How orders stand, and their notices."""

    def get(
        self,
        order_ref: str | None = None,
        *,
        idempotency_key: str | None = None,
        interface_no: str | None = None,
    ) -> OrderView:
        """The order of a reference, or the one an interface placed under its key.

        This says, after a crash, whether a request was taken on: all of it or
        nothing. Raises Refused: unknown_order.
        """
        with self._store.database.reading() as connection:
            if order_ref is not None:
                return views.view(views.known(connection, order_ref))
            found = None
            if idempotency_key is not None and interface_no is not None:
                found = views.by_key(connection, interface_no, idempotency_key)
            if found is None:
                raise Refused("unknown_order", order_ref=idempotency_key or "-")
            return views.view(found)

    def on_their_way(
        self, *, state: str | None = None, order_type: str | None = None, limit: int = 100
    ) -> list[OrderView]:
        """待竣工: orders accepted and not ended, the longest waiting first.

        Also those past their time that nobody tidied up (`reserved_until`). Raises
        Refused: invalid_value for a state or order type there is not.
        """
        if state is not None:
            checks.one_of("state", state, frozenset(load.by("order_state", "state")))
        if order_type is not None:
            checks.one_of("order_type", order_type, frozenset(load.by("order_type", "code")))
        with self._store.database.reading() as connection:
            found = views.on_their_way(connection, state=state, order_type=order_type, limit=limit)
            return [views.view(record) for record in found]

    def notices(self, order_ref: str) -> list[NoticeView]:
        """The messages an order gave rise to, masked."""
        with self._store.database.reading() as connection:
            return notices.shown(connection, order_ref)

    def take_notices(self, *, actor: Actor, at: datetime, limit: int = 100) -> list[NoticeView]:
        """Notices to send, in clear, each given out once and marked as sent."""
        with self._store.database.writing() as connection:
            allow(connection, actor=actor, business="SEND_NOTICE", at=at)
            return notices.take(Journal(connection, checks.instant("at", at), str(actor)), limit)
