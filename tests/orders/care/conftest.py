"""Fixtures of care: stores of both kinds."""

from tests.orders.support import own_url, sqlite_store, store, url

__all__ = ["own_url", "sqlite_store", "store", "url"]
