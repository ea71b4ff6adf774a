"""The order desk: every business from acceptance through provisioning to completion.

Here: `OrderDesk`, the one door to orders on their way. Not here: the businesses
(`businesses`), the steps (this package's other modules), bulk (`store.py`).

The states are TMF622's: a placed order is `pending` while it waits for payment
or information, else `inProgress`; it ends `completed`, `failed` or `cancelled`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from mingdan.orders import checks
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import allow
from mingdan.orders.commands import AnyCommand
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle import (
    acceptance,
    cancelling,
    completion,
    notices,
    payment,
    progress,
    provisioning,
    taking_back,
    views,
)
from mingdan.orders.lifecycle.acceptance import Acceptance
from mingdan.orders.lifecycle.kinds import refuse_internal
from mingdan.orders.lifecycle.notices import NoticeView
from mingdan.orders.lifecycle.payment import Money
from mingdan.orders.lifecycle.views import OrderView, Record
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore

CANCEL = "CANCEL_ORDER"
"""The business the gate is asked for when an order is to be cancelled."""
Step = Callable[[Journal, Record], bool]


class OrderDesk:
    """Orders of one open store.

    Every call is one transaction at `at` (aware; the caller's clock) by `actor`.
    A refusal raises `Refused` and changes nothing; a call that was carried out
    before returns the order as it stands, `repeated`. All raise Busy if another
    writer holds the store, and Refused with the gate's codes (unknown_interface,
    interface_closed, business_not_permitted, out_of_hours) and unknown_order.
    """

    def __init__(self, store: OrderStore) -> None:
        self._store = store

    def place(
        self,
        command: AnyCommand,
        *,
        actor: Actor,
        at: datetime,
        idempotency_key: str | None = None,
        reservation: int | None = None,
    ) -> OrderView:
        """受理: make all checks of the business, stage what was entered, reserve what it needs.

        The times in `command` do not count. The order holds its number, SIM and
        place under the cap for the policy's `order_minutes`. What waits for
        nothing (a bill, a payment, a protection) is completed at once. Placed
        before, under the same reference or the same interface's
        `idempotency_key`, it is returned as it stands. `reservation`: of what was
        held for the customer before; the order takes it over.

        Raises Refused: whatever the business refuses, order_in_transit,
        credit_arrears, credit_blocked, order_ref_reused, idempotency_key_reused,
        unknown_reservation, reservation_ended.
        """
        refuse_internal(command)
        asked = Acceptance(
            command=command,
            actor=actor,
            at=checks.instant("at", at),
            key=idempotency_key,
            money=None,
            at_once=False,
            reservation=reservation,
        )
        with self._store.database.writing() as connection:
            return acceptance.accept(self._store, connection, asked)

    def run(
        self,
        command: AnyCommand,
        *,
        actor: Actor,
        at: datetime,
        idempotency_key: str | None = None,
        payment: Money | None = None,
        reservation: int | None = None,
    ) -> OrderView:
        """受理, 施工, 竣工 in one transaction, if nothing is to be waited for.

        That is: `payment` covers what it costs, or it costs nothing. Otherwise
        the order is placed (and paid as far as `payment` goes). Refuses what
        `place`, `pay` and `complete` refuse.
        """
        refuse_internal(command)
        asked = Acceptance(
            command=command,
            actor=actor,
            at=checks.instant("at", at),
            key=idempotency_key,
            money=payment,
            at_once=True,
            reservation=reservation,
        )
        with self._store.database.writing() as connection:
            return acceptance.accept(self._store, connection, asked)

    def pay(
        self,
        order_ref: str,
        amount_fen: int,
        correlator: str,
        actor: Actor,
        at: datetime,
        *,
        method: str = "cash",
    ) -> OrderView:
        """Take `amount_fen` for the order; paid in full, it is `inProgress`.

        Idempotent by `correlator`. Never more than is due. Raises Refused:
        payment_too_much, correlator_reused, order_state, order_expired,
        invalid_value.
        """
        money = Money(amount_fen=amount_fen, correlator=correlator, method=method)

        def step(journal: Journal, record: Record) -> bool:
            if payment.repeated(record, money):
                return False
            payment.pay(journal, record, money)
            return True

        return self._step(order_ref, actor, at, step)

    def provision(
        self, order_ref: str, outcome: str, *, actor: Actor, at: datetime, reason: str | None = None
    ) -> OrderView:
        """后台施工: note an outcome.

        `done`; `held` (a reason) and `solved`; `information_needed` (a reason) and
        `information_received`; `failed` (a reason): the order ends, what it held is
        released and what was paid is given back. Raises Refused: order_state,
        order_expired, order_unpaid, invalid_value.
        """
        return self._step(
            order_ref,
            actor,
            at,
            lambda journal, record: provisioning.report(journal, record, outcome, reason),
        )

    def complete(self, order_ref: str, *, actor: Actor, at: datetime) -> OrderView:
        """竣工: check everything once more and make it real, all or nothing.

        Customer, product and resource rows change now, money taken becomes the
        account's, the customer's notice is written and the order archived.
        Raises Refused: order_expired, order_unpaid, order_not_provisioned,
        order_state and whatever the business refuses; the order then stays as it
        is and may be cancelled.
        """
        instant = checks.instant("at", at)
        with self._store.database.writing() as connection:
            record = views.known(connection, order_ref)
            allow(connection, actor=actor, business=record.order_type, at=instant)
            return completion.complete(self._store, connection, order_ref, actor, instant)

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

    def notices(self, order_ref: str) -> list[NoticeView]:
        """The messages an order gave rise to, masked."""
        with self._store.database.reading() as connection:
            return notices.shown(connection, order_ref)

    def take_notices(self, *, actor: Actor, at: datetime, limit: int = 100) -> list[NoticeView]:
        """Notices to send, in clear, each given out once and marked as sent."""
        with self._store.database.writing() as connection:
            allow(connection, actor=actor, business="SEND_NOTICE", at=at)
            return notices.take(Journal(connection, checks.instant("at", at), str(actor)), limit)

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
