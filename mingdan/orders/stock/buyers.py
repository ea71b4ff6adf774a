"""Who has which handset: a subscription as buyer, and the handsets it holds.

Here: reading the buyer, taking a handset back from him, listing what he has.
Not here: the sale (`handsets.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from mingdan.identifiers import mask_number
from mingdan.orders import checks
from mingdan.orders import model as m
from mingdan.orders.journal import Journal
from mingdan.orders.lookups import local
from mingdan.orders.refusals import Refused
from mingdan.orders.stock.model import Handset, HandsetHolding


@dataclass(frozen=True)
class Buyer:
    """A subscription in service, and who holds it now."""

    subscription_id: int
    ref: str
    account_id: int
    product_id: int
    product_code: str
    party_id: int
    changed_at: datetime


def buyer(connection: Connection, subscription_ref: str, at: datetime) -> Buyer:
    """Refuses unknown_subscription, subscription_terminated, not_in_service."""
    ref = checks.words("subscription_ref", subscription_ref)
    s, p, h = m.Subscription, m.Product, m.SubscriptionHolding
    row = connection.execute(
        select(
            s.subscription_id, s.account_id, s.activated_at, s.terminated_at, s.changed_at,
            p.product_id, p.offering_code, h.party_id,
        )
        .join(p, p.subscription_id == s.subscription_id)
        .join(h, h.subscription_id == s.subscription_id)
        .where(s.subscription_ref == ref, h.superseded_at.is_(None))
        .order_by(h.valid_from.desc())
        .limit(1)
    ).one_or_none()  # fmt: skip
    if row is None:
        raise Refused("unknown_subscription", subscription_ref=ref)
    if row.terminated_at is not None:
        raise Refused("subscription_terminated", subscription_ref=ref, at=row.terminated_at)
    if at < row.activated_at:
        raise Refused("not_in_service", subscription_ref=ref, at=at)
    return Buyer(
        row.subscription_id, ref, row.account_id, row.product_id, row.offering_code,
        row.party_id, row.changed_at,
    )  # fmt: skip


def take_back(journal: Journal, who: Buyer, imei: str, old_is: str, at: datetime) -> None:
    """The buyer hands a handset back, as `returned` or `damaged`. Refuses handset_not_held."""
    h = HandsetHolding
    row = journal.connection.execute(
        select(h.holding_id, h.valid_from, Handset.changed_at)
        .join(Handset, Handset.imei == h.imei)
        .where(h.imei == imei, h.subscription_id == who.subscription_id, h.valid_to.is_(None))
    ).one_or_none()
    if row is None or row.valid_from >= at:
        raise Refused("handset_not_held", imei=mask_number(imei), subscription_ref=who.ref)
    journal.update(h, row.holding_id, valid_to=at)
    # Sold and handed back are both `unavailable`: only the usage tells them apart.
    journal.update(Handset, imei, usage=old_is, changed_at=max(at, row.changed_at))


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
