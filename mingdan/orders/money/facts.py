"""Ledger entries of the facts that orders write: bills, payments, refunds.

Here: which ledger accounts such a fact moves money between. Not here: entries of
the desk and the till (`ledger.py`) and the facts themselves (`businesses`).

A bill takes from the customer's ledger account what becomes revenue, a payment
brings cash into it, a refund gives it out again.
"""

from __future__ import annotations

from typing import Any

Row = tuple[Any, ...]


def booked(
    bills: list[Row], payments: list[Row], refunds: list[Row]
) -> tuple[list[Row], list[Row]]:
    """Entries and transactions of new rows, in the order of columns `flush.py` writes them."""
    entries: list[Row] = []
    transactions: list[Row] = []

    def book(kind: str, row: Row, out: tuple[str, int], into: tuple[str, int], fen: int) -> None:
        account_id, order_id = row[0], row[1]
        ref = f"{kind}/{order_id}/{account_id}"
        entries.append((ref, 1, *out, -fen))
        entries.append((ref, 2, *into, fen))
        recorded_at = row[-1]
        effective_at = row[3] if kind == "bill" else row[-2]
        transactions.append((ref, kind, order_id, effective_at, recorded_at))

    for row in bills:
        book("bill", row, ("customer", row[0]), ("revenue", 0), row[2])
    for row in payments:
        book("payment", row, ("cash", 0), ("customer", row[0]), row[2])
    for row in refunds:
        book("refund", row, ("customer", row[0]), ("cash", 0), row[3])
    return entries, transactions
