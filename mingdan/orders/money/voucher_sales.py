"""Selling vouchers, freezing them, and taking them back.

Here: the states between making and redemption, and the money of a sale. Not
here: whether it may be sold (`businesses/cards.py`) and redemption
(`voucher_redemption.py`).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from mingdan.orders import checks
from mingdan.orders.commands import SellVouchers
from mingdan.orders.journal import Journal
from mingdan.orders.money import ledger, receipts
from mingdan.orders.money.model import Voucher, VoucherBatch
from mingdan.orders.money.voucher_expiry import is_booked
from mingdan.orders.money.voucher_requests import VoucherView
from mingdan.orders.money.voucher_rows import batch_row, move, view
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.reference import load


def sell(journal: Journal, command: SellVouchers, receipt_no: str) -> list[ledger.Leg]:
    """Lowest serials first, under the order's receipt; returns where its money goes.

    What they are worth is held for whoever redeems them. Raises Refused: voucher_stock,
    voucher_expired (what it was worth is booked).
    """
    connection, at, count = journal.connection, journal.at, command.quantity
    batch = batch_row(connection, command.batch_ref, lock=True)
    if is_booked(connection, batch.batch_id):
        raise Refused("voucher_expired", serial=command.batch_ref, at=batch.expires_at)
    serials = _available(connection, batch.batch_id, count)
    if len(serials) < count:
        raise Refused("voucher_stock", available=len(serials), batch_ref=command.batch_ref)
    sold = {"sold_at": at, "sold_for_fen": command.price_fen, "sold_receipt_no": receipt_no}
    reached = machine("voucher").walk("available", "sold")
    journal.update_many(Voucher, serials, state=reached, changed_at=at, **sold)
    face = batch.face_value_fen * count
    return [
        ("discount", 0, command.price_fen * count - face),
        ("voucher", batch.batch_id, face),
    ]


def sold_under(connection: Connection, receipt_no: str) -> tuple[str, ...]:
    """The serials sold under a receipt, ascending."""
    v = Voucher
    found = connection.execute(
        select(v.serial).where(v.sold_receipt_no == receipt_no).order_by(v.serial)
    )
    return tuple(found.scalars())


def void_sold(journal: Journal, receipt_no: str) -> None:
    """Take back every voucher sold under a receipt; those void already are left alone.

    Raises Refused: voucher_state, if one of them is redeemed.
    """
    states = select(Voucher.serial, Voucher.state).where(Voucher.sold_receipt_no == receipt_no)
    found = journal.connection.execute(states.order_by(Voucher.serial)).all()
    for serial, state in found:
        if state == "used":
            raise Refused("voucher_state", serial=serial, state=state)
    for serial, state in found:
        if state != "void":
            turn(journal, serial, "void", "sale taken back")


def turn(journal: Journal, serial: str, target: str | None, reason: str | None) -> VoucherView:
    """Freeze, void, or (`target` None) unfreeze a voucher. Raises Refused."""
    connection = journal.connection
    serial = checks.words("serial", serial)
    v, b = Voucher, VoucherBatch
    of = select(v.batch_id).where(v.serial == serial)
    # Before the voucher, so that a sale never picks one that is just being frozen.
    connection.execute(select(b.batch_id).where(b.batch_id.in_(of)).with_for_update())
    found = connection.execute(
        select(v.state, v.frozen_from, v.sold_receipt_no, v.sold_for_fen, v.batch_id)
        .where(v.serial == serial)
        .with_for_update()
    ).first()
    if found is None:
        raise Refused("unknown_voucher", serial=serial)
    was = found.frozen_from if found.state == "frozen" else found.state
    if target is None and found.state != "frozen":
        raise Refused("voucher_state", serial=serial, state=found.state)
    reached = was if target is None else target
    kept = found.state if reached == "frozen" else None
    move(journal, serial, found.state, reached, reason=reason, frozen_from=kept)
    if reached == "void" and was == "sold":
        _buy_back(journal, serial, found)
    return view(connection, serial, journal.at)


def _buy_back(journal: Journal, serial: str, found: Any) -> None:
    """The price back the way it was paid; its face value is held no longer.

    Once it was booked as expired there is no face value held: the price comes out
    of that revenue.
    """
    connection, price = journal.connection, found.sold_for_fen
    b = VoucherBatch
    face = connection.execute(
        select(b.face_value_fen).where(b.batch_id == found.batch_id)
    ).scalar_one()
    sale = receipts.numbered(connection, found.sold_receipt_no)
    method = "unknown" if sale is None else sale.method
    receipts.issue(
        journal,
        correlator=receipts.internal("void", serial),
        purpose="voucher_refund",
        state="done",
        amount_fen=-price,
        method=load.by("payment_method", "method")[method]["given_back_as"],
        at=journal.at,
        returns=found.sold_receipt_no,
    )
    held = [("voucher", found.batch_id, -face), ("discount", 0, face - price)]
    if is_booked(connection, found.batch_id):
        held = [("expired", 0, -price)]
    legs = [*held, ("cash", 0, price)]
    ledger.book(journal, f"void/{serial}", "void", legs, at=journal.at)


def _available(connection: Connection, batch_id: int, count: int) -> tuple[str, ...]:
    v = Voucher
    free = (
        select(v.serial)
        .where(v.batch_id == batch_id, v.state == "available")
        .order_by(v.serial)
        .limit(count)
        .with_for_update()
    )
    return tuple(connection.execute(free).scalars())
