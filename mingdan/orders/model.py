"""The relational model of the order store.

Here: its tables, with the names of TMF622, 629, 632, 637, 639, 666, 676 and
678 where those have one. Not here: how a database comes to this shape
(`migrations/`), who writes it (`apply`'s batches, in `flush.py`) and the
nightly tables made from it (`tables.py`).

Three tables are bitemporal (`Spans`): a row says that a fact held during
`[valid_from, valid_to)`, and that the store believed so during
`[recorded_at, superseded_at)`. A row is never changed but for its
`superseded_at`, set once; what was known at an instant can be read for ever.
The databases themselves refuse two rows that overlap in both times (triggers, in
the migrations) and, by unique indices, two that both hold now.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    FetchedValue,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mingdan.orders.column_types import Instant, TransactionId

BIG = BigInteger().with_variant(Integer(), "sqlite")
"""64-bit; in SQLite only INTEGER makes a primary key the row's own number."""
DOCUMENT = JSON().with_variant(JSONB(), "postgresql")


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it off the class
        int: BIG,
        str: String(),
        datetime: Instant(),
        dict[str, Any]: DOCUMENT,
    }


_NOW = text("NULLIF(valid_to IS NULL AND superseded_at IS NULL, false)")
"""True of what holds now; of all else empty, and so equal to nothing."""
_FREE = text("state <> 'in_service'")
_ISSUABLE = text("state IN ('in_stock', 'reserved')")


def key_column() -> Any:
    """A surrogate key the database gives."""
    return mapped_column(BIG, Identity(), primary_key=True)


def link_column(target: str, *, index: bool = False) -> Any:
    """A 64-bit foreign key."""
    return mapped_column(BIG, ForeignKey(target), index=index)


def _held_once(name: str, *columns: str) -> Index:
    """At most one of a key is believed in now and has no end.

    Every other row is in the index too: a partial one would need a second beside it
    for those who look for all rows of a key.
    """
    return Index(name, *columns, _NOW, unique=True)


class Party(Base):
    """A person or organization (TMF632), as entered when it first became a customer."""

    __tablename__ = "party"
    __table_args__ = (Index(None, "document_type", "document_number"),)
    party_id: Mapped[int] = key_column()
    party_ref: Mapped[str] = mapped_column(unique=True)
    party_type: Mapped[str]
    name: Mapped[str]
    document_type: Mapped[str]
    document_number: Mapped[str]
    contact: Mapped[str | None]
    recorded_at: Mapped[datetime]


class ProductOffering(Base):
    """What can be ordered (`reference/product.csv`)."""

    __tablename__ = "product_offering"
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_zh: Mapped[str]
    payment_kind: Mapped[str]
    sender_kind: Mapped[str]
    valid_from: Mapped[date] = mapped_column(Date())


class ProductOfferingPrice(Base):
    """What an offering costs a month from a day on, in fen."""

    __tablename__ = "product_offering_price"
    code: Mapped[str] = mapped_column(ForeignKey("product_offering.code"), primary_key=True)
    valid_from: Mapped[date] = mapped_column(Date(), primary_key=True)
    monthly_fee_fen: Mapped[int]


class BillingAccount(Base):
    """Who pays (TMF666): bills and payments stand against it."""

    __tablename__ = "billing_account"
    account_id: Mapped[int] = key_column()
    opened_at: Mapped[datetime]


class Subscription(Base):
    """The service contract everything else hangs on; it outlives numbers and SIMs."""

    __tablename__ = "subscription"
    subscription_id: Mapped[int] = key_column()
    subscription_ref: Mapped[str] = mapped_column(unique=True)
    account_id: Mapped[int] = link_column("billing_account.account_id", index=True)
    activated_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    terminated_at: Mapped[datetime | None]
    termination_recorded_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]
    """When the store last recorded anything about it; recording never goes back."""


