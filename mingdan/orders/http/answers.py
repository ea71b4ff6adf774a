"""What the service answers: orders and reservations (TMF622, TMF685 shapes).

Here: the answers' exact form. Not here: the requests' (`order_requests.py`) and
what is read for them (`reads.py`). Instants are UTC, amounts whole fen.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from mingdan.orders.lifecycle.views import OrderView

OrderState = Literal[
    "acknowledged", "rejected", "pending", "held", "inProgress", "cancelled", "completed",
    "failed", "partial", "assessingCancellation", "pendingCancellation",
]  # fmt: skip
"""TMF622 ProductOrderStateType."""


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Money(Answer):
    """Chinese yuan in whole fen."""

    unit: Literal["CNY"] = "CNY"
    fen: int


class Price(Answer):
    """TMF622 orderTotalPrice: one charge."""

    code: str
    name: str
    name_zh: str
    price: Money


class Note(Answer):
    text: str


class ProductOrder(Answer):
    """An order as it stands (TMF622). Without personal data."""

    id: Annotated[str, Field(description="Interface number and externalId.")]
    href: str
    external_id: str
    category: str
    state: OrderState
    order_date: datetime
    completion_date: datetime | None
    valid_until: Annotated[
        datetime | None,
        Field(description="An order not completed by then is dead, and what it holds is free."),
    ]
    channel: str
    product_ref: Annotated[str | None, Field(description="Your reference of the subscription.")]
    product_status: str | None
    order_total_price: list[Price]
    due: Money
    paid: Money
    given_back: Money
    receipt: str | None
    note: list[Note]

    @classmethod
    def of(cls, view: OrderView) -> ProductOrder:
        """The answer for an order's view."""
        return cls(**_fields(view))


class Characteristic(Answer):
    name: str
    value: Any


class Item(Answer):
    id: str
    action: str
    product_characteristic: list[Characteristic]


class Party(Answer):
    """The customer; masked unless the caller's role may see it clear."""

    role: Literal["customer"] = "customer"
    name: str | None
    identification_type: str | None
    identification_id: str | None


class ProductOrderDetail(ProductOrder):
    """An order with what was asked for and for whom."""

    masked: bool
    related_party: list[Party]
    product_order_item: list[Item]

    @classmethod
    def detailed(
        cls, view: OrderView, parties: list[Party], items: list[Item], *, masked: bool
    ) -> ProductOrderDetail:
        """The answer for an order's view and its content."""
        return cls(**_fields(view), masked=masked, related_party=parties, product_order_item=items)


class Period(Answer):
    start_date_time: datetime
    end_date_time: datetime


class ReservedResource(Answer):
    msisdn: str | None
    iccid: str | None


class Reservation(Answer):
    """A reservation as it stands at the time of the answer (TMF685)."""

    id: int
    href: str
    reservation_state: Literal["inProgress", "completed", "cancelled", "expired"]
    reservation_period: Period
    reserved_resource: ReservedResource


class Health(Answer):
    """`pass` if the order store answers."""

    status: Literal["pass"]


def _fields(view: OrderView) -> dict[str, Any]:
    return {
        "id": view.order_ref,
        "href": f"/productOrder/{view.order_ref}",
        "external_id": view.order_ref.partition(":")[2] or view.order_ref,
        "category": view.order_type,
        "state": view.state,
        "order_date": view.placed_at,
        "completion_date": view.completed_at,
        "valid_until": view.reserved_until,
        "channel": view.channel,
        "product_ref": view.subscription_ref,
        "product_status": view.product_status,
        "order_total_price": [
            Price(
                code=each.code,
                name=each.name,
                name_zh=each.name_zh,
                price=Money(fen=each.amount_fen),
            )
            for each in view.charges
        ],
        "due": Money(fen=view.due_fen),
        "paid": Money(fen=view.paid_fen),
        "given_back": Money(fen=view.given_back_fen),
        "receipt": view.receipt,
        "note": [Note(text=reason) for reason in view.reasons],
    }
