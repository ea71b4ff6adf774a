"""Writes a batch's results: what changed, and the log of it.

Here: the order of writing. Not here: what the results are (`businesses`,
`sheets.py`), the log's payload (`payload.py`) and how a driver takes many rows
(`bulk.py`).
"""

from __future__ import annotations

from sqlalchemy import Connection, Table

from mingdan.orders import model as m
from mingdan.orders.batch import Batch
from mingdan.orders.bulk import COPY_FROM_ROWS, change, insert, together
from mingdan.orders.journal import Journal
from mingdan.orders.offers.model import SubscriptionFeature, SubscriptionOffering
from mingdan.orders.payload import journal_position, with_payload
from mingdan.orders.sheets import sheets

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


def flush(connection: Connection, batch: Batch) -> None:
    """Write everything `batch` changed into the transaction of `connection`."""
    written = [sheet for sheet in sheets(batch) if sheet.rows]
    if batch.rows.events:
        sqlite = connection.dialect.name == "sqlite"
        position = journal_position(connection)
        events = with_payload(batch.rows.events, written, position, as_ticks=sqlite)
        copies = len(events) >= COPY_FROM_ROWS or any(
            sheet.new and len(sheet.rows) >= COPY_FROM_ROWS for sheet in written
        )
        log = m.OrderEvent.__table__
        assert isinstance(log, Table)  # noqa: S101 - narrows a type that is wider in theory
        with together(connection, copies=copies):
            for sheet in written:
                if sheet.new:
                    insert(connection, sheet.table, sheet.columns, sheet.rows)
                else:
                    key, *columns = sheet.columns
                    change(connection, sheet.table, key, columns, sheet.rows)
            insert(connection, log, _EVENT, events)
    _journalled(connection, batch)
    batch.on_record.devices.write(connection)


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
