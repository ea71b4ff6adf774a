"""The order-intake service: an ASGI application over an open order store.

Here: how its parts hang together. Not here: the paths (`product_orders.py`,
`reservations.py`), the page about them (`docs_page.py`), who is let in (`door.py`)
and serving it (`mingdan serve orders`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy import text
from starlette.exceptions import HTTPException

from mingdan.orders.access.keys import ApiKeys
from mingdan.orders.http import docs_page, problems, product_orders, reservations
from mingdan.orders.http.answers import Health
from mingdan.orders.http.door import Door, Entrance
from mingdan.orders.http.service import Service
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.offers.customers import CustomerDesk
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore

THREADS = 12
"""Requests at work at once: fewer than the connections an engine gives out (15)."""


def create_app(
    store: OrderStore,
    pepper: bytes,
    *,
    password_pepper: bytes,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> FastAPI:
    """The service over `store`.

    `pepper`: of the API keys; `password_pepper`: of the customers' passwords;
    `clock`: aware instants.
    """
    customers = CustomerDesk(store, password_pepper)
    service = Service(store, OrderDesk(store), customers, ApiKeys(store, pepper), clock)
    return assemble(
        service,
        title="Mingdan order intake",
        description=(
            "Orders and reservations in the shapes of TMF622 and TMF685. Every refusal has a "
            "code and says why in English and Chinese (docs/orders.md)."
        ),
        routers=(product_orders.router, reservations.router),
    )


def assemble(
    service: Entrance, *, title: str, description: str, routers: Iterable[APIRouter]
) -> FastAPI:
    """A service behind the door, with its refusals, its page and its health."""
    app = FastAPI(
        title=title,
        version=version("mingdan"),
        description=description,
        # `docs_page.py`: theirs take their scripts from another machine
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        lifespan=_few_threads,
        responses={},
    )
    app.state.service = service
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _other)
    app.add_middleware(Door, service=service)
    for router in (*routers, docs_page.router):
        app.include_router(router)

    @app.get("/health", tags=["health"], responses=problems.documented(503))
    def health() -> Health:
        """Whether the service and its order store answer; needs no key."""
        with service.store.database.reading() as connection:
            connection.execute(text("SELECT 1"))
        return Health(status="pass")

    return app


@asynccontextmanager
async def _few_threads(_app: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = THREADS
    yield


def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 - registered for it
    return problems.answer(error)


def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    return problems.answer(problems.invalid(error))


def _other(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    if isinstance(error.__cause__, Refused):
        # the door refused while the body was being read
        return problems.answer(error.__cause__)
    codes = {404: "unknown_resource", 405: "method_not_allowed"}
    if error.status_code in codes:
        answer = problems.answer(Refused(codes[error.status_code]))
    else:
        answer = problems.answer(Refused("invalid_value", field="body", problem="cannot be read"))
    answer.headers.update(error.headers or {})
    return answer
