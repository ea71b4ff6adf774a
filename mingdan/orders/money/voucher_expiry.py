"""Vouchers that expired unredeemed: what was paid for them becomes revenue, once.

Here: booking it batch by batch, and which batches are booked or wait for it. Not
here: that an expired voucher is neither sold nor redeemed (`voucher_sales.py`,
`voucher_redemption.py`) and voiding one afterwards (`voucher_sales.py`).

The clock alone makes a voucher expire; the money moves only when somebody asks
for it. From then on the batch is closed, whatever the clock of a caller says.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Text,
    and_,
    cast,
    func,
    literal,
    or_,
    select,
)

from mingdan.orders.journal import Journal
from mingdan.orders.money import ledger
from mingdan.orders.money.model import MoneyTransaction, Voucher, VoucherBatch
from mingdan.orders.money.voucher_requests import Expired

KIND = "expire"


def book_expired(journal: Journal, as_of: datetime) -> list[Expired]:
    """Book every batch that expired by `as_of` and is not booked, by its reference.

    Idempotent: a batch is booked once. What it was sold for becomes revenue as of
    the batch's end; the discount is taken back with the face value.
    """
    connection, b = journal.connection, VoucherBatch
    batches = connection.execute(
        select(b.batch_id, b.batch_ref, b.face_value_fen, b.expires_at)
        .where(*_due(as_of))
        .order_by(b.batch_id)
        .with_for_update()
    ).all()
    done = [_book(journal, batch) for batch in batches if not is_booked(connection, batch.batch_id)]
    return sorted((each for each in done if each), key=lambda each: each.batch_ref)


def is_booked(connection: Connection, batch_id: int) -> bool:
    """Whether the batch's expired vouchers are booked: nothing of it is sold or redeemed."""
    found = select(MoneyTransaction.kind).where(MoneyTransaction.transaction_ref == _ref(batch_id))
    return connection.execute(found).first() is not None


def unbooked(connection: Connection, as_of: datetime) -> list[Expired]:
    """Batches that expired by `as_of` whose money nobody booked yet, by their reference."""
    b, v = VoucherBatch, Voucher
    count = func.count()
    rows = connection.execute(
        select(
            b.batch_ref,
            b.expires_at,
            count.label("vouchers"),
            cast(count * b.face_value_fen, BigInteger).label("face_value_fen"),
            cast(func.sum(v.sold_for_fen), BigInteger).label("paid_fen"),
        )
        .join(v, v.batch_id == b.batch_id)
        .where(*_due(as_of), open_voucher())
        .group_by(b.batch_id, b.batch_ref, b.expires_at, b.face_value_fen)
        .order_by(b.batch_ref)
    )
    return [Expired(**row) for row in rows.mappings()]


def open_voucher() -> ColumnElement[bool]:
    """Sold and neither redeemed nor void, frozen or not."""
    v = Voucher
    return or_(v.state == "sold", and_(v.state == "frozen", v.frozen_from == "sold"))


def booked_batch() -> ColumnElement[bool]:
    """Whether the batch of a row is booked; for statements over `voucher_batch`."""
    refs = select(MoneyTransaction.transaction_ref).where(MoneyTransaction.kind == KIND)
    return (literal(f"{KIND}/", Text) + cast(VoucherBatch.batch_id, Text)).in_(refs)


def _book(journal: Journal, batch: Any) -> Expired | None:
    v = Voucher
    paid = (
        journal.connection.execute(
            select(v.sold_for_fen)
            .where(v.batch_id == batch.batch_id, open_voucher())
            .order_by(v.serial)
            .with_for_update()
        )
        .scalars()
        .all()
    )
    if not paid:
        return None
    face, price = len(paid) * batch.face_value_fen, sum(fen or 0 for fen in paid)
    legs = [
        ("voucher", batch.batch_id, -face),
        ("discount", 0, face - price),
        ("expired", 0, price),
    ]
    ledger.book(journal, _ref(batch.batch_id), KIND, legs, at=batch.expires_at)
    return Expired(
        batch_ref=batch.batch_ref,
        expires_at=batch.expires_at,
        vouchers=len(paid),
        face_value_fen=face,
        paid_fen=price,
    )


def _due(as_of: datetime) -> tuple[ColumnElement[bool], ...]:
    return (VoucherBatch.expires_at <= as_of, ~booked_batch())


def _ref(batch_id: int) -> str:
    return f"{KIND}/{batch_id}"