class Product(Base):
    """An offering in a subscription's inventory, with its TMF637 status."""

    __tablename__ = "product"
    product_id: Mapped[int] = key_column()
    subscription_id: Mapped[int] = link_column("subscription.subscription_id", index=True)
    offering_code: Mapped[str] = mapped_column(ForeignKey("product_offering.code"))
    status: Mapped[str]
    start_date: Mapped[datetime]
    termination_date: Mapped[datetime | None]


class Msisdn(Base):
    """A number as a resource (TMF639); its states are in `reference/msisdn_state.csv`."""

    __tablename__ = "msisdn"
    __table_args__ = (
        Index(
            "ix_msisdn_free_kind",
            "kind",
            "number",
            postgresql_where=_FREE,
            sqlite_where=_FREE,
        ),
        Index(
            "ix_msisdn_free_group",
            "group_code",
            "number",
            postgresql_where=_FREE,
            sqlite_where=_FREE,
        ),
    )
    number: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    until: Mapped[datetime | None]
    """End of a reservation or of ageing; decided by the clock at use."""
    subscription_id: Mapped[int | None] = link_column("subscription.subscription_id")
    changed_at: Mapped[datetime]
    kind: Mapped[str | None]
    """What stock knows of it (`stock/`), from here on; empty if only an order brought it in."""
    group_code: Mapped[str | None] = mapped_column(ForeignKey("number_group.code"))
    licence_no: Mapped[str | None]
    licensed_until: Mapped[datetime | None]
    """End of the licence of a service number; decided by the clock at use."""


class SimCard(Base):
    """A SIM with its IMSI as a resource; states in `reference/sim_state.csv`."""

    __tablename__ = "sim_card"
    __table_args__ = (
        Index(
            "ix_sim_card_issuable",
            "capacity_k",
            "iccid",
            postgresql_where=_ISSUABLE,
            sqlite_where=_ISSUABLE,
        ),
    )
    iccid: Mapped[str] = mapped_column(primary_key=True)
    imsi: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str]
    until: Mapped[datetime | None]
    subscription_id: Mapped[int | None] = link_column("subscription.subscription_id", index=True)
    changed_at: Mapped[datetime]
    capacity_k: Mapped[int | None]
    stk: Mapped[bool | None]


class ProductOrder(Base):
    """An accepted request (TMF622), named by the ordering system's `order_ref`."""

    __tablename__ = "product_order"
    order_id: Mapped[int] = key_column()
    order_ref: Mapped[str] = mapped_column(unique=True)
    order_type: Mapped[str]
    state: Mapped[str]
    channel: Mapped[str]
    subscription_id: Mapped[int | None] = link_column("subscription.subscription_id", index=True)
    party_id: Mapped[int | None] = link_column("party.party_id")
    order_date: Mapped[datetime]
    completion_date: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    request_digest: Mapped[str]
    """Of the request's content: the same `order_ref` with another content is refused."""


class ProductOrderItem(Base):
    """What an order does to one product: TMF622 action and the values before and after."""

    __tablename__ = "product_order_item"
    __table_args__ = (UniqueConstraint("order_id", "item_no"),)
    item_id: Mapped[int] = key_column()
    order_id: Mapped[int] = link_column("product_order.order_id")
    item_no: Mapped[int]
    action: Mapped[str]
    state: Mapped[str]
    product_id: Mapped[int | None] = link_column("product.product_id")
    characteristic: Mapped[dict[str, Any]]


class OrderEvent(Base):
    """The append-only log of every state change, which is also the outbox."""

    __tablename__ = "order_event"
    __table_args__ = ({"sqlite_autoincrement": True},)
    seq: Mapped[int] = key_column()
    transaction_id: Mapped[int | None] = mapped_column(
        TransactionId(), server_default=FetchedValue(), index=True
    )
    event_type: Mapped[str]
    order_type: Mapped[str]
    order_id: Mapped[int] = link_column("product_order.order_id", index=True)
    state: Mapped[str]
    subscription_id: Mapped[int | None]
    party_id: Mapped[int | None]
    effective_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(index=True)
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """On an order's last event of a transaction: every row it wrote (`replay.py`)."""


