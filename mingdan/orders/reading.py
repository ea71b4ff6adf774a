"""Reading the store as it was known at an instant, in the lake's columns.

Here: the nightly frames (`tables.py`). Not here: writing them to the lake
(`snapshot.py`).

A version counts if it was recorded by `known_at` and not superseded by then.
Instants leave the database as integers and become naive UTC timestamps in one
step, which is several times quicker than a `datetime` for each.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, Connection, bindparam, literal, or_, select

from mingdan.lake import Lake
from mingdan.orders import model as m
from mingdan.orders import tables
from mingdan.orders.care.model import Appeal
from mingdan.orders.column_types import Instant, as_ticks
from mingdan.orders.finding import Among, Query, find
from mingdan.tables import Table


def has_event(connection: Connection, seq: int, order_id: int) -> bool:
    """See `OrderStore.has_event`."""
    e = m.OrderEvent
    found = select(e.seq).where(e.seq == seq, e.order_id == order_id)
    return connection.execute(found).first() is not None


def order_events(connection: Connection, after: datetime, until: datetime) -> pl.DataFrame:
    """See `OrderStore.order_events`."""
    e = m.OrderEvent
    statement = select(
        e.seq,
        e.event_type,
        e.order_type,
        e.order_id,
        e.subscription_id,
        e.party_id,
        as_ticks(e.effective_at.expression, "effective_at"),
        as_ticks(e.recorded_at.expression, "recorded_at"),
    ).where(e.recorded_at > after, e.recorded_at <= until)
    return frame(connection, statement, tables.ORDER_EVENTS)


def number_holdings(
    connection: Connection, known_at: datetime, since: datetime | None
) -> pl.DataFrame:
    """See `OrderStore.number_holdings`."""
    h = m.NumberHolding
    statement = select(h.key_kind, h.key, h.subscription_id, *times(h)).where(
        *known(h, known_at), *reaches(h, since)
    )
    return frame(connection, statement, tables.NUMBER_HOLDINGS)


def subscription_holdings(
    connection: Connection, known_at: datetime, since: datetime | None
) -> pl.DataFrame:
    """See `OrderStore.subscription_holdings`."""
    h = m.SubscriptionHolding
    statement = select(h.subscription_id, h.party_id, *times(h)).where(
        *known(h, known_at), *reaches(h, since)
    )
    return frame(connection, statement, tables.SUBSCRIPTION_HOLDINGS)


def protections(connection: Connection, known_at: datetime) -> pl.DataFrame:
    """See `OrderStore.protections`."""
    p = m.PartyProtection
    statement = select(
        literal("party").label("subject_type"),
        p.party_id.label("subject_id"),
        p.scope,
        as_ticks(p.valid_from.expression, "valid_from"),
        as_ticks(p.valid_to.expression, "valid_to"),
        p.maker,
        p.checker,
    ).where(p.recorded_at <= known_at)
    return frame(connection, statement, tables.PROTECTIONS)


def appeals(connection: Connection, known_at: datetime) -> pl.DataFrame:
    """See `OrderStore.appeals`."""
    a = Appeal
    statement = select(
        a.ticket_id,
        a.subject_type,
        a.subject_id,
        a.class_code,
        a.reason_code,
        a.finding,
        as_ticks(a.decided_at.expression, "decided_at"),
        as_ticks(a.holds_until.expression, "holds_until"),
        a.maker,
        a.checker,
    ).where(a.outcome == "upheld", a.decided_at <= known_at)
    return frame(connection, statement, tables.APPEALS)


def current_numbers(
    connection: Connection, subscription_ids: set[int], at: datetime
) -> dict[int, str]:
    """See `OrderStore.current_numbers`."""
    rows = find(connection, _numbers_at, subscription_ids, instant=at)
    return {key: str(number) for key, number in rows}


def _numbers_at(among: Among) -> Query:
    h = m.NumberHolding
    at: Any = bindparam("instant", type_=Instant())
    return select(h.subscription_id, h.key).where(
        among(h.subscription_id),
        h.key_kind == "msisdn",
        *known(h, at),
        h.valid_from <= at,
        or_(h.valid_to.is_(None), h.valid_to > at),
    )


def known(table: Any, known_at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        table.recorded_at <= known_at,
        or_(table.superseded_at.is_(None), table.superseded_at > known_at),
    )


def reaches(table: Any, since: datetime | None) -> tuple[ColumnElement[bool], ...]:
    if since is None:
        return ()
    return (or_(table.valid_to.is_(None), table.valid_to > since),)


def times(table: Any) -> tuple[ColumnElement[int], ...]:
    return tuple(
        as_ticks(getattr(table, name).expression, name)
        for name in ("valid_from", "valid_to", "recorded_at")
    )


def frame(connection: Connection, statement: Query, table: Table) -> pl.DataFrame:
    return shaped(rows(connection, statement, Lake.schema(table)), table)


def shaped(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The table's columns and types, in its order."""
    return (
        frame.select(table.names)
        .cast(Lake.schema(table))  # type: ignore[arg-type]
        .sort(table.sort, nulls_last=True)
    )


def rows(connection: Connection, statement: Query, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """A query's rows; instants come as integers and get their type at once.

    Straight from the driver: every column is an integer or text, so there is
    nothing for SQLAlchemy to convert, and a row object for each takes half the time.
    """
    result = connection.execute(statement)
    names = list(result.keys())
    cursor: Any = result.cursor
    values = cursor.fetchall()
    result.close()
    raw = {
        name: pl.Int64() if isinstance(schema[name], pl.Datetime) else schema[name]
        for name in names
    }
    frame = pl.DataFrame(values, schema=raw, orient="row")
    return frame.cast({name: schema[name] for name in names})
