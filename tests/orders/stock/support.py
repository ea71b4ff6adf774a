"""What the stock's tests share: files of good cards and handsets, and an open desk."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from stdnum import luhn

from mingdan.orders.access.actor import SYSTEM, Actor
from mingdan.orders.stock.desk import StockDesk
from mingdan.orders.stock.imports import ImportReport
from mingdan.orders.store import OrderStore
from tests.orders.support import at

COUNTER = Actor("counter", "counter", "c1")
HOTLINE = Actor("hotline", "hotline", "h1")


def with_luhn(body: str) -> str:
    return body + luhn.calc_check_digit(body)


def card(serial: int) -> str:
    """A 20-digit ICCID of China Mobile with its check digit."""
    return with_luhn(f"898600{serial:013d}")


def network_id(serial: int) -> str:
    return f"46000{serial:010d}"


def phone(serial: int) -> str:
    """An IMEI with its check digit."""
    return with_luhn(f"86{serial:012d}")


def mobile(serial: int) -> str:
    """A national number."""
    return f"138{serial:08d}"


def table(header: str, *rows: str) -> bytes:
    return ("\n".join((header, *rows)) + "\n").encode()


def numbers(*serials: int) -> bytes:
    return table("number", *(mobile(serial) for serial in serials))


def sims(*serials: int, capacity: int = 32, stk: str = "yes") -> bytes:
    rows = (f"{card(s)},{network_id(s)},{capacity},{stk}" for s in serials)
    return table("iccid,imsi,capacity_k,stk", *rows)


def phones(*serials: int, model: str = "HANDSET_5G") -> bytes:
    return table("imei,model", *(f"{phone(s)},{model}" for s in serials))


def take(
    store: OrderStore, kind: str, content: bytes, *, when: datetime | None = None, **options: Any
) -> ImportReport:
    """Take a file as the system itself."""
    return StockDesk(store).take_file(
        kind, content, f"{kind}.csv", actor=SYSTEM, at=when or at(), **options
    )


def taken(store: OrderStore, kind: str, content: bytes, **options: Any) -> ImportReport:
    """Take a file that must be in order."""
    report = take(store, kind, content, **options)
    assert report.refused == ()
    assert report.accepted
    return report
