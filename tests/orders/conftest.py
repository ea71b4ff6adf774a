"""Fixtures of the order store's own tests."""

from tests.orders.support import sqlite_store, store, url

__all__ = ["sqlite_store", "store", "url"]
