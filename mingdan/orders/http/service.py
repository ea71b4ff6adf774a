"""What every path of the service needs at hand.

Here: the store, its desks, the clock, and who is asking. Not here: the paths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader

from mingdan.orders.access.actor import Actor
from mingdan.orders.access.keys import ApiKeys
from mingdan.orders.http import docs_page
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.offers.customers import CustomerDesk
from mingdan.orders.store import OrderStore

OPEN_PATHS = docs_page.PATHS | {"/health", "/openapi.json"}
"""Of any service: what it is and that it is there."""
API_KEY = APIKeyHeader(
    name="X-API-Key",
    auto_error=False,
    description="The key of your interface number (`mingdan interface key create`).",
)


@dataclass(frozen=True)
class Service:
    """An open store with its desks; `clock` gives aware instants."""

    store: OrderStore
    desk: OrderDesk
    customers: CustomerDesk
    keys: ApiKeys
    clock: Callable[[], datetime]

    def caller(self, actor: Actor, at: datetime) -> Caller:
        """Who asks, as the paths are handed it."""
        return Caller(self, actor, at)

    def longest(self, path: str, at: datetime) -> int:
        """The most bytes a request may have, whatever its path."""
        most: int = self.store.policy.at("request_longest_bytes", at)
        return most

    def needs_no_key(self, path: str) -> bool:
        """Whether anybody may ask for `path`."""
        return path in OPEN_PATHS


@dataclass(frozen=True)
class Caller:
    """Who asks, at which instant, of which service. The door has let him in."""

    service: Service
    actor: Actor
    at: datetime


def _caller(request: Request, _key: Annotated[str | None, Depends(API_KEY)]) -> Caller:
    found: Caller = request.scope["mingdan.caller"]
    return found


Asking = Annotated[Caller, Depends(_caller)]
