"""The door of the service: before a request's body is read, who sends it, how often, how large.

Here: an ASGI layer around a whole service, of orders or of partners' lists. Not
here: what an interface may do (the gate, asked by each path).

Nothing of a request goes to the log but its method, the path's pattern, the
interface number, the status and the time it took; of a failure its kind and
where in the program it arose, as messages of a database hold values.
"""

from __future__ import annotations

import logging
import secrets
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from anyio.to_thread import run_sync
from fastapi.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mingdan.errors import Busy
from mingdan.orders.access import rates
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.keys import ApiKeys
from mingdan.orders.http import problems
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore

LOG = logging.getLogger("mingdan.orders.http")
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)


@dataclass
class _Visit:
    """One request on its way through."""

    status: int = 0
    interface_no: str = "-"
    limit: int = 0
    received: int = 0
    begun: float = field(default_factory=time.monotonic)


class Entrance(Protocol):
    """What a door needs of the service behind it."""

    @property
    def store(self) -> OrderStore: ...

    @property
    def keys(self) -> ApiKeys: ...

    @property
    def clock(self) -> Callable[[], datetime]: ...

    def caller(self, actor: Actor, at: datetime) -> object:
        """What the paths are handed of who asks."""

    def longest(self, path: str, at: datetime) -> int:
        """The most bytes a request to `path` may have."""

    def needs_no_key(self, path: str) -> bool:
        """Whether anybody may ask for `path`."""


class Door:
    """Lets requests in that bear a valid key, keep to their rate and are small enough."""

    def __init__(self, app: ASGIApp, service: Entrance) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = _Visit()

        async def counted() -> Message:
            message = await receive()
            visit.received += len(message.get("body", b""))
            if visit.received > visit.limit:
                raise Refused("request_too_large", limit=visit.limit)
            return message

        async def answering(message: Message) -> None:
            if message["type"] == "http.response.start":
                visit.status = message["status"]
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        try:
            await run_sync(self._enter, scope, visit)
            await self._app(scope, counted, answering)
        except Refused as refused:
            await self._answer(problems.answer(refused), visit, scope, receive, answering)
        except Busy:
            busy = problems.answer(Refused("store_busy"))
            await self._answer(busy, visit, scope, receive, answering)
        except Exception as error:
            number = secrets.token_hex(4)
            LOG.error("failure %s: %s", number, _where(error))
            failed = problems.answer(Refused("service_failed", request_id=number))
            await self._answer(failed, visit, scope, receive, answering)
        finally:
            LOG.info(
                "%s %s interface=%s status=%d ms=%d",
                scope["method"],
                getattr(scope.get("route"), "path", "-"),
                visit.interface_no,
                visit.status,
                (time.monotonic() - visit.begun) * 1000,
            )

    def _enter(self, scope: Scope, visit: _Visit) -> None:
        service = self._service
        at = service.clock()
        visit.limit = service.longest(scope["path"], at)
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if not service.needs_no_key(scope["path"]):
            database = service.store.database
            key = headers.get(b"x-api-key", b"").decode("latin-1")
            with database.reading() as connection:
                actor = service.keys.bearer(connection, key, at)
            if actor is None:
                raise Refused("unauthenticated")
            visit.interface_no = actor.interface_no
            with database.writing() as connection:
                # it may have waited for other writers, which is no fault of the sender's
                at = service.clock()
                rates.take(connection, actor.interface_no, at)
            scope["mingdan.caller"] = service.caller(actor, at)
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > visit.limit:
            raise Refused("request_too_large", limit=visit.limit)

    @staticmethod
    async def _answer(
        response: Response, visit: _Visit, scope: Scope, receive: Receive, send: Send
    ) -> None:
        # once an answer has begun it cannot be another
        if visit.status == 0:
            await response(scope, receive, send)


def _where(error: BaseException) -> str:
    frames: list[Any] = traceback.extract_tb(error.__traceback__)[-3:]
    places = " < ".join(f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno}" for f in reversed(frames))
    return f"{type(error).__name__} at {places}"
