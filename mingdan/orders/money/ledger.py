"""The ledger: double entry, so that money is never created or lost.

Here: booking one transaction and reading a ledger account. Not here: which
entries a business makes (`facts.py`, `tills.py`, `vouchers.py`) and the proof
that they agree with the facts (`reconcile.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, cast, func, select

from mingdan.orders.journal import Journal
from mingdan.orders.money.model import AccountEntry, MoneyTransaction
from mingdan.reference import load

Leg = tuple[str, int, int]
"""Ledger account, whose (`reference/ledger.csv`), and fen into (+) or out of (-) it."""


def book(
    journal: Journal,
    ref: str,
    kind: str,
    legs: Sequence[Leg],
    *,
    at: datetime,
    order_id: int | None = None,
) -> None:
    """Book a transaction named `ref`; each name once.

    Raises ValueError if the legs do not sum to zero or name no ledger account,
    which is a mistake of the program; the databases refuse it too.
    """
    books = {ref: (kind, legs)}
    moved = entries(books)
    if not moved:
        return
    journal.insert_many(
        AccountEntry, ("transaction_ref", "leg_no", "ledger", "key", "amount_fen"), moved
    )
    journal.insert_many(
        MoneyTransaction,
        ("transaction_ref", "kind", "order_id", "effective_at", "recorded_at"),
        transactions(books, order_id=order_id, at=at, recorded_at=journal.at),
    )


Books = Mapping[str, tuple[str, Sequence[Leg]]]
"""Transactions: name -> kind and legs."""
Row = tuple[Any, ...]


def entries(books: Books) -> list[Row]:
    """Rows of `account_entry`, to be written before their transactions. Raises as `book` does."""
    known = load.by("ledger", "ledger")
    found: list[Row] = []
    for ref, (_, legs) in books.items():
        moved = [leg for leg in legs if leg[2]]
        if sum(fen for _, _, fen in moved) or any(name not in known for name, _, _ in moved):
            raise ValueError(f"{ref}: entries do not balance: {moved}")
        found.extend((ref, no, *leg) for no, leg in enumerate(moved, start=1))
    return found


def transactions(
    books: Books, *, order_id: int | None, at: datetime, recorded_at: datetime
) -> list[Row]:
    """Rows of `money_transaction`, which close those that move anything: nothing can be added."""
    return [
        (ref, kind, order_id, at.astimezone(UTC), recorded_at)
        for ref, (kind, legs) in books.items()
        if any(fen for _, _, fen in legs)
    ]


def balance(connection: Connection, ledger: str, key: int | None = None) -> int:
    """Fen on a ledger account; without `key`, on all of its kind."""
    e = AccountEntry
    total = select(cast(func.coalesce(func.sum(e.amount_fen), 0), BigInteger)).where(
        e.ledger == ledger
    )
    if key is not None:
        total = total.where(e.key == key)
    return int(connection.execute(total).scalar_one())
