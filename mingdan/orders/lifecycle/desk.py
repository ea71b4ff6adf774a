"""The order desk: every business from acceptance through provisioning to completion.

Here: `OrderDesk`, the one door to orders on their way, with the steps forward. Not
here: the ways back (`desk_endings.py`), reading (`desk_reading.py`), the businesses
(`businesses`), what a step does (this package's other modules), bulk (`store.py`).

The states are TMF622's: a placed order is `pending` while it waits for payment
or information, else `inProgress`; it ends `completed`, `failed` or `cancelled`.
"""

from __future__ import annotations

from datetime import datetime

from mingdan.orders import checks
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import allow
from mingdan.orders.commands import AnyCommand
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle import (
    acceptance,
    completion,
    payment,
    provisioning,
    views,
)
from mingdan.orders.lifecycle.acceptance import Acceptance
from mingdan.orders.lifecycle.desk_endings import Endings
from mingdan.orders.lifecycle.desk_reading import Reading
from mingdan.orders.lifecycle.kinds import refuse_internal
from mingdan.orders.lifecycle.payment import Money
from mingdan.orders.lifecycle.views import OrderView, Record


class OrderDesk(Endings, Reading):
    """Orders of one open store.

    Every call is one transaction at `at` (aware; the caller's clock) by `actor`.
    A refusal raises `Refused` and changes nothing; a call that was carried out
    before returns the order as it stands, `repeated`. All raise Busy if another
    writer holds the store, and Refused with the gate's codes (unknown_interface,
    interface_closed, business_not_permitted, out_of_hours) and unknown_order.
    """

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
