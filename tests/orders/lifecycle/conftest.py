"""Fixtures of the order desk's tests."""

from __future__ import annotations

import pytest

from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.store import OrderStore
from tests.orders.support import sqlite_store, store, url

__all__ = ["desk", "sqlite_store", "store", "url"]


@pytest.fixture
def desk(store: OrderStore) -> OrderDesk:
    """The order desk of a fresh store of each kind."""
    return OrderDesk(store)
