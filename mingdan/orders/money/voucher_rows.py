"""Vouchers and batches as rows: reading, locking, moving from state to state.

Here: what the voucher businesses share. Not here: the businesses
(`voucher_batches.py`, `voucher_sales.py`, `voucher_redemption.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from mingdan.orders.journal import Journal
from mingdan.orders.money.model import Voucher, VoucherBatch
from mingdan.orders.money.voucher_requests import BatchView, VoucherView
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine


def batch_row(connection: Connection, batch_ref: str, *, lock: bool = False) -> Any:
    """A batch; `lock`: sales and changes of its vouchers come one after the other."""
    b = VoucherBatch
    wanted = select(b.batch_id, b.face_value_fen, b.validity_days, b.quantity, b.expires_at)
    wanted = wanted.where(b.batch_ref == batch_ref)
    row = connection.execute(wanted.with_for_update() if lock else wanted).first()
    if row is None:
        raise Refused("unknown_voucher_batch", batch_ref=batch_ref)
    return row


def move(journal: Journal, serial: str, was: str, reached: str, **values: Any) -> None:
    """One step of a voucher's state machine. Raises Refused(voucher_state) if it has none."""
    if reached not in machine("voucher").next[was]:
        raise Refused("voucher_state", serial=serial, state=was)
    journal.update(Voucher, serial, state=reached, changed_at=journal.at, **values)


def view(connection: Connection, serial: str, at: datetime) -> VoucherView:
    """One voucher as of `at`. Raises Refused(unknown_voucher)."""
    v, b = Voucher, VoucherBatch
    row = connection.execute(
        select(v.state, v.sold_at, v.used_at, v.reason, b.batch_ref, b.face_value_fen, b.expires_at)
        .join(b, b.batch_id == v.batch_id)
        .where(v.serial == serial)
    ).first()
    if row is None:
        raise Refused("unknown_voucher", serial=serial)
    return VoucherView(
        serial=serial,
        batch_ref=row.batch_ref,
        state=_as_of(row.state, row.expires_at, at),
        face_value_fen=row.face_value_fen,
        expires_at=row.expires_at,
        sold_at=row.sold_at,
        used_at=row.used_at,
        reason=row.reason,
    )


def batch_view(connection: Connection, batch_ref: str, at: datetime) -> BatchView:
    """A batch as of `at`. Raises Refused(unknown_voucher_batch)."""
    batch = batch_row(connection, batch_ref)
    v = Voucher
    counted = connection.execute(
        select(v.state, func.count())
        .where(v.batch_id == batch.batch_id)
        .group_by(v.state)
        .order_by(v.state)
    )
    counts: dict[str, int] = {}
    for state, number in counted:
        shown = _as_of(state, batch.expires_at, at)
        counts[shown] = counts.get(shown, 0) + number
    return BatchView(
        batch_ref=batch_ref,
        face_value_fen=batch.face_value_fen,
        validity_days=batch.validity_days,
        quantity=batch.quantity,
        expires_at=batch.expires_at,
        states=counts,
    )


def _as_of(state: str, expires_at: datetime, at: datetime) -> str:
    over = at >= expires_at and state not in machine("voucher").final
    return "expired" if over else state
