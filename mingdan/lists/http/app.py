"""The partners' service: an ASGI application over an installation.

Here: how its parts hang together. Not here: the paths (`exchange.py`,
`channels.py`), who is let in (`mingdan/orders/http/door.py`) and serving it
(`mingdan serve partners`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import FastAPI

from mingdan.lists.http import channels, exchange
from mingdan.lists.http.service import PartnerService
from mingdan.orders.access.keys import ApiKeys
from mingdan.orders.http.app import assemble
from mingdan.orders.store import OrderStore
from mingdan.settings import Settings


def create_app(
    settings: Settings,
    store: OrderStore,
    pepper: bytes,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> FastAPI:
    """The service over an installation. `pepper`: of the API keys; `clock`: aware instants."""
    service = PartnerService(settings, store, ApiKeys(store, pepper), clock)
    return assemble(
        service,
        title="Mingdan list exchange",
        description=(
            "Lists handed in, releases fetched, questions and receipts, for partners. Every "
            "refusal has a code and says why in English and Chinese (docs/orders.md)."
        ),
        routers=(exchange.router, channels.router),
    )
