"""Fixtures of the order store's own tests."""

from tests.orders.support import own_url, sqlite_store, store, url

__all__ = ["own_url", "sqlite_store", "store", "url"]
