"""The money of an order that is taken back (冲正), once it was settled.

Here: giving back what the order was billed for, out of revenue, and what it left
on the account as a refund. Not here: money of orders not completed (`tills.py`).
The account keeps the payment and the bill it paid: they cancel each other.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Connection, cast, func, select

from mingdan.orders import commands as c
from mingdan.orders import model as m
from mingdan.orders.journal import Journal
from mingdan.orders.money import ledger, receipts, settlement, tills
from mingdan.orders.money.model import Refund
from mingdan.orders.store import OrderStore
from mingdan.reference import load


def refund_ref(reversal_ref: str) -> str:
    """The reference of the refund order that a reversal may need."""
    return receipts.internal("reversal", reversal_ref)


def give_back(
    store: OrderStore,
    journal: Journal,
    *,
    order_id: int,
    order_ref: str,
    subscription_ref: str,
    subscription_id: int,
    reversal_ref: str,
) -> int:
    """All that was paid for the order, to who paid it and the way it came; returns fen.

    The caller holds the subscription and its accounts. Raises Refused:
    refund_exceeds_balance (an advance is used up).
    """
    connection = journal.connection
    paid = _sum(connection, m.Payment.amount_fen, m.Payment.order_id == order_id)
    refunded = _sum(connection, Refund.amount_fen, Refund.payment_order_id == order_id)
    left = paid - refunded
    billed = _sum(connection, m.CustomerBill.amount_fen, m.CustomerBill.order_id == order_id)
    billed = min(billed, left)
    if left > billed:
        command = c.Refund(
            order_ref=refund_ref(reversal_ref),
            at=journal.at,
            channel="reversal",
            subscription_ref=subscription_ref,
            payment_ref=order_ref,
            amount_fen=left - billed,
        )
        settlement.give_back(store, journal, command, key=subscription_id, at=journal.at)
    if billed > 0:
        out_of_revenue(journal, order_id, billed)
    return left


def out_of_revenue(journal: Journal, order_id: int, fen: int) -> None:
    """Give back `fen` that an order was settled with, the way they came."""
    rest = fen
    for taken in tills.of_order(journal.connection, order_id):
        part = min(rest, taken.amount_fen)
        if not part:
            break
        rest -= part
        receipts.issue(
            journal,
            correlator=receipts.internal("reversed", taken.receipt_no),
            purpose="order_refund",
            state="done",
            amount_fen=-part,
            method=load.by("payment_method", "method")[taken.method]["given_back_as"],
            at=journal.at,
            order_id=order_id,
            payer_party_id=taken.payer_party_id,
            returns=taken.receipt_no,
        )
        legs = [("revenue", 0, -part), ("cash", 0, part)]
        ref = f"reverse/{taken.receipt_no}"
        ledger.book(journal, ref, "reverse", legs, at=journal.at, order_id=order_id)
    if rest:
        raise LookupError(f"order {order_id} was billed {fen} fen without a receipt")


def _sum(connection: Connection, column: Any, where: Any) -> int:
    total = select(cast(func.coalesce(func.sum(column), 0), BigInteger)).where(where)
    return int(connection.execute(total).scalar_one())
