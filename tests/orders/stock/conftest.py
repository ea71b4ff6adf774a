"""Fixtures of the stock's tests."""

from tests.orders.support import own_url, sqlite_store, store, url

__all__ = ["own_url", "sqlite_store", "store", "url"]
