"""Orders against the event log, their effects, their staged data and the accounts.

Here: one check a function. Not here: what a mismatch means
(`reference/reconciliation.csv`) and the checks of the ledger itself
(`money/reconcile.py`), which are called from here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from mingdan.orders import model as m
from mingdan.orders.lifecycle.model import Archive, StagedOrder
from mingdan.orders.money import balances
from mingdan.orders.money.model import AccountMembership
from mingdan.orders.money.reconcile import CHECKS as MONEY
from mingdan.orders.money.voucher_expiry import unbooked
from mingdan.orders.reconciling.found import Check, Found
from mingdan.orders.states import machine

_ENDED = sorted(machine("order").final)


def events(connection: Connection, _at: datetime) -> Iterator[Found]:
    """Orders whose state is not that of their last event."""
    o, e = m.ProductOrder, m.OrderEvent
    last = select(func.max(e.seq).label("seq")).group_by(e.order_id).subquery()
    rows = connection.execute(
        select(o.order_ref, o.subscription_id, o.state, e.state.label("said"))
        .join(e, e.order_id == o.order_id)
        .join(last, last.c.seq == e.seq)
        .where(e.state != o.state)
        .order_by(o.order_id)
    )
    for row in rows:
        yield _of("order_event_differs", row.order_ref, row.subscription_id, row.said, row.state)


def effects(connection: Connection, _at: datetime) -> Iterator[Found]:
    """Orders that were completed and left nothing of what they do."""
    o, s, b, p, a = m.ProductOrder, m.Subscription, m.SubscriptionBlock, m.Product, Archive
    done = o.state == "completed"
    openings = connection.execute(
        select(o.order_ref)
        .outerjoin(p, p.subscription_id == o.subscription_id)
        .where(done, o.order_type == "OPEN", p.product_id.is_(None))
        .order_by(o.order_id)
    )
    for (ref,) in openings:
        yield _of("opening_without_subscription", ref, None, "a subscription", "none")
    suspensions = connection.execute(
        select(o.order_id, o.order_ref, o.subscription_id, o.completion_date, o.recorded_at)
        .outerjoin(b, b.order_id == o.order_id)
        .where(done, o.order_type == "SUSPEND", b.block_id.is_(None))
        .order_by(o.order_id)
    )
    for row in suspensions:
        if not _taken_back_at_once(connection, row):
            ref, key = row.order_ref, row.subscription_id
            yield _of("suspension_without_block", ref, key, "a block", "none")
    terminations = connection.execute(
        select(o.order_ref, o.subscription_id)
        .join(s, s.subscription_id == o.subscription_id)
        .outerjoin(a, a.order_id == o.order_id)
        .where(
            done,
            o.order_type == "TERMINATE",
            s.terminated_at.is_(None),
            a.reversed_by.is_(None),
        )
        .order_by(o.order_id)
    )
    for ref, key in terminations:
        yield _of("termination_without_end", ref, key, "terminated", "in service")


def staged(connection: Connection, at: datetime) -> Iterator[Found]:
    """Orders on their way past their time, and staged data of orders that ended."""
    o, s = m.ProductOrder, StagedOrder
    rows = connection.execute(
        select(o.order_ref, o.subscription_id, o.state, s.provisioned_at, s.closed_at)
        .join(s, s.order_id == o.order_id)
        .where(
            or_(
                and_(s.closed_at.is_(None), or_(s.until <= at, o.state.in_(_ENDED))),
                and_(s.closed_at.is_not(None), o.state.not_in(_ENDED)),
            )
        )
        .order_by(o.order_id)
    )
    for row in rows:
        ref, key = row.order_ref, row.subscription_id
        if (row.closed_at is None) == (row.state in _ENDED):
            wanted = "closed" if row.closed_at is None else "open"
            yield _of("stage_differs", ref, key, wanted, f"order {row.state}")
        elif row.provisioned_at is not None:
            yield _of("provisioned_and_dead", ref, key, "completed", row.state)
        else:
            yield _of("order_dead", ref, key, "ended", row.state)


def arrears(connection: Connection, at: datetime) -> Iterator[Found]:
    """Subscriptions blocked for arrears whose accounts owe nothing past due."""
    b, s, a = m.SubscriptionBlock, m.Subscription, AccountMembership
    blocked = connection.execute(
        select(b.subscription_id, s.account_id, a.subscription_id.label("shares"))
        .join(s, s.subscription_id == b.subscription_id)
        .outerjoin(a, a.subscription_id == s.subscription_id)
        .where(b.reason == "arrears", b.superseded_at.is_(None), b.valid_to.is_(None))
        .distinct()
        .order_by(b.subscription_id)
    ).all()
    own = balances.accounts(connection, {row.account_id for row in blocked})
    for row in blocked:
        if row.shares is not None:
            owed = balances.arrears(connection, row.subscription_id, at)
        else:
            owed = own[row.account_id].arrears(at)
        if not owed:
            yield Found(
                code="arrears_block_without_debt", subject_kind="subscription",
                subject_key=str(row.subscription_id), subscription_id=row.subscription_id,
                expected="no block for arrears", found="blocked, 0 fen past due",
            )  # fmt: skip


def money(connection: Connection, _at: datetime) -> Iterator[Found]:
    """What the ledger's own checks find."""
    for check in MONEY:
        for each in check(connection):
            yield Found(
                code="money_differs", subject_kind=each.entity, subject_key=each.key,
                expected=f"{each.check}: {each.expected_fen} fen", found=f"{each.found_fen} fen",
                advice=(each.repair, each.repair_zh),
            )  # fmt: skip


def expired(connection: Connection, at: datetime) -> Iterator[Found]:
    """Voucher batches that expired and whose money nobody booked."""
    for each in unbooked(connection, at):
        yield Found(
            code="voucher_expiry_unbooked", subject_kind="voucher_batch",
            subject_key=each.batch_ref, expected="0 fen held",
            found=f"{each.face_value_fen} fen held for {each.vouchers} expired vouchers",
        )  # fmt: skip


CHECKS: tuple[Check, ...] = (events, effects, staged, arrears, money, expired)


def _taken_back_at_once(connection: Connection, order: Any) -> bool:
    """Whether a later order ended the block before anybody believed in it: then it has no row."""
    o = m.ProductOrder
    later = connection.execute(
        select(o.order_id)
        .where(
            o.subscription_id == order.subscription_id,
            o.order_id > order.order_id,
            or_(
                o.recorded_at <= order.recorded_at,
                o.completion_date <= order.completion_date,
            ),
        )
        .limit(1)
    )
    return later.first() is not None


def _of(code: str, order_ref: str, subscription_id: int | None, expected: str, found: str) -> Found:
    return Found(
        code=code, subject_kind="order", subject_key=order_ref,
        subscription_id=subscription_id, expected=expected, found=found,
    )  # fmt: skip
