"""Provisioning (后台施工): what the back office or the network reports of an order.

Here: the outcomes and where each leads. Not here: doing it, and completion.
"""

from __future__ import annotations

from mingdan.orders import checks
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle import progress
from mingdan.orders.lifecycle.model import StagedOrder
from mingdan.orders.lifecycle.views import Record
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine

OUTCOMES = frozenset(
    {"done", "held", "solved", "information_needed", "information_received", "failed"}
)
_MOVES = {
    "held": ("inProgress", "held"),
    "solved": ("held", "inProgress"),
    "information_needed": ("inProgress", "pending"),
    "information_received": ("pending", "inProgress"),
}
"""Outcome -> the state it needs and the state it leads to."""


def report(journal: Journal, record: Record, outcome: str, reason: str | None) -> bool:
    """Note one outcome; returns whether it changed anything.

    Raises Refused: invalid_value, order_state, order_expired, order_unpaid.
    """
    checks.one_of("outcome", outcome, OUTCOMES)
    if outcome in ("held", "information_needed", "failed"):
        reason = checks.words("reason", reason)
    if outcome == "failed":
        _fail(journal, record, str(reason))
        return True
    if outcome == "done":
        return _done(journal, record)
    before, after = _MOVES[outcome]
    progress.need(record, journal.at, after, before)
    if outcome == "information_received" and record.paid_fen < record.due_fen:
        raise Refused(
            "order_unpaid", order_ref=record.order_ref, open_fen=record.due_fen - record.paid_fen
        )
    progress.step(journal, record, after)
    if reason is not None:
        said = checks.words("reason", reason)
        reasons = progress.with_reason(record, said, journal.at)
        journal.update(StagedOrder, record.order_id, reasons=reasons)
    return True


def _done(journal: Journal, record: Record) -> bool:
    progress.need(record, journal.at, "provisioned", "inProgress")
    if record.provisioned_at is not None:
        return False
    product = record.product_status
    if product is not None:
        product = machine("product").walk(product, "pendingActive")
    journal.update(StagedOrder, record.order_id, provisioned_at=journal.at, product_status=product)
    return True


def _fail(journal: Journal, record: Record, reason: str) -> None:
    # Also past its time: that the network could not do it stays true.
    if record.staged_order_id is None or record.state not in ("inProgress", "held"):
        raise Refused(
            "order_state", order_ref=record.order_ref, state=record.state, wanted="failed"
        )
    path = ("failed",) if record.state == "inProgress" else ("inProgress", "failed")
    progress.end(journal, record, path, reason)
