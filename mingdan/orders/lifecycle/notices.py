"""Notices: the messages an order gives rise to, in an outbox of their own.

Here: writing them from dated templates (`reference/notice_template.csv`), giving
them to a gateway, and showing them masked. Not here: sending.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, select

from mingdan.calendar import BUSINESS_ZONE, business_day
from mingdan.identifiers import mask_number
from mingdan.orders import model as m
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle.attempts import Attempt
from mingdan.orders.lifecycle.model import Notice
from mingdan.reference import load


@dataclass(frozen=True)
class NoticeView:
    """A notice; recipient and numbers are masked unless it was taken for sending."""

    notice_id: int
    order_ref: str
    recipient: str
    template: str
    text: str
    created_at: datetime
    sent_at: datetime | None


def write(journal: Journal, done: Attempt) -> None:
    """Write the notice of a completed order, if its type has one and a number to send it to."""
    template = _template(done.order_type, business_day(journal.at).isoformat())
    if template is None or done.number is None or done.subscription is None:
        return
    code, text = template
    offering = load.by("product", "code").get(done.subscription.product_code)
    journal.insert(
        Notice,
        order_id=done.work.order_id,
        recipient=done.number,
        template=code,
        text=text.format(
            msisdn=_dialled(done.number),
            product=offering["name_zh"] if offering else done.subscription.product_code,
            at=f"{journal.at.astimezone(BUSINESS_ZONE):%Y-%m-%d %H:%M}",
        ),
        created_at=journal.at,
        sent_at=None,
    )


def shown(connection: Connection, order_ref: str) -> list[NoticeView]:
    """The notices of an order, masked."""
    return [
        NoticeView(
            each.notice_id,
            each.order_ref,
            mask_number(each.recipient),
            each.template,
            each.text.replace(_dialled(each.recipient), mask_number(each.recipient)),
            each.created_at,
            each.sent_at,
        )
        for each in _read(connection, m.ProductOrder.order_ref == order_ref, limit=100)
    ]


def take(journal: Journal, limit: int) -> list[NoticeView]:
    """Up to `limit` notices not sent yet, in clear, marked as sent at the journal's instant."""
    rows = _read(journal.connection, Notice.sent_at.is_(None), limit=limit, lock=True)
    for each in rows:
        journal.update(Notice, each.notice_id, sent_at=journal.at)
    return [
        NoticeView(e.notice_id, e.order_ref, e.recipient, e.template, e.text, e.created_at,
                   journal.at)
        for e in rows
    ]  # fmt: skip


def _read(connection: Connection, where: object, *, limit: int, lock: bool = False) -> list[_Row]:
    n, o = Notice, m.ProductOrder
    statement = (
        select(n.notice_id, o.order_ref, n.recipient, n.template, n.text, n.created_at, n.sent_at)
        .join(o, o.order_id == n.order_id)
        .where(where)  # type: ignore[arg-type]
        .order_by(n.notice_id)
        .limit(limit)
    )
    if lock:
        # Two gateways never take the same notice.
        statement = statement.with_for_update(of=n, skip_locked=True)
    return [_Row(*row) for row in connection.execute(statement)]


@dataclass(frozen=True)
class _Row:
    notice_id: int
    order_ref: str
    recipient: str
    template: str
    text: str
    created_at: datetime
    sent_at: datetime | None


@cache
def _template(order_type: str, day: str) -> tuple[str, str] | None:
    found = [
        row
        for row in load.rows("notice_template")
        if row["order_type"] == order_type and row["valid_from"] <= day
    ]
    latest = max(found, key=lambda row: row["valid_from"], default=None)
    return None if latest is None else (latest["code"], latest["text"])


def _dialled(number: str) -> str:
    """As customers write it, without the country code."""
    return number[2:] if len(number) > 11 and number.startswith("86") else number
