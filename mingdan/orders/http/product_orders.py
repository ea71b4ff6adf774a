"""`/productOrder`: placing, paying, cancelling and looking up orders (TMF622).

Here: the paths. Not here: what an order does (`mingdan.orders.lifecycle`).

An order's id is `<interface number>:<externalId>`, so that two partners' names
never meet. A partner sees its own orders only; another's does not exist for it.
"""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Header, Query, Response
from fastapi import Path as PathPart
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from sqlalchemy import Connection

from mingdan.orders import checks
from mingdan.orders.access import gate, log, rules
from mingdan.orders.access.offer_requests import may_sell
from mingdan.orders.http import reads, reservations
from mingdan.orders.http.answers import OrderState, ProductOrder, ProductOrderDetail
from mingdan.orders.http.customer_requests import CustomerOrder
from mingdan.orders.http.order_base import Order
from mingdan.orders.http.order_examples import examples
from mingdan.orders.http.order_requests import ProductOrderCreate
from mingdan.orders.http.problems import every_path
from mingdan.orders.http.requests import Reference, Shape, Text
from mingdan.orders.http.service import Asking, Caller
from mingdan.orders.lifecycle import acceptance, views
from mingdan.orders.lifecycle.acceptance import Acceptance
from mingdan.orders.lifecycle.views import OrderView
from mingdan.orders.naming import named
from mingdan.orders.offers.customers import BUSINESSES
from mingdan.orders.refusals import Refused

router = APIRouter(tags=["productOrder"])
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$",
        description="Send it again to retry: the same request is done once.",
    ),
]
OrderId = Annotated[
    str, PathPart(alias="id", min_length=1, max_length=200, examples=["88001:order-17"])
]
Purpose = Annotated[
    str | None,
    Header(
        alias="X-Purpose",
        min_length=4,
        max_length=200,
        pattern=r"^[ -~]+$",
        description="Why you look; without it personal data stay masked for every role.",
    ),
]


class TotalAmount(Shape):
    unit: Literal["CNY"]
    fen: Annotated[int, Field(gt=0, le=10**12)]


class PaymentCreate(Shape):
    """TMF676. `correlator_id` is your own number of the payment: it is taken once."""

    correlator_id: Reference
    total_amount: TotalAmount
    payment_method: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")] = "cash"


class CancelProductOrder(Shape):
    """TMF622 CancelProductOrder."""

    cancellation_reason: Text


class Listing(BaseModel):
    """What a list of orders may be narrowed by; a misspelt name is not passed over."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    state: OrderState | None = None
    idempotency_key: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    offset: Annotated[int, Field(ge=0, le=100_000)] = 0
    limit: Annotated[int, Field(ge=1, le=100)] = 20


@router.post(
    "/productOrder",
    status_code=201,
    responses={
        200: {"model": ProductOrder, "description": "Placed before"},
        # 404: the reservation it names
        **every_path(404, 409),
    },
    summary="Place an order (受理)",
)
def place(
    asking: Asking,
    order: Annotated[ProductOrderCreate, Body(openapi_examples=examples())],
    key: IdempotencyKey,
    response: Response,
) -> ProductOrder:
    """All checks are made now; what the order needs is held until `validUntil`.

    It is carried out once it is paid for and provisioned.
    """
    view = _place(asking, order, key)
    response.status_code = 200 if view.repeated else 201
    response.headers["Location"] = f"/productOrder/{view.order_ref}"
    return ProductOrder.of(view)


def _place(asking: Caller, order: ProductOrderCreate, key: str) -> OrderView:
    actor, at, store = asking.actor, asking.at, asking.service.store
    ref = f"{actor.interface_no}:{order.external_id or uuid.uuid4().hex}"
    if isinstance(order, CustomerOrder):
        return _change(asking, order, ref, key)
    command = order.command(ref, actor.interface_no, at)
    keys = named([command])
    with store.database.writing() as connection:
        gate.allow(connection, actor=actor, business=order.category, at=at)
        if actor.role == rules.PARTNER_ROLE:
            _within_agreement(connection, asking, order)
        # All locks at once and in order: giving back a reservation takes locks too.
        names = {*keys.customers(), f"key:{actor.interface_no}:{key}"}
        store.database.lock(connection, "customers", names)
        if (
            order.reservation is not None
            and views.by_key(connection, actor.interface_no, key) is None
        ):
            reservations.use(store.database, connection, asking, order.reservation,
                             keys.resources())  # fmt: skip
        asked = Acceptance(command=command, actor=actor, at=at, key=key, money=None, at_once=False)
        return acceptance.accept(store, connection, asked)


def _change(asking: Caller, order: CustomerOrder, ref: str, key: str) -> OrderView:
    """Customers' data: staged by the desk that identifies the customer first."""
    actor, at, store = asking.actor, asking.at, asking.service.store
    request = order.request(ref)
    with store.database.reading() as connection:
        gate.allow(connection, actor=actor, business=BUSINESSES[type(request)], at=at)
        if actor.role == rules.PARTNER_ROLE:
            _within_agreement(connection, asking, order)
    staged = asking.service.customers.stage(request, actor=actor, at=at, idempotency_key=key)
    with store.database.reading() as connection:
        record = views.known(connection, staged.request_ref)
        return views.view(record, repeated=staged.repeated)