class Spans:
    """Columns of a bitemporal fact; see the module's docstring."""

    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]


class NumberHolding(Spans, Base):
    """Which subscription held an MSISDN or IMSI when."""

    __tablename__ = "number_holding"
    __table_args__ = (
        # One number and one SIM at a time.
        _held_once("uq_number_holding_now", "subscription_id", "key_kind"),
        # And nobody else has them: also between two writers who do not see each other.
        _held_once("uq_number_holding_holder", "key_kind", "key"),
    )
    holding_id: Mapped[int] = key_column()
    key_kind: Mapped[str]
    key: Mapped[int]
    subscription_id: Mapped[int] = link_column("subscription.subscription_id")
    order_id: Mapped[int] = link_column("product_order.order_id")


class SubscriptionHolding(Spans, Base):
    """Which party held a subscription when."""

    __tablename__ = "subscription_holding"
    __table_args__ = (_held_once("uq_subscription_holding_now", "subscription_id"),)
    holding_id: Mapped[int] = key_column()
    subscription_id: Mapped[int] = link_column("subscription.subscription_id")
    party_id: Mapped[int] = link_column("party.party_id", index=True)
    order_id: Mapped[int] = link_column("product_order.order_id")


class SubscriptionBlock(Spans, Base):
    """A suspension (停机) of one reason and direction; several stack."""

    __tablename__ = "subscription_block"
    __table_args__ = (
        _held_once("uq_subscription_block_now", "subscription_id", "reason", "direction"),
    )
    block_id: Mapped[int] = key_column()
    subscription_id: Mapped[int] = link_column("subscription.subscription_id")
    reason: Mapped[str]
    direction: Mapped[str]
    order_id: Mapped[int] = link_column("product_order.order_id")


class CustomerBill(Base):
    """An amount due on an account (TMF678), in fen."""

    __tablename__ = "customer_bill"
    bill_id: Mapped[int] = key_column()
    account_id: Mapped[int] = link_column("billing_account.account_id", index=True)
    order_id: Mapped[int] = link_column("product_order.order_id")
    amount_fen: Mapped[int]
    billed_at: Mapped[datetime]
    due_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class Payment(Base):
    """A payment into an account (TMF676), in fen; `order_ref` is its correlator."""

    __tablename__ = "payment"
    payment_id: Mapped[int] = key_column()
    account_id: Mapped[int] = link_column("billing_account.account_id", index=True)
    order_id: Mapped[int] = link_column("product_order.order_id")
    amount_fen: Mapped[int]
    paid_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class PartyProtection(Base):
    """红名单: a party protected in a scope until an instant."""

    __tablename__ = "party_protection"
    __table_args__ = (UniqueConstraint("party_id", "scope", "valid_from"),)
    protection_id: Mapped[int] = key_column()
    party_id: Mapped[int] = link_column("party.party_id")
    order_id: Mapped[int] = link_column("product_order.order_id")
    scope: Mapped[str]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime]
    maker: Mapped[str]
    checker: Mapped[str | None]
    recorded_at: Mapped[datetime]


class Restriction(Base):
    """An effect of a label in force, written back by `classes` each night."""

    __tablename__ = "restriction"
    __table_args__ = (Index(None, "subject_type", "subject_id"),)
    restriction_id: Mapped[int] = key_column()
    subject_type: Mapped[str]
    subject_id: Mapped[int]
    effect: Mapped[str]
    class_code: Mapped[str]
    reason_code: Mapped[str]
    first_night: Mapped[date] = mapped_column(Date(), index=True)
    ended_night: Mapped[date | None] = mapped_column(Date(), index=True)
    """The first night it was no longer in force; empty while it lasts.

    Lifted by an appeal: the last night before that."""


class RestrictionNight(Base):
    """A night whose restrictions were written back."""

    __tablename__ = "restriction_night"
    night: Mapped[date] = mapped_column(Date(), primary_key=True)
