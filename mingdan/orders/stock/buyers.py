"""Who has which handset: a subscription as buyer, and the handsets it holds.

Here: reading the buyer and listing what he has. Not here: the sale, which is an
order (`businesses/handsets.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from mingdan.identifiers import mask_number
from mingdan.orders import checks
from mingdan.orders import model as m
from mingdan.orders.lookups import local
from mingdan.orders.refusals import Refused
from mingdan.orders.stock.model import Handset, HandsetHolding


@dataclass(frozen=True)
class Buyer:
    """A subscription in service, and its product."""

    subscription_id: int
    ref: str
    product_code: str


def buyer(connection: Connection, subscription_ref: str, at: datetime) -> Buyer:
    """Refuses unknown_subscription, subscription_terminated, not_in_service."""
    ref = checks.words("subscription_ref", subscription_ref)
    s, p = m.Subscription, m.Product
    row = connection.execute(
        select(s.subscription_id, s.activated_at, s.terminated_at, p.offering_code)
        .join(p, p.subscription_id == s.subscription_id)
        .where(s.subscription_ref == ref)
    ).one_or_none()
    if row is None:
        raise Refused("unknown_subscription", subscription_ref=ref)
    if row.terminated_at is not None:
        raise Refused("subscription_terminated", subscription_ref=ref, at=row.terminated_at)
    if at < row.activated_at:
        raise Refused("not_in_service", subscription_ref=ref, at=at)
    return Buyer(row.subscription_id, ref, row.offering_code)


def handsets(connection: Connection, subscription_ref: str) -> list[dict[str, Any]]:
    """Handsets a subscription has or had, oldest first, masked. Refuses unknown_subscription."""
    ref = checks.words("subscription_ref", subscription_ref)
    s, h, o = m.Subscription, HandsetHolding, m.ProductOrder
    key = connection.execute(
        select(s.subscription_id).where(s.subscription_ref == ref)
    ).scalar_one_or_none()
    if key is None:
        raise Refused("unknown_subscription", subscription_ref=ref)
    rows = connection.execute(
        select(h.imei, Handset.model, o.order_type, o.order_ref, h.valid_from, h.valid_to)
        .join(Handset, Handset.imei == h.imei)
        .join(o, o.order_id == h.order_id)
        .where(h.subscription_id == key)
        .order_by(h.valid_from, h.holding_id)
    )
    return [
        {
            "imei": mask_number(row.imei),
            "model": row.model,
            "order_type": row.order_type,
            "order_ref": row.order_ref,
            "from": local(row.valid_from),
            "to": local(row.valid_to),
        }
        for row in rows
    ]
