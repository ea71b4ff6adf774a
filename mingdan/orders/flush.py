"""Writes a batch's results: what changed, and the log of it.

Here: the order of writing. Not here: what the results are (`businesses`,
`sheets.py`), the log's payload (`payload.py`) and how a driver takes many rows
(`bulk.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from mingdan.orders.batch import Batch
from mingdan.orders.bulk import change, insert, insert_ticked, together
from mingdan.orders.journal import Journal
from mingdan.orders.offers.model import SubscriptionFeature, SubscriptionOffering
from mingdan.orders.payload import payload_of
from mingdan.orders.plain_rows import PlainRows
from mingdan.orders.sheets import Sheet, sheets


@dataclass(slots=True)
class Draft:
    """What is to be written, with nothing left to think about."""

    batch: Batch
    written: list[Sheet]
    log: Sheet


def flush(connection: Connection, batch: Batch) -> None:
    """Write everything `batch` changed into the transaction of `connection`.

    Which has written nothing to the journal since the batch's rows were read.
    """
    write(connection, draft(batch, batch.on_record.journal_position))


def draft(
    batch: Batch, after: int, plain: PlainRows | None = None, *, lay_out: bool = False
) -> Draft:
    """Every row `batch` writes, and of plain openings; asks the database nothing but new keys.

    `after` is the journal's position (`payload.py`) once the batch's rows are locked.
    `lay_out`: make what PostgreSQL copies here, not while it waits for it.
    """
    written = list(sheets(batch))
    log = Sheet("order_event", [(*event, None) for event in batch.rows.events])
    if plain is not None:
        log.plain = plain.events
        for sheet in written:
            if sheet.new:
                sheet.plain = plain.flat.get(sheet.name)
    written = [sheet for sheet in written if len(sheet)]
    payload = payload_of(written, after)
    if log.rows:
        log.rows[-1] = (*batch.rows.events[-1], payload)
    elif log.plain:
        log.plain[-1] = payload
    elif payload is not None:
        raise LookupError(f"rows of {', '.join(sheet.name for sheet in written)} and no event")
    if lay_out:
        for sheet in (*written, log):
            sheet.lay_out()
    return Draft(batch, written, log)


def write(connection: Connection, drafted: Draft) -> None:
    """Write a draft into the transaction of `connection`."""
    batch, written, log = drafted.batch, drafted.written, drafted.log
    if len(log):
        copies = any(sheet.copied for sheet in (*written, log))
        with together(connection, copies=copies):
            for sheet in (*written, log):
                _write(connection, sheet)
    _journalled(connection, batch)
    batch.on_record.devices.write(connection)


def _write(connection: Connection, sheet: Sheet) -> None:
    if not sheet.new:
        key, *columns = sheet.columns
        change(connection, sheet.table, key, columns, sheet.rows)
    elif sheet.copied or connection.dialect.name == "sqlite":
        insert_ticked(connection, sheet.table, sheet.columns, sheet.flat, sheet.ready)
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
