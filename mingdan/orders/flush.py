"""Writes a batch's results: what changed, and the log of it.

Here: the order of writing. Not here: what the results are (`businesses`,
`sheets.py`), the log's payload (`payload.py`) and how a driver takes many rows
(`bulk.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table

from mingdan.orders import model as m
from mingdan.orders.batch import Batch
from mingdan.orders.bulk import COPY_FROM_ROWS, change, insert, insert_ticked, together
from mingdan.orders.journal import Journal
from mingdan.orders.offers.model import SubscriptionFeature, SubscriptionOffering
from mingdan.orders.payload import journal_position, payload_of
from mingdan.orders.plain_rows import PlainRows
from mingdan.orders.sheets import Row, Sheet, sheets

_EVENT = (
    "event_type",
    "order_type",
    "order_id",
    "state",
    "subscription_id",
    "party_id",
    "effective_at",
    "recorded_at",
    "payload",
)


@dataclass(slots=True)
class Draft:
    """What is to be written, with nothing left to think about."""

    batch: Batch
    written: list[Sheet]
    events: list[Row]
    plain_events: list[Any]
    """Of plain openings, one value after the other; they come first."""


def flush(connection: Connection, batch: Batch) -> None:
    """Write everything `batch` changed into the transaction of `connection`."""
    write(connection, draft(batch, journal_position(connection)))


def draft(batch: Batch, after: int, plain: PlainRows | None = None) -> Draft:
    """Every row `batch` writes, and of plain openings; asks the database nothing but new keys.

    `after` is the journal's position (`payload.py`) once the batch's rows are locked.
    """
    written = list(sheets(batch))
    plain_events: list[Any] = []
    if plain is not None:
        plain_events = plain.events
        for sheet in written:
            if sheet.new:
                sheet.plain = plain.flat.get(sheet.name)
    written = [sheet for sheet in written if len(sheet)]
    payload = payload_of(written, after)
    events: list[Row] = [(*event, None) for event in batch.rows.events]
    if events:
        events[-1] = (*batch.rows.events[-1], payload)
    elif plain_events:
        plain_events[-1] = payload
    elif payload is not None:
        raise LookupError(f"rows of {', '.join(sheet.name for sheet in written)} and no event")
    return Draft(batch, written, events, plain_events)


def write(connection: Connection, drafted: Draft) -> None:
    """Write a draft into the transaction of `connection`."""
    batch, written, events = drafted.batch, drafted.written, drafted.events
    plain = drafted.plain_events
    if events or plain:
        copies = (
            bool(plain)
            or len(events) >= COPY_FROM_ROWS
            or any(sheet.new and len(sheet.rows) >= COPY_FROM_ROWS for sheet in written)
        )
        log = m.OrderEvent.__table__
        assert isinstance(log, Table)  # noqa: S101 - narrows a type that is wider in theory
        with together(connection, copies=copies):
            for sheet in written:
                _write(connection, sheet)
            if plain:
                insert_ticked(connection, log, _EVENT, plain)
            insert(connection, log, _EVENT, events)
    _journalled(connection, batch)
    batch.on_record.devices.write(connection)


def _write(connection: Connection, sheet: Sheet) -> None:
    if not sheet.new:
        key, *columns = sheet.columns
        change(connection, sheet.table, key, columns, sheet.rows)
    elif sheet.plain or connection.dialect.name == "sqlite" or len(sheet.rows) >= COPY_FROM_ROWS:
        insert_ticked(connection, sheet.table, sheet.columns, sheet.flat)
    else:
        insert(connection, sheet.table, sheet.columns, sheet.rows)


def _journalled(connection: Connection, batch: Batch) -> None:
    """Features and offers: changed now and then, and rebuilt from the journal."""
    for model, code, timelines in (
        (SubscriptionFeature, "feature_code", batch.on_record.features),
        (SubscriptionOffering, "offering_code", batch.on_record.offers),
    ):
        for span in timelines.ended:
            assert span.superseded_at is not None  # noqa: S101 - it is what `ended` holds
            journal = Journal(connection, span.superseded_at, "orders")
            journal.update(model, span.row_id, superseded_at=span.superseded_at)
        for span in timelines.begun:
            if span.superseded_at is not None and span.superseded_at <= span.recorded_at:
                continue
            subscription_id, value = span.what
            Journal(connection, span.recorded_at, "orders").insert(
                model,
                subscription_id=subscription_id,
                **{code: value},
                order_id=span.order_id,
                valid_from=span.valid_from,
                valid_to=span.valid_to,
                recorded_at=span.recorded_at,
                superseded_at=span.superseded_at,
            )
