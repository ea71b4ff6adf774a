"""Voucher batches: made here with their PINs, or imported whole.

Here: what makes a batch. Not here: PINs and files (`pins.py`), and what becomes
of its vouchers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select

from mingdan.orders import checks
from mingdan.orders.finding import Among, Query, find
from mingdan.orders.journal import Journal
from mingdan.orders.money import pins
from mingdan.orders.money.model import Voucher, VoucherBatch
from mingdan.orders.money.voucher_requests import BatchRequest
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.store import OrderStore

LONGEST_TERM_DAYS = 36_500


def make(
    store: OrderStore, journal: Journal, pepper: bytes, request: BatchRequest, out: Path
) -> Path:
    """A batch with new PINs; returns the file that holds them, to be renamed after the commit."""
    batch_id = _batch(store, journal, request, request.quantity)
    made = [
        (pins.new_serial(batch_id, number), pins.new_pin())
        for number in range(1, request.quantity + 1)
    ]
    _add(journal, batch_id, [(serial, pins.digest(pepper, pin)) for serial, pin in made])
    return pins.write(out, made)


def take_in(
    store: OrderStore, journal: Journal, pepper: bytes, request: BatchRequest, file: Path
) -> None:
    """A batch made elsewhere, all of it or nothing."""
    rows = [(line, serial, pins.digest(pepper, pin)) for line, serial, pin in pins.read(file)]
    batch_id = _batch(store, journal, request, len(rows))
    _unique(journal, rows)
    _add(journal, batch_id, [(serial, mac) for _, serial, mac in rows])


def _batch(store: OrderStore, journal: Journal, request: BatchRequest, quantity: int) -> int:
    ref = checks.words("batch_ref", request.batch_ref)
    face = checks.amount("face_value_fen", request.face_value_fen)
    expires = checks.instant("expires_at", request.expires_at)
    most = int(store.policy.at("voucher_batch_most", journal.at))
    for name, value, limit in (
        ("quantity", quantity, most),
        ("validity_days", request.validity_days, LONGEST_TERM_DAYS),
    ):
        if type(value) is not int or not 0 < value <= limit:
            raise Refused("invalid_value", field=name, problem=f"is not 1 to {limit:,}")
    if expires <= journal.at:
        raise Refused("invalid_value", field="expires_at", problem="is over")
    # Two batches of one name or with one PIN at once: the second waits here.
    store.database.lock(journal.connection, "resources", ["voucher_batches"])
    b = VoucherBatch
    taken = select(b.batch_id).where(b.batch_ref == ref)
    if journal.connection.execute(taken).first() is not None:
        raise Refused("voucher_batch_exists", batch_ref=ref)
    key = journal.insert(
        VoucherBatch,
        batch_ref=ref,
        face_value_fen=face,
        validity_days=request.validity_days,
        quantity=quantity,
        expires_at=expires,
        made_at=journal.at,
    )
    return int(key)


def _add(journal: Journal, batch_id: int, made: Sequence[tuple[str, str]]) -> None:
    first = machine("voucher").walk(None, "available")
    journal.insert_many(
        Voucher,
        ("serial", "batch_id", "pin_mac", "state", "changed_at"),
        [(serial, batch_id, mac, first, journal.at) for serial, mac in made],
    )


def _unique(journal: Journal, rows: Sequence[tuple[int, str, str]]) -> None:
    """Refuse a serial or PIN that the file has twice or the store already."""
    known = {
        row[0]
        for make, keys in (
            (_serials, [serial for _, serial, _ in rows]),
            (_macs, [mac for _, _, mac in rows]),
        )
        for row in find(journal.connection, make, set(keys))
    }
    for line, serial, mac in rows:
        if {serial, mac} & known:
            raise Refused("voucher_duplicate", line=line)
        known |= {serial, mac}


def _serials(among: Among) -> Query:
    return select(Voucher.serial).where(among(Voucher.serial))


def _macs(among: Among) -> Query:
    return select(Voucher.pin_mac).where(among(Voucher.pin_mac))
