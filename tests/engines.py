"""Each test opens a store of its own; its statements are compiled once for all of them.

Here: that the databases of one kind share what SQLAlchemy knows of it. Not here: the
stores (`orders/support.py`).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from mingdan.orders import database

_create = database.create_engine
_first: dict[str, Engine] = {}


def _alike(address: Any, **options: Any) -> Engine:
    """An engine with the dialect of the first one that was ever connected, and its cache.

    The cache goes by the dialect, so neither serves without the other; SQLAlchemy has no
    option for it. It takes a fifth off the tests of the order store.
    """
    engine = _create(address, **options)
    first = _first.setdefault(engine.dialect.name, engine)
    if getattr(first.dialect, "server_version_info", None) is not None:
        engine.dialect = first.dialect
        engine._compiled_cache = first._compiled_cache
    else:
        _first[engine.dialect.name] = engine
    return engine


def share() -> None:
    """Let every store opened from now on in this process share."""
    database.create_engine = _alike  # type: ignore[attr-defined, assignment]
