"""Giving money back: one payment, or at 销号 all that is left.

Here: to whom and how a refund goes, and settling the accounts of a terminated
subscription. Not here: how much of a payment can be given back
(`businesses/refunding.py`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from mingdan.orders import commands as c
from mingdan.orders import model as m
from mingdan.orders import queries
from mingdan.orders.finding import find
from mingdan.orders.journal import Journal
from mingdan.orders.money import balances, carrying, receipts, views
from mingdan.orders.money.model import Receipt
from mingdan.orders.money.receipts import Issued
from mingdan.orders.money.requests import Moved, Settlement
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from mingdan.reference import load


def give_back(
    store: OrderStore,
    journal: Journal,
    command: c.Refund,
    *,
    key: int,
    at: datetime,
    payee: int | None = None,
) -> Moved:
    """Refund part of a payment to its payer, with a receipt; the caller holds the customer.

    `payee`: the party the caller means; another than the payer is refused
    (refund_other_payee). A payment without a receipt was the holder's of its day.
    """
    connection = journal.connection
    paid, payer = _paid(connection, command.payment_ref, key)
    if payee is not None and payee != payer:
        raise Refused("refund_other_payee", payment_ref=command.payment_ref)
    repeated = carrying.order_of(connection, command.order_ref) is not None
    carrying.carry_out(store, connection, [command])
    found = receipts.find(connection, command.order_ref)
    if not repeated:
        order = carrying.order_of(connection, command.order_ref)
        method = "unknown" if paid is None else paid.method
        found = receipts.issue(
            journal,
            correlator=command.order_ref,
            purpose="refund",
            state="done",
            amount_fen=-command.amount_fen,
            method=load.by("payment_method", "method")[method]["given_back_as"],
            at=at,
            order_id=None if order is None else order[0],
            account_id=balances.account_of(connection, key, at),
            payer_party_id=payer,
            returns=None if paid is None else paid.receipt_no,
        )
    return views.moved(
        connection,
        key,
        at,
        order_ref=command.order_ref,
        receipt_no=None if found is None else found.receipt_no,
        amount_fen=command.amount_fen,
        repeated=repeated,
    )


def settle(
    store: OrderStore, journal: Journal, *, subscription_ref: str, correlator: str, at: datetime
) -> Settlement:
    """销号: give back what its accounts still hold, each payment to its payer, newest first.

    In the caller's transaction, after the termination. An account that others
    still pay from is theirs and stays as it is. Idempotent by `correlator`. Raises
    Refused: unknown_subscription, not_terminated, invalid_value.
    """
    connection = journal.connection
    correlator = receipts.correlator(correlator)
    key, _ = carrying.subscription_of(connection, subscription_ref)
    carrying.hold_subscriptions(store, connection, _payers(connection, key, at))
    s = m.Subscription
    ended = connection.execute(select(s.terminated_at).where(s.subscription_id == key)).scalar_one()
    if ended is None or ended > at:
        raise Refused("not_terminated", subscription_ref=subscription_ref)
    refunds: list[Moved] = []
    debt = 0
    for account_id in _accounts(connection, key, at):
        if balances.members(connection, account_id, at):
            continue
        left = balances.balance(connection, account_id)
        debt += max(0, -left)
        for ref, owner_ref, owner, part in _payments(connection, account_id):
            again = receipts.internal("settle", correlator, account_id, ref)
            done = receipts.find(connection, again)
            fen = -done.amount_fen if done is not None else min(part, max(0, left))
            if not fen:
                continue
            left -= 0 if done is not None else fen
            command = c.Refund(
                order_ref=again,
                at=at,
                channel="settlement",
                subscription_ref=owner_ref,
                payment_ref=ref,
                amount_fen=fen,
                account_id=account_id,
            )
            refunds.append(give_back(store, journal, command, key=owner, at=at))
    return Settlement(
        subscription_ref=subscription_ref,
        refunded_fen=sum(each.amount_fen for each in refunds),
        debt_fen=debt,
        refunds=tuple(refunds),
    )


def _paid(connection: Connection, payment_ref: str, key: int) -> tuple[Issued | None, int]:
    """The receipt of a payment, if it has one, and the party that paid it."""
    o, r = m.ProductOrder, Receipt
    order = connection.execute(
        select(o.order_id, o.order_date, o.party_id, o.subscription_id).where(
            o.order_ref == payment_ref
        )
    ).first()
    if order is None or order.subscription_id != key:
        raise Refused("unknown_payment", payment_ref=payment_ref)
    row = connection.execute(
        select(r.__table__)
        .where(r.order_id == order.order_id, r.amount_fen > 0)
        .order_by(r.issued_at, r.receipt_no)
    ).first()
    receipt = None if row is None else Issued(*row)
    if receipt is not None and receipt.payer_party_id is not None:
        return receipt, receipt.payer_party_id
    return receipt, carrying.holder_of(connection, key, order.order_date)


def _accounts(connection: Connection, key: int, at: datetime) -> list[int]:
    own = balances.own_account(connection, key)
    return list(dict.fromkeys((balances.account_of(connection, key, at), own)))


def _payers(connection: Connection, key: int, at: datetime) -> list[str]:
    """Every subscription whose payments stand on the accounts to settle, and this one."""
    p, o, s = m.Payment, m.ProductOrder, m.Subscription
    paid = (
        select(o.subscription_id)
        .join(p, p.order_id == o.order_id)
        .where(p.account_id.in_(_accounts(connection, key, at)))
    )
    rows = connection.execute(
        select(s.subscription_ref).where(s.subscription_id.in_(paid) | (s.subscription_id == key))
    )
    return sorted(rows.scalars())


def _payments(connection: Connection, account_id: int) -> list[tuple[str, str, int, int]]:
    """Payments into an account, newest first: reference, by which subscription, fen not given back.

    Those given back wholly come with 0, so that a repeated settlement finds them.
    """
    o, p, s = m.ProductOrder, m.Payment, m.Subscription
    paid = connection.execute(
        select(o.order_id, o.order_ref, s.subscription_ref, s.subscription_id, p.amount_fen)
        .join(p, p.order_id == o.order_id)
        .join(s, s.subscription_id == o.subscription_id)
        .where(p.account_id == account_id)
        .order_by(p.paid_at.desc(), p.payment_id.desc())
    ).all()
    left = {row.order_id: row.amount_fen for row in paid}
    for order_id, account, fen in find(connection, queries.given_back, left):
        if account == account_id:
            left[order_id] -= fen
    return [(r.order_ref, r.subscription_ref, r.subscription_id, left[r.order_id]) for r in paid]
