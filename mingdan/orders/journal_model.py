"""The log of rows written outside an order.

Here: its one table. Not here: who writes it (`journal.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import FetchedValue, Index
from sqlalchemy.orm import Mapped, mapped_column

from mingdan.orders.column_types import TransactionId
from mingdan.orders.model import Base, key_column


class EntityEvent(Base):
    """One change of one row, with the whole row after it; append-only."""

    __tablename__ = "entity_event"
    __table_args__ = (
        # The history of one row, however long the log.
        Index(None, "entity", "entity_key"),
        {"sqlite_autoincrement": True},
    )
    seq: Mapped[int] = key_column()
    transaction_id: Mapped[int | None] = mapped_column(
        TransactionId(), server_default=FetchedValue(), index=True
    )
    event_type: Mapped[str]
    entity: Mapped[str] = mapped_column(index=True)
    entity_key: Mapped[str]
    image: Mapped[dict[str, Any]]
    actor: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(index=True)
