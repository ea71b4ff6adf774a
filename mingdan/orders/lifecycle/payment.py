"""Paying for an order before it is carried out.

Here: what may be paid and when. Not here: the till and its receipts (`money`)
and bills of a subscription in service (`businesses/account.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from mingdan.orders import checks
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle import progress
from mingdan.orders.lifecycle.model import StagedOrder
from mingdan.orders.lifecycle.views import Record
from mingdan.orders.money import tills
from mingdan.orders.refusals import Refused


@dataclass(frozen=True, kw_only=True)
class Money:
    """A payment handed over: fen, and the payer's own number of it (TMF676 correlatorId)."""

    amount_fen: int
    correlator: str
    method: str = "cash"


def repeated(record: Record, money: Money) -> bool:
    """Whether this very payment was taken for the order before.

    Raises Refused: correlator_reused.
    """
    before = (record.payments or {}).get(checks.words("correlator", money.correlator))
    if before is None:
        return False
    if before["amount_fen"] != money.amount_fen:
        raise Refused("correlator_reused", correlator=money.correlator)
    return True


def pay(journal: Journal, record: Record, money: Money) -> None:
    """Take a payment of an order that waits for it; paid in full, work on it begins.

    Raises Refused: invalid_value, payment_too_much, order_state, order_expired
    and what the till refuses.
    """
    fen = checks.amount("amount_fen", money.amount_fen)
    progress.need(record, journal.at, "paid", "pending", "inProgress", "held")
    still_due = record.due_fen - record.paid_fen
    if fen > still_due:
        raise Refused("payment_too_much", amount_fen=fen, open_fen=still_due)
    receipt = tills.take_for_order(
        journal,
        order_id=record.order_id,
        amount_fen=fen,
        correlator=money.correlator,
        method=money.method,
        at=journal.at,
    )
    taken = {"amount_fen": fen, "receipt": receipt}
    journal.update(
        StagedOrder,
        record.order_id,
        paid_fen=record.paid_fen + fen,
        payments=(record.payments or {}) | {money.correlator: taken},
    )
    if fen == still_due:
        progress.step(journal, record, "inProgress")
