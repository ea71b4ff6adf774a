"""Receipts: money that changed hands at a desk, once for each correlator.

Here: issuing one, and what makes a second request the same. Not here: what the
money is for (`tills.py`, `accounts.py`, `vouchers.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

from sqlalchemy import Connection, select

from mingdan.calendar import business_day
from mingdan.orders import checks, finding
from mingdan.orders.journal import Journal
from mingdan.orders.money.model import Receipt
from mingdan.orders.refusals import Refused
from mingdan.reference import load

CURRENCY = "CNY"
_INTERNAL = "mingdan:"
"""Begins the correlators the store gives itself."""
_UNTAKEN = frozenset({"voucher", "unknown"})
"""Ways a payment is on record with, but nobody hands money over."""


@dataclass(frozen=True)
class Issued:
    """A receipt as it is on record; `amount_fen` below zero is money given back."""

    receipt_no: str
    correlator: str
    purpose: str
    state: str
    amount_fen: int
    method: str
    order_id: int | None
    account_id: int | None
    payer_party_id: int | None
    returns: str | None
    issued_at: datetime


def money(amount_fen: object, currency: object = CURRENCY) -> int:
    """A positive amount of fen in the one currency there is. Raises Refused."""
    if currency != CURRENCY:
        raise Refused("currency_not_accepted", currency=checks.words("currency", currency)[:20])
    return checks.amount("amount_fen", amount_fen)


def correlator(value: object) -> str:
    """A caller's number of a payment. Raises Refused."""
    text = checks.words("correlator", value)
    if text.startswith(_INTERNAL):
        raise Refused("invalid_value", field="correlator", problem=f"begins with {_INTERNAL}")
    return text


def internal(*parts: object) -> str:
    """A correlator of the store's own; a long caller's one in it is shortened to its digest."""
    text = _INTERNAL + ":".join(str(part) for part in parts)
    if len(text) <= checks.LONGEST:
        return text
    return _INTERNAL + blake2b(text.encode(), digest_size=24).hexdigest()


def method(value: object) -> str:
    """A way to pay (`reference/payment_method.csv`). Raises Refused."""
    known = frozenset(load.by("payment_method", "method")) - _UNTAKEN
    return checks.one_of("method", value, known)


def find(connection: Connection, wanted: str) -> Issued | None:
    """The receipt of a correlator."""
    rows = finding.find(connection, _by_correlator, [wanted])
    return Issued(*rows[0]) if rows else None


def _by_correlator(among: finding.Among) -> finding.Query:
    return select(*Receipt.__table__.columns).where(among(Receipt.correlator))


def numbered(connection: Connection, receipt_no: str) -> Issued | None:
    """The receipt of a number."""
    row = connection.execute(
        select(Receipt.__table__).where(Receipt.receipt_no == receipt_no)
    ).first()
    return None if row is None else Issued(*row)


def issue(
    journal: Journal,
    *,
    correlator: str,
    purpose: str,
    state: str,
    amount_fen: int,
    method: str,
    at: datetime,
    order_id: int | None = None,
    account_id: int | None = None,
    payer_party_id: int | None = None,
    returns: str | None = None,
    last: bool = False,
) -> Issued | None:
    """Write a receipt; None if its correlator has one already, perhaps just now by another writer.

    Whoever gets None asks `find` and `agree`; with `last`, he raises (`Journal.insert_last`).
    """
    receipt = Issued(
        receipt_no=number(correlator, at),
        correlator=correlator,
        purpose=purpose,
        state=state,
        amount_fen=amount_fen,
        method=method,
        order_id=order_id,
        account_id=account_id,
        payer_party_id=payer_party_id,
        returns=returns,
        issued_at=at.astimezone(UTC),
    )
    insert = journal.insert_last if last else journal.insert_first
    return receipt if insert(Receipt, **vars(receipt)) else None


def agree(found: Issued | None, **asked: object) -> Issued:
    """The receipt already there, if it is for what is asked for. Raises Refused."""
    if found is None:
        raise LookupError("no receipt to agree with")
    if any(getattr(found, name) != value for name, value in asked.items()):
        raise Refused("correlator_reused", correlator=found.correlator)
    return found


def number(correlator: str, at: datetime) -> str:
    """The number of a correlator's receipt issued at `at`."""
    mark = blake2b(correlator.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()
    return f"R{business_day(at):%Y%m%d}-{mark}"
