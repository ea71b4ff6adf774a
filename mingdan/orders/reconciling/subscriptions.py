"""Subscriptions and products against holdings and blocks; features against SIM and offer.

Here: one check a function. Not here: what a mismatch means
(`reference/reconciliation.csv`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from mingdan.orders import model as m
from mingdan.orders.offers.features import feature
from mingdan.orders.offers.model import SubscriptionFeature, SubscriptionOffering
from mingdan.orders.reconciling.found import Check, Found
from mingdan.reference import load


def holdings(connection: Connection, _at: datetime) -> Iterator[Found]:
    """Subscriptions in service without number, SIM or holder."""
    s, n, h = m.Subscription, m.NumberHolding, m.SubscriptionHolding
    for code, kind, what in (
        ("active_without_number", "msisdn", "a number"),
        ("active_without_sim", "imsi", "a SIM"),
    ):
        mine = and_(n.subscription_id == s.subscription_id, n.key_kind == kind, *_lasting(n))
        yield from _without(connection, code, what, n.holding_id, n, mine)
    mine = and_(h.subscription_id == s.subscription_id, *_lasting(h))
    yield from _without(connection, "active_without_holder", "a holder", h.holding_id, h, mine)


def states(connection: Connection, at: datetime) -> Iterator[Found]:
    """Products whose state is not what blocks and termination make it."""
    s, p, b = m.Subscription, m.Product, m.SubscriptionBlock
    stopping = [
        row["direction"]
        for row in load.rows("suspend_direction")
        if row["product_state"] == "suspended"
    ]
    blocked = (
        select(b.subscription_id)
        .where(*_lasting(b), b.direction.in_(stopping))
        .distinct()
        .subquery()
    )
    rows = connection.execute(
        select(s.subscription_id, s.terminated_at, p.status, blocked.c.subscription_id)
        .join(p, p.subscription_id == s.subscription_id)
        .outerjoin(blocked, blocked.c.subscription_id == s.subscription_id)
        .where(
            or_(
                and_(s.terminated_at.is_not(None), p.status != "terminated"),
                and_(
                    s.terminated_at.is_(None),
                    blocked.c.subscription_id.is_(None),
                    p.status != "active",
                ),
                and_(
                    s.terminated_at.is_(None),
                    blocked.c.subscription_id.is_not(None),
                    p.status != "suspended",
                ),
            )
        )
        .order_by(s.subscription_id)
    )
    for key, terminated_at, status, stopped in rows:
        expected = "suspended" if stopped is not None else "active"
        if terminated_at is not None:
            expected = "terminated"
        code = "ended_not_terminated" if terminated_at is not None else "status_differs"
        yield _of(code, key, expected, status)


def ended(connection: Connection, _at: datetime) -> Iterator[Found]:
    """Terminated subscriptions that still hold something."""
    s = m.Subscription
    tables = (
        (m.NumberHolding, "a number or SIM"),
        (m.SubscriptionHolding, "a holder"),
        (m.SubscriptionBlock, "a block"),
        (SubscriptionFeature, "a feature"),
        (SubscriptionOffering, "an offer"),
    )
    for table, what in tables:
        rows = connection.execute(
            select(s.subscription_id)
            .join(table, table.subscription_id == s.subscription_id)
            .where(s.terminated_at.is_not(None), *_lasting(table))
            .distinct()
            .order_by(s.subscription_id)
        )
        for (key,) in rows:
            yield _of("held_after_end", key, "nothing", what)


def features(connection: Connection, at: datetime) -> Iterator[Found]:
    """Features in force that the SIM cannot do or the present offering excludes."""
    f, c = SubscriptionFeature, m.SimCard
    p, o = m.Product, m.ProductOffering
    now = SubscriptionOffering
    mine = and_(
        now.subscription_id == f.subscription_id,
        now.superseded_at.is_(None),
        now.valid_from <= at,
        or_(now.valid_to.is_(None), now.valid_to > at),
    )
    sim = and_(c.subscription_id == f.subscription_id, c.state == "in_use")
    rows = connection.execute(
        select(f.subscription_id, f.feature_code, c.stk, c.capacity_k, o.code, o.payment_kind)
        .join(p, p.subscription_id == f.subscription_id)
        .outerjoin(now, mine)
        .join(o, o.code == func.coalesce(now.offering_code, p.offering_code))
        .outerjoin(c, sim)
        .where(*_lasting(f), p.status != "terminated")
        .order_by(f.subscription_id, f.feature_code)
    )
    for key, code, stk, capacity, offering, payment_kind in rows:
        rule = feature(code, at)
        if rule is None:
            continue
        if rule.needs_stk and not stk:
            yield _of("feature_without_card", key, f"an STK card for {code}", "none")
        if rule.needs_sim_k is not None and capacity is not None and capacity < rule.needs_sim_k:
            wanted = f"a SIM of {rule.needs_sim_k} KB for {code}"
            yield _of("feature_without_card", key, wanted, f"{capacity} KB")
        if payment_kind not in rule.payment_kinds:
            yield _of("feature_not_for_product", key, f"no {code} with {offering}", code)


def names(connection: Connection, _at: datetime) -> Iterator[Found]:
    """Documents that stand under different names; no name is told."""
    p = m.Party
    rows = connection.execute(
        select(func.min(p.party_id), func.count())
        .group_by(p.document_type, p.document_number)
        .having(func.count(p.name.distinct()) > 1)
        .order_by(func.min(p.party_id))
    )
    for party_id, count in rows:
        yield Found(
            code="names_differ", subject_kind="party", subject_key=str(party_id),
            expected="one name", found=f"several on {count} records",
        )  # fmt: skip


CHECKS: tuple[Check, ...] = (holdings, states, ended, features, names)


def _without(
    connection: Connection, code: str, what: str, key: Any, table: Any, mine: Any
) -> Iterator[Found]:
    s = m.Subscription
    rows = connection.execute(
        select(s.subscription_id)
        .outerjoin(table, mine)
        .where(s.terminated_at.is_(None), key.is_(None))
        .order_by(s.subscription_id)
    )
    for (subscription_id,) in rows:
        yield _of(code, subscription_id, what, "none")


def _lasting(table: Any) -> tuple[Any, ...]:
    return table.superseded_at.is_(None), table.valid_to.is_(None)


def _of(code: str, subscription_id: int, expected: str, found: str) -> Found:
    return Found(
        code=code, subject_kind="subscription", subject_key=str(subscription_id),
        subscription_id=subscription_id, expected=expected, found=found,
    )  # fmt: skip
