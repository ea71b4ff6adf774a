"""What can be asked about a subscription and its holder: one function a field.

Here: the values, unmasked. Not here: who may see them (`masks.py`); nothing of
this leaves but through `inquiries.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from mingdan.errors import InputRefused
from mingdan.orders import checks
from mingdan.orders import model as m
from mingdan.orders.lookups import local, subscription_key
from mingdan.orders.money.balances import arrears
from mingdan.orders.offers import party_rows
from mingdan.orders.offers.reading import features_of, offerings_of
from mingdan.orders.refusals import Refused


@dataclass
class Subject:
    """A subscription at an instant, read as far as it is asked for."""

    connection: Connection
    subscription_id: int
    at: datetime

    @cached_property
    def contract(self) -> Any:
        s, p = m.Subscription, m.Product
        return self.connection.execute(
            select(s.subscription_ref, s.account_id, s.activated_at, p.status)
            .join(p, p.subscription_id == s.subscription_id)
            .where(s.subscription_id == self.subscription_id)
        ).one()

    @cached_property
    def holder(self) -> Row[Any]:
        """Who holds it; after its end, who held it last."""
        h, p = m.SubscriptionHolding, m.Party
        return self.connection.execute(
            select(p.__table__)
            .join(h, h.party_id == p.party_id)
            .where(h.subscription_id == self.subscription_id, h.superseded_at.is_(None))
            .order_by(h.valid_from.desc())
            .limit(1)
        ).one()

    def key(self, kind: str) -> str | None:
        """The MSISDN or IMSI it holds at the instant."""
        h = m.NumberHolding
        found = self.connection.execute(
            select(h.key).where(
                h.subscription_id == self.subscription_id,
                h.key_kind == kind,
                h.superseded_at.is_(None),
                h.valid_from <= self.at,
                or_(h.valid_to.is_(None), h.valid_to > self.at),
            )
        ).scalar()
        return None if found is None else str(found)

    @property
    def iccid(self) -> str | None:
        s = m.SimCard
        return self.connection.execute(
            select(s.iccid).where(s.subscription_id == self.subscription_id, s.state == "in_use")
        ).scalar()

    @property
    def blocks(self) -> list[str]:
        b = m.SubscriptionBlock
        rows = self.connection.execute(
            select(b.reason, b.direction)
            .where(
                b.subscription_id == self.subscription_id,
                b.superseded_at.is_(None),
                b.valid_from <= self.at,
                or_(b.valid_to.is_(None), b.valid_to > self.at),
            )
            .order_by(b.reason, b.direction)
        )
        return [f"{reason} ({direction})" for reason, direction in rows]

    @property
    def restrictions(self) -> list[str]:
        r = m.Restriction
        rows = self.connection.execute(
            select(r.effect, r.class_code, r.reason_code)
            .where(
                r.subject_type == "party",
                r.subject_id == self.holder.party_id,
                r.ended_night.is_(None),
            )
            .order_by(r.effect, r.class_code, r.reason_code)
        )
        return [f"{effect}: {code}/{reason}" for effect, code, reason in rows]

    @property
    def orders(self) -> list[dict[str, Any]]:
        o = m.ProductOrder
        rows = self.connection.execute(
            select(o.order_ref, o.order_type, o.state, o.order_date)
            .where(o.subscription_id == self.subscription_id)
            .order_by(o.order_date.desc(), o.order_id.desc())
            .limit(20)
        )
        return [
            {"order_ref": r.order_ref, "order_type": r.order_type, "state": r.state,
             "at": local(r.order_date)}
            for r in rows
        ]  # fmt: skip

    def account(self, name: str) -> Any:
        row = party_rows.account_data(self.connection, self.contract.account_id)
        return None if row is None else getattr(row, name)


def _offerings(subject: Subject) -> list[Any]:
    known = {"at": subject.at, "known_at": subject.at}
    return list(offerings_of(subject.connection, subject.subscription_id, **known))


def _to_come(subject: Subject) -> list[dict[str, Any]]:
    coming = [each for each in _offerings(subject) if each.since > subject.at]
    return [{"product": each.code, "from": local(each.since)} for each in coming]


def _features(subject: Subject) -> list[str]:
    known = {"at": subject.at, "known_at": subject.at}
    found = features_of(subject.connection, subject.subscription_id, **known)
    return [each.code for each in found]


FIELDS: dict[str, Callable[[Subject], Any]] = {
    "number": lambda s: s.key("msisdn"),
    "name": lambda s: s.holder.name,
    "document": lambda s: s.holder.document_number,
    "contact": lambda s: s.holder.contact,
    "product": lambda s: _offerings(s)[0].code,
    "status": lambda s: s.contract.status,
    "since": lambda s: local(s.contract.activated_at),
    "features": _features,
    "offers_to_come": _to_come,
    "blocks": lambda s: s.blocks,
    "restrictions": lambda s: s.restrictions,
    "arrears": lambda s: arrears(s.connection, s.subscription_id, s.at),
    "orders": lambda s: s.orders,
    "imsi": lambda s: s.key("imsi"),
    "iccid": lambda s: s.iccid,
    "bill_medium": lambda s: s.account("bill_medium"),
    "bill_address": lambda s: s.account("bill_address"),
}
"""Every field that can be asked for."""


def subject_of(connection: Connection, name: str, at: datetime) -> Subject:
    """The subscription meant by its number (now), reference or key.

    Raises Refused: invalid_value, unknown_subscription.
    """
    wanted = checks.words("subscription", name)
    try:
        key = subscription_key(connection, wanted)
    except InputRefused:
        shown = wanted if not any(c.isdigit() for c in wanted) else "***"
        raise Refused("unknown_subscription", subscription_ref=shown) from None
    return Subject(connection, key, at)
