"""Taking back a completed order (冲正) where the domain has a way back.

Here: the business that undoes another (`reference/order_lifecycle.csv`), made
from what is on record of it. Not here: orders not completed yet, which are
cancelled (`cancelling.py`), and money (`money/refunds.py`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from mingdan.orders import commands as c
from mingdan.orders import model as m
from mingdan.orders.lifecycle.kinds import kind
from mingdan.orders.lifecycle.views import Record
from mingdan.orders.policy import Policy
from mingdan.orders.refusals import Refused


def inverse(
    connection: Connection, policy: Policy, record: Record, order_ref: str, at: datetime
) -> c.AnyCommand:
    """The command that takes the order back.

    Raises Refused: order_state (not completed, or not one of the online path),
    not_reversible, already_reversed, reversal_too_late, later_order.
    """
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
    how = kind(record.order_type)
    made = _MAKERS.get(how.reversal)
    if made is None:
        raise Refused("not_reversible", order_type=record.order_type, advice=how.advice)
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
    return made(connection, record, done, frame)


def _resume(
    _connection: Connection, _record: Record, done: dict[str, Any], frame: dict[str, Any]
) -> c.AnyCommand:
    return c.Resume(**frame, reason=done["reason"])


def _suspend(
    _connection: Connection, record: Record, done: dict[str, Any], frame: dict[str, Any]
) -> c.AnyCommand:
    if len(done["direction"]) != 1:
        raise Refused(
            "not_reversible", order_type=record.order_type, advice="suspend each direction again"
        )
    return c.Suspend(**frame, reason=done["reason"], direction=done["direction"][0])


def _transfer_back(
    connection: Connection, record: Record, done: dict[str, Any], frame: dict[str, Any]
) -> c.AnyCommand:
    former, present = done["relatedParty"]
    h, p = m.SubscriptionHolding, m.Party
    holds = connection.execute(
        select(h.party_id, h.valid_from).where(
            h.subscription_id == record.subscription_id,
            h.superseded_at.is_(None),
            h.valid_to.is_(None),
        )
    ).one_or_none()
    if holds is None or holds.party_id != present:
        later = frame["at"] if holds is None else holds.valid_from
        raise Refused("later_order", subscription_ref=record.subscription_ref, at=later)
    row = connection.execute(
        select(
            p.party_ref, p.party_type, p.name, p.document_type, p.document_number, p.contact
        ).where(p.party_id == former)
    ).one()
    return c.TransferOwner(**frame, party=c.PartyData(**row._mapping))


_MAKERS = {"resume": _resume, "suspend": _suspend, "transfer_owner": _transfer_back}
