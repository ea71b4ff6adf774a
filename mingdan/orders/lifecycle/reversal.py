"""Taking back a completed order (冲正) where the domain has a way back.

Here: whether an order may be taken back now. Not here: the command that does it
(`inverses.py`), its money (`taking_back.py`), and orders not completed yet, which
are cancelled (`cancelling.py`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from mingdan.orders import model as m
from mingdan.orders.lifecycle.inverses import MAKERS
from mingdan.orders.lifecycle.kinds import kind
from mingdan.orders.lifecycle.model import Archive
from mingdan.orders.lifecycle.taken import Inverse, Taken
from mingdan.orders.lifecycle.views import Record
from mingdan.orders.policy import Policy
from mingdan.orders.refusals import Refused


def inverse(
    connection: Connection, policy: Policy, record: Record, order_ref: str, at: datetime
) -> Inverse:
    """The command that takes the order back.

    Raises Refused: order_state (not completed, or not one of the online path),
    not_reversible, already_reversed, reversal_too_late, later_order, later_change,
    handset_not_held.
    """
    how = kind(record.order_type)
    if record.state == "completed" and not how.reversal and how.advice:
        # Whoever carried it out: there is no way back, and the advice says what there is.
        raise Refused("not_reversible", order_type=record.order_type, advice=how.advice)
    if record.state != "completed" or record.archived_order_id is None:
        raise Refused(
            "order_state", order_ref=record.order_ref, state=record.state, wanted="reversed"
        )
    if record.reversed_by is not None:
        o = m.ProductOrder
        by = connection.execute(
            select(o.order_ref).where(o.order_id == record.reversed_by)
        ).scalar_one()
        raise Refused("already_reversed", order_ref=record.order_ref, by=by)
    until = record.completion_date + timedelta(minutes=policy.at("reversal_minutes", at))
    if at >= until:
        raise Refused("reversal_too_late", order_ref=record.order_ref, until=until)
    make = MAKERS.get(how.reversal)
    if make is None or _takes_back(connection, record):
        advice = how.advice or "order it again"
        raise Refused("not_reversible", order_type=record.order_type, advice=advice)
    item = m.ProductOrderItem
    done: dict[str, Any] = connection.execute(
        select(item.characteristic).where(item.order_id == record.order_id, item.item_no == 1)
    ).scalar_one()
    frame = {
        "order_ref": order_ref,
        "at": at,
        "recorded_at": at,
        "channel": record.channel,
        "subscription_ref": record.subscription_ref,
    }
    return make(Taken(connection, record, done, frame))


def _takes_back(connection: Connection, record: Record) -> bool:
    """Whether it took another one back itself: that is ordered again, and paid for."""
    found = connection.execute(
        select(Archive.order_id).where(Archive.reversed_by == record.order_id)
    )
    return found.first() is not None
