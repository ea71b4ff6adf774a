"""Cancelling (撤单) at any stage before completion, without residue.

Here: asking, granting and denying, and orders whose time ran out. Not here:
what an order gives back (`progress.end`) and taking back a completed order
(`reversal.py`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from mingdan.orders import checks
from mingdan.orders import model as m
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle import progress
from mingdan.orders.lifecycle.model import StagedOrder
from mingdan.orders.lifecycle.views import Record
from mingdan.orders.refusals import Refused

_FROM = ("inProgress", "pending", "held", "assessingCancellation")


def cancel(journal: Journal, record: Record, reason: str) -> bool:
    """Cancel the order; returns whether this changed anything (False: it was before).

    Raises Refused: order_state, invalid_value.
    """
    said = checks.words("reason", reason)
    if record.state == "cancelled":
        return False
    _cancellable(record)
    assessed = () if record.state == "assessingCancellation" else ("assessingCancellation",)
    progress.end(journal, record, (*assessed, "pendingCancellation", "cancelled"), said)
    return True


def ask(journal: Journal, record: Record, reason: str) -> bool:
    """Ask for a cancellation that another decides; meanwhile nothing is done on the order.

    Raises Refused: order_state, invalid_value.
    """
    said = checks.words("reason", reason)
    if record.state in ("assessingCancellation", "cancelled"):
        return False
    _cancellable(record)
    progress.step(journal, record, "assessingCancellation")
    journal.update(
        StagedOrder,
        record.order_id,
        resting_state=record.state,
        reasons=progress.with_reason(record, said, journal.at),
    )
    return True


def deny(journal: Journal, record: Record, reason: str) -> bool:
    """Deny a cancellation that was asked for: back to where the order was.

    Raises Refused: order_state, invalid_value.
    """
    said = checks.words("reason", reason)
    if record.staged_order_id is None or record.resting_state is None:
        raise Refused("order_state", order_ref=record.order_ref, state=record.state, wanted="kept")
    progress.step(journal, record, record.resting_state)
    journal.update(
        StagedOrder,
        record.order_id,
        resting_state=None,
        reasons=progress.with_reason(record, said, journal.at),
    )
    return True


def expired(connection: Connection, at: datetime, limit: int) -> list[str]:
    """References of up to `limit` orders whose time has run out, the oldest first."""
    o, s = m.ProductOrder, StagedOrder
    return list(
        connection.execute(
            select(o.order_ref)
            .join(s, s.order_id == o.order_id)
            .where(s.closed_at.is_(None), s.until <= at)
            .order_by(s.until, o.order_id)
            .limit(limit)
        ).scalars()
    )


def _cancellable(record: Record) -> None:
    if record.staged_order_id is None or record.state not in _FROM:
        raise Refused(
            "order_state", order_ref=record.order_ref, state=record.state, wanted="cancelled"
        )