def _within_agreement(connection: Connection, asking: Caller, order: Order) -> None:
    """A partner sells what was approved for it, and serves whom it opened for."""
    actor = asking.actor
    if order.product_code is not None:
        may_sell(connection, actor.interface_no, order.product_code, asking.at)
    for reference in order.subscription_refs:
        if not reads.opened_by(connection, actor, reference):
            raise Refused("unknown_subscription", subscription_ref=reference)
    party_ref = order.party_ref
    if party_ref is not None and not reads.opened_for(connection, actor, party_ref):
        raise Refused("unknown_party", party_ref=party_ref)


@router.get("/productOrder", responses=every_path(404), summary="List your orders")
def list_orders(asking: Asking, query: Annotated[Listing, Query()]) -> list[ProductOrder]:
    """The newest first. `idempotencyKey` asks what became of one request: none or one."""
    actor = asking.actor
    with asking.service.store.database.reading() as connection:
        gate.open_interface(connection, actor.interface_no, asking.at)
        if query.idempotency_key is None:
            found = reads.orders(
                connection, actor, state=query.state, offset=query.offset, limit=query.limit
            )
        else:
            record = views.by_key(connection, actor.interface_no, query.idempotency_key)
            found = [] if record is None else [views.view(record)]
    return [ProductOrder.of(view) for view in found if query.state in (None, view.state)]


@router.get("/productOrder/{id}", responses=every_path(404), summary="Look an order up")
def get_order(
    asking: Asking,
    order_id: OrderId,
    purpose: Purpose = None,
) -> ProductOrderDetail:
    """With what was asked for and for whom; every look is written to the access log."""
    actor, at, database = asking.actor, asking.at, asking.service.store.database
    clear = purpose is not None and rules.sees_clear(actor.role)
    with database.writing() as connection:
        view = _seen(asking, connection, order_id)
        found = reads.content(connection, view, clear=clear)
        log.note(
            database,
            connection,
            actor=actor,
            purpose=purpose or "order status",
            what="productOrder clear" if clear else "productOrder masked",
            subjects=found.subjects,
            at=at,
        )
    return ProductOrderDetail.detailed(view, found.parties, found.items, masked=not clear)


@router.post(
    "/productOrder/{id}/payment", responses=every_path(404, 409), summary="Pay for an order"
)
def pay(asking: Asking, order_id: OrderId, payment: PaymentCreate) -> ProductOrder:
    """Taken once for its `correlatorId`; paid in full, work on the order begins."""
    with asking.service.store.database.reading() as connection:
        view = _seen(asking, connection, order_id)
    view = asking.service.desk.pay(
        view.order_ref,
        payment.total_amount.fen,
        f"{asking.actor.interface_no}:{payment.correlator_id}",
        asking.actor,
        asking.at,
        method=payment.payment_method,
    )
    return ProductOrder.of(view)


@router.post(
    "/productOrder/{id}/cancel", responses=every_path(404, 409), summary="Cancel an order (撤单)"
)
def cancel(asking: Asking, order_id: OrderId, task: CancelProductOrder) -> ProductOrder:
    """At any stage before completion; a second time changes nothing."""
    with asking.service.store.database.reading() as connection:
        view = _seen(asking, connection, order_id)
    view = asking.service.desk.cancel(
        view.order_ref, task.cancellation_reason, actor=asking.actor, at=asking.at
    )
    return ProductOrder.of(view)


def _seen(asking: Caller, connection: Connection, order_ref: str) -> OrderView:
    """An order the caller may see now."""
    actor, at = asking.actor, asking.at
    if actor.role == rules.PARTNER_ROLE:
        gate.open_interface(connection, actor.interface_no, at)
    else:
        gate.allow(connection, actor=actor, business="INQUIRY", at=at)
    try:
        return reads.order(connection, actor, checks.words("id", order_ref))
    except Refused as refused:
        if refused.code == "invalid_value":
            raise Refused("unknown_order", order_ref="-") from None
        raise
