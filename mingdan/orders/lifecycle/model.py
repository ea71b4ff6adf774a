"""Orders between acceptance (受理) and completion (竣工).

Here: the tables of staged orders, archive and notices. Not here: the businesses
themselves (`businesses`) and the order rows (`product_order`, in `model.py`).

What a customer entered is in `staged_order.request` only, until the order is
completed and the engine writes parties, subscriptions and holdings; when the
order closes it is taken out again. A staged order that is neither closed nor
past `until` counts as a holder: of its number and SIM (the stock room's
reservation) and of its place under the document's cap (`document_number`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mingdan.orders.model import BIG, Base, key_column, link_column

_OPEN = text("closed_at IS NULL")
_WAITING = text("sent_at IS NULL")


def _order_key() -> Any:
    return mapped_column(
        BIG, ForeignKey("product_order.order_id"), primary_key=True, autoincrement=False
    )


class StagedOrder(Base):
    """An order on its way: what was entered, until when it holds, what was paid (fen)."""

    __tablename__ = "staged_order"
    __table_args__ = (
        UniqueConstraint("interface_no", "idempotency_key"),
        Index(
            "ix_staged_order_document_open",
            "document_number",
            postgresql_where=_OPEN,
            sqlite_where=_OPEN,
        ),
        Index(
            "ix_staged_order_subscription_open",
            "subscription_ref",
            postgresql_where=_OPEN,
            sqlite_where=_OPEN,
        ),
        Index("ix_staged_order_until_open", "until", postgresql_where=_OPEN, sqlite_where=_OPEN),
        CheckConstraint(
            "due_fen >= 0 AND paid_fen >= 0 AND paid_fen <= due_fen "
            "AND given_back_fen >= 0 AND given_back_fen <= paid_fen",
            name="ck_staged_order_money",
        ),
    )
    order_id: Mapped[int] = _order_key()
    command: Mapped[str]
    """The business, as in JSON lines (`jsonl.py`)."""
    request: Mapped[dict[str, Any]]
    """What was entered; empty once the order is closed."""
    interface_no: Mapped[str]
    accepted_by: Mapped[str]
    idempotency_key: Mapped[str | None]
    subscription_ref: Mapped[str | None]
    document_type: Mapped[str | None]
    """With `document_number`: under whose cap it takes a place, if it takes one."""
    document_number: Mapped[str | None]
    placed_at: Mapped[datetime]
    until: Mapped[datetime]
    """The instant from which it is dead; decided by the clock at use."""
    closed_at: Mapped[datetime | None]
    charges: Mapped[dict[str, Any]]
    due_fen: Mapped[int]
    paid_fen: Mapped[int]
    given_back_fen: Mapped[int]
    payments: Mapped[dict[str, Any]]
    """Correlator -> amount and receipt."""
    provisioned_at: Mapped[datetime | None]
    product_status: Mapped[str | None]
    """TMF637 status of the product that an opening will make."""
    resting_state: Mapped[str | None]
    """Where it goes back to when a cancellation is denied."""
    reasons: Mapped[dict[str, Any]]


class Archive(Base):
    """What was accepted and completed, by whom and for what; personal data masked."""

    __tablename__ = "archive"
    __table_args__ = (UniqueConstraint("interface_no", "idempotency_key"),)
    order_id: Mapped[int] = _order_key()
    command: Mapped[str]
    request: Mapped[dict[str, Any]]
    interface_no: Mapped[str]
    accepted_by: Mapped[str]
    completed_by: Mapped[str]
    idempotency_key: Mapped[str | None]
    accepted_at: Mapped[datetime]
    completed_at: Mapped[datetime]
    charges: Mapped[dict[str, Any]]
    due_fen: Mapped[int]
    receipt: Mapped[str | None]
    reversed_by: Mapped[int | None] = mapped_column(
        BIG, ForeignKey("product_order.order_id"), unique=True
    )
    """The order that took it back (冲正)."""


class Notice(Base):
    """A message to a customer that an order gave rise to; an outbox of its own."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("order_id", "template"),
        Index("ix_notice_waiting", "notice_id", postgresql_where=_WAITING, sqlite_where=_WAITING),
    )
    notice_id: Mapped[int] = key_column()
    order_id: Mapped[int] = link_column("product_order.order_id")
    recipient: Mapped[str]
    template: Mapped[str]
    text: Mapped[str]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
