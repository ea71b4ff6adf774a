"""What a subscription has: its offering, an offering yet to come, and its features.

Here: reading them as known at an instant. Not here: changing them
(`businesses`) and the nightly frames (`mingdan.orders.standing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select

from mingdan.orders import model as m
from mingdan.orders.offers.features import feature
from mingdan.orders.offers.model import SubscriptionFeature, SubscriptionOffering


@dataclass(frozen=True)
class HeldFeature:
    """A feature in force, with the fee in fen a month that its rule has now."""

    code: str
    name: str
    name_zh: str
    since: datetime
    monthly_fee_fen: int


@dataclass(frozen=True)
class HeldOffering:
    """An offering in force or (`since` after the instant asked for) yet to come."""

    code: str
    since: datetime
    until: datetime | None


def features_of(
    connection: Connection, subscription_id: int, *, at: datetime, known_at: datetime
) -> tuple[HeldFeature, ...]:
    """The features in force at `at` as known at `known_at`, by code."""
    f = SubscriptionFeature
    rows = connection.execute(
        select(f.feature_code, f.valid_from)
        .where(
            f.subscription_id == subscription_id,
            *_believed(f, known_at),
            f.valid_from <= at,
            or_(f.valid_to.is_(None), f.valid_to > at),
        )
        .order_by(f.feature_code)
    )
    found = []
    for code, since in rows:
        rule = feature(code, at)
        names = (code, code, 0) if rule is None else (rule.name, rule.name_zh, rule.monthly_fee_fen)
        found.append(HeldFeature(code, *names[:2], since, names[2]))
    return tuple(found)


def offerings_of(
    connection: Connection, subscription_id: int, *, at: datetime, known_at: datetime
) -> tuple[HeldOffering, ...]:
    """The offering in force at `at` and those yet to come, as known at `known_at`.

    In order of their beginning; of a terminated subscription, the last. Raises
    LookupError if there is no such subscription.
    """
    o = SubscriptionOffering
    rows = connection.execute(
        select(o.offering_code, o.valid_from, o.valid_to)
        .where(
            o.subscription_id == subscription_id,
            *_believed(o, known_at),
        )
        .order_by(o.valid_from)
    ).all()
    if rows:
        lasting = [row for row in rows if row.valid_to is None or row.valid_to > at]
        return tuple(HeldOffering(*row) for row in lasting or rows[-1:])
    p = m.Product
    first = connection.execute(
        select(p.offering_code, p.start_date, p.termination_date).where(
            p.subscription_id == subscription_id
        )
    ).one_or_none()
    if first is None:
        raise LookupError(f"no subscription {subscription_id}")
    return (HeldOffering(*first),)


def _believed(table: Any, known_at: datetime) -> tuple[Any, ...]:
    return (
        table.recorded_at <= known_at,
        or_(table.superseded_at.is_(None), table.superseded_at > known_at),
    )
