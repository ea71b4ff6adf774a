"""The outbox: the event log read onwards from a position, exactly once.

Here: which events may be read and where to go on. Not here: what is done with
them, and the nightly window (`reading.py`), which reads by knowledge instead.

A transaction that takes its sequence numbers early may commit late; whoever
remembered the highest number seen would never see its events. On PostgreSQL
the position is therefore the transaction number, and only transactions older
than every one still running are read. SQLite has one writer: its sequence is
the order of commits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    String,
    and_,
    cast,
    func,
    literal,
    or_,
    select,
)

from mingdan.orders import model as m
from mingdan.orders.column_types import TransactionId


@dataclass(frozen=True)
class Position:
    """The last event read: its transaction (0 on SQLite) and sequence number."""

    transaction: int = 0
    seq: int = 0


@dataclass(frozen=True)
class Event:
    """One state change."""

    seq: int
    event_type: str
    order_type: str
    order_id: int
    state: str
    subscription_id: int | None
    party_id: int | None
    effective_at: datetime
    recorded_at: datetime


@dataclass(frozen=True)
class Outbox:
    """Events in the order they were committed, and where to go on after them."""

    events: tuple[Event, ...]
    position: Position


def read_outbox(connection: Connection, after: Position | None, limit: int) -> Outbox:
    """See `OrderStore.outbox`."""
    position = after or Position()
    e = m.OrderEvent
    number: ColumnElement[int] = literal(0)
    committed = e.seq > position.seq
    order: tuple[ColumnElement[Any], ...] = (e.seq.expression,)
    if connection.dialect.name == "postgresql":
        number = cast(cast(e.transaction_id, String), BigInteger)
        last = cast(literal(str(position.transaction)), TransactionId())
        committed = and_(
            e.transaction_id < func.pg_snapshot_xmin(func.pg_current_snapshot()),
            or_(
                e.transaction_id > last,
                and_(e.transaction_id == last, e.seq > position.seq),
            ),
        )
        order = (e.transaction_id.expression, e.seq.expression)
    rows = connection.execute(
        select(
            number,
            e.seq,
            e.event_type,
            e.order_type,
            e.order_id,
            e.state,
            e.subscription_id,
            e.party_id,
            e.effective_at,
            e.recorded_at,
        )
        .where(committed)
        .order_by(*order)
        .limit(limit)
    ).all()
    if rows:
        position = Position(rows[-1][0], rows[-1][1])
    events = tuple(Event(*values) for _, *values in rows)
    return Outbox(events, position)
