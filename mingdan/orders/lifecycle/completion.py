"""Completion (竣工): only here do customer, product and resource rows change.

Here: completing a staged order, and an order that was not staged at all. Not
here: what a business changes (`businesses`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from mingdan.orders import model as m
from mingdan.orders.access.actor import Actor
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle import (
    counter_sales,
    credit,
    notices,
    payment,
    progress,
    requests,
    views,
)
from mingdan.orders.lifecycle.attempts import Attempt, Staged, attempt
from mingdan.orders.lifecycle.kinds import kind, name_of
from mingdan.orders.lifecycle.model import Archive, StagedOrder
from mingdan.orders.lifecycle.views import OrderView, Record
from mingdan.orders.money import tills
from mingdan.orders.money.balances import account_of
from mingdan.orders.naming import named
from mingdan.orders.offers.prices import Charge
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.stock import reservations
from mingdan.orders.store import OrderStore
from mingdan.reference import load


def complete(
    store: OrderStore, connection: Connection, order_ref: str, actor: Actor, at: datetime
) -> OrderView:
    """See `OrderDesk.complete`."""
    record = views.known(connection, order_ref)
    at = progress.no_earlier(record, at)
    names = {f"orders:{order_ref}"}
    if record.request:
        command = requests.command_of(record.command, record.request, at)
        names |= set(named([command]).customers())
    store.database.lock(connection, "customers", names)
    record = views.known(connection, order_ref)
    if record.state == "completed":
        return views.view(record, repeated=True)
    progress.need(record, at, "completed", "inProgress")
    if record.paid_fen < record.due_fen:
        still_due = record.due_fen - record.paid_fen
        raise Refused("order_unpaid", order_ref=order_ref, open_fen=still_due)
    if kind(record.order_type).provisioning and record.provisioned_at is None:
        raise Refused("order_not_provisioned", order_ref=order_ref)
    # Everything may have changed since acceptance: all checks once more.
    tried = attempt(
        store, connection, command, at, staged=Staged(record.order_id, record.state), real=True
    )
    if tried.takes is not None and tried.product_code is not None:
        credit.check(store, connection, tried.takers, tried.product_code, at)
    journal = Journal(connection, at, str(actor))
    tried.write(journal)
    _close(journal, record, tried)
    by = (record.interface_no, record.accepted_by, record.idempotency_key, record.placed_at)
    receipt = views.view(record).receipt
    with journal.gathering():
        _archive(journal, tried, record.charges, record.due_fen, receipt, by)
        notices.write(journal, tried)
    return progress.again(connection, record)


def at_once(
    journal: Journal,
    tried: Attempt,
    charges: tuple[Charge, ...],
    actor: Actor,
    key: str | None,
    money: payment.Money | None,
) -> OrderView:
    """Write an order that waits for nothing; what it costs is handed over with it."""
    at, order_id = journal.at, tried.work.order_id
    receipt = None
    kept = {"items": [dict(vars(charge)) for charge in charges]}
    due = sum(charge.amount_fen for charge in charges)
    if tried.subscription is None:
        tried.write(journal)
        if money is not None and due:
            receipt = tills.take_for_order(
                journal,
                order_id=order_id,
                amount_fen=due,
                correlator=money.correlator,
                method=money.method,
                at=at,
            )
            counter_sales.carry_out(journal, tried)
    account_id = _account(journal, tried) if due and tried.subscription is not None else 0
    if money is not None and account_id:
        receipt = tills.enter_settled(
            tried.batch.rows.till,
            order_id=order_id,
            account_id=account_id,
            amount_fen=due,
            charged_fen=_billed(kept),
            correlator=money.correlator,
            at=at,
        )
    with journal.gathering():
        if tried.subscription is not None:
            tried.write(journal)
        by = (actor.interface_no, str(actor), key, at)
        _archive(journal, tried, kept, due, receipt, by)
        notices.write(journal, tried)
        if money is not None and account_id:
            tills.take_settled(
                journal,
                order_id=order_id,
                account_id=account_id,
                amount_fen=due,
                correlator=money.correlator,
                method=money.method,
                at=at,
            )
    subscription = tried.subscription
    return OrderView(
        order_id=order_id,
        order_ref=tried.command.order_ref,
        order_type=tried.order_type,
        state="completed",
        channel=tried.command.channel,
        charges=charges,
        due_fen=due,
        paid_fen=due,
        given_back_fen=0,
        receipt=receipt,
        reserved_until=None,
        subscription_ref=subscription.ref if subscription else None,
        subscription_id=subscription.subscription_id if subscription else None,
        party_id=tried.party.party_id if tried.party else None,
        product_status=None,
        reasons=(),
        placed_at=at,
        provisioned_at=None,
        completed_at=at,
        closed_at=at,
    )


def _close(journal: Journal, record: Record, tried: Attempt) -> None:
    at, order_id = journal.at, record.order_id
    # The engine wrote the row; this puts its image in the journal, too.
    journal.update(m.ProductOrder, order_id, state="completed")
    for each in reservations.of_order(journal.connection, order_id):
        reservations.complete(journal, each, at=at)
    if record.paid_fen:
        _settle(journal, tried, record.charges)
    product = record.product_status
    if product is not None:
        path = ("active",) if product == "pendingActive" else ("pendingActive", "active")
        product = machine("product").walk(product, *path)
    journal.update(
        StagedOrder, order_id, **progress.cleared(at), product_status=product, resting_state=None
    )


def _settle(journal: Journal, tried: Attempt, charges: dict[str, Any]) -> None:
    """The charges become facts of the account that pays; advances stay on it."""
    if tried.subscription is None:
        counter_sales.carry_out(journal, tried)
        return
    tills.settle_order(
        journal,
        order_id=tried.work.order_id,
        account_id=_account(journal, tried),
        at=journal.at,
        charged_fen=_billed(charges),
    )


def _account(journal: Journal, tried: Attempt) -> int:
    """The account that pays: a new subscription's own, or a shared one (合帐)."""
    subscription = tried.subscription
    if subscription is None:
        raise LookupError("a business without a subscription costs nothing")
    if not subscription.stored:
        return subscription.account_id
    if tried.batch.rows.memberships:
        # It changes that itself.
        return tried.batch.account_of(subscription, tried.work.at)
    return account_of(journal.connection, subscription.subscription_id, tried.work.at)


def _billed(charges: dict[str, Any]) -> int:
    kept = load.by("charge_credit", "code")
    return sum(each["amount_fen"] for each in charges["items"] if each["code"] not in kept)


def _archive(
    journal: Journal,
    tried: Attempt,
    charges: dict[str, Any],
    due_fen: int,
    receipt: str | None,
    accepted: tuple[str, str, str | None, datetime],
) -> None:
    interface_no, accepted_by, key, accepted_at = accepted
    journal.insert(
        Archive,
        order_id=tried.work.order_id,
        command=name_of(tried.command),
        request=requests.masked(tried.command),
        interface_no=interface_no,
        accepted_by=accepted_by,
        completed_by=journal.actor,
        idempotency_key=key,
        accepted_at=accepted_at,
        completed_at=journal.at,
        charges=charges,
        due_fen=due_fen,
        receipt=receipt,
        reversed_by=None,
    )
