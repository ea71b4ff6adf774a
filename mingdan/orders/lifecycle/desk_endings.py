"""The order desk's ways back: cancelling before completion, taking back after it.

Here: the part of `OrderDesk` with both. Not here: what they do (`cancelling.py`,
`taking_back.py`).
"""

from __future__ import annotations

from datetime import datetime

from mingdan.orders import checks
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import allow
from mingdan.orders.lifecycle import cancelling, taking_back, views
from mingdan.orders.lifecycle.stepping import Stepping
from mingdan.orders.lifecycle.views import OrderView
from mingdan.orders.refusals import Refused

CANCEL = "CANCEL_ORDER"
"""The business the gate is asked for when an order is to be cancelled."""


class Endings(Stepping):
    """Cancelling (撤单) and taking back (冲正)."""

    def cancel(self, order_ref: str, reason: str, *, actor: Actor, at: datetime) -> OrderView:
        """撤单: cancel an order at any stage before completion, also one past its time.

        Reservations are released, money is given back, the place under the cap is
        free, what was entered is taken out. Raises Refused: order_state,
        invalid_value.
        """
        return self._step(
            order_ref,
            actor,
            at,
            lambda journal, record: cancelling.cancel(journal, record, reason),
            business=CANCEL,
        )

    def ask_cancellation(
        self, order_ref: str, reason: str, *, actor: Actor, at: datetime
    ) -> OrderView:
        """Ask for a cancellation that another grants (`cancel`) or denies.

        Until then nothing is done on the order (`assessingCancellation`).
        """
        return self._step(
            order_ref,
            actor,
            at,
            lambda journal, record: cancelling.ask(journal, record, reason),
            business=CANCEL,
        )

    def deny_cancellation(
        self, order_ref: str, reason: str, *, actor: Actor, at: datetime
    ) -> OrderView:
        """Deny a cancellation asked for: the order goes on where it was."""
        return self._step(
            order_ref,
            actor,
            at,
            lambda journal, record: cancelling.deny(journal, record, reason),
            business=CANCEL,
        )

    def expire(self, *, actor: Actor, at: datetime, limit: int = 1000) -> int:
        """Cancel orders whose time has run out; returns how many.

        They were dead before: this gives back the money and cleans up.
        """
        instant = checks.instant("at", at)
        with self._store.database.reading() as connection:
            refs = cancelling.expired(connection, instant, limit)
        ended = 0
        for ref in refs:
            try:
                ended += not self.cancel(ref, "expired", actor=actor, at=instant).repeated
            except Refused as refused:
                # Someone else ended it in between.
                if refused.code != "order_state":
                    raise
        return ended

    def reverse(
        self, order_ref: str, reversal_ref: str, *, actor: Actor, at: datetime
    ) -> OrderView:
        """冲正: take a completed order back by another order, `reversal_ref`.

        Returns the new order; what the old one cost is given back the way it was
        paid. Once, within the policy's `reversal_minutes`. Raises Refused:
        not_reversible (with what to do instead), already_reversed,
        reversal_too_late, later_order, later_change, handset_not_held, order_state
        and what the business refuses (a number in other hands, a lost SIM, ...).
        """
        instant = checks.instant("at", at)
        checks.words("order_ref", reversal_ref)
        with self._store.database.writing() as connection:
            record = views.known(connection, order_ref)
            allow(connection, actor=actor, business=record.order_type, at=instant)
            return taking_back.take_back(
                self._store,
                connection,
                record,
                actor,
                instant,
                reversal_ref,
            )
