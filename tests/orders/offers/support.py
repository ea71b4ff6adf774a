"""What the tests of offers share: a subscription with a SIM stock knows, and its features.

Here: makers only. Not here: fixtures (`tests/orders/support.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import text

from mingdan.orders.commands import ChangeFeature
from mingdan.orders.journal import Journal
from mingdan.orders.model import SimCard
from mingdan.orders.store import OrderStore
from tests.orders.support import at, done, iccid, imsi, opening, order


def card(store: OrderStore, serial: int, *, capacity_k: int = 32, stk: bool = True) -> None:
    """A SIM in stock."""
    with store.database.writing() as connection:
        Journal(connection, at(-1), "test").insert(
            SimCard,
            iccid=iccid(serial),
            imsi=imsi(serial),
            state="in_stock",
            changed_at=at(-1),
            capacity_k=capacity_k,
            stk=stk,
        )


def opened(store: OrderStore, serial: int = 1, *, stk: bool = True, **values: Any) -> None:
    """Subscription `S<serial>`, since `at()`, on a 32K card of stock."""
    card(store, serial, stk=stk)
    done(store, opening(serial, **values))


def features(store: OrderStore, ref: str, when: datetime, **change: tuple[str, ...]) -> None:
    """A change of features that must be carried out."""
    done(store, order(ChangeFeature, f"{ref}-{when}", when, subscription_ref=ref, **change))


def believed(store: OrderStore, table: str, column: str) -> list[tuple[Any, ...]]:
    """The rows now believed of a bitemporal table of offers, in order."""
    statement = text(
        f"SELECT {column}, valid_from, valid_to FROM {table}"  # noqa: S608
        " WHERE superseded_at IS NULL ORDER BY valid_from"
    )
    with store.database.reading() as connection:
        return [tuple(row) for row in connection.execute(statement)]
