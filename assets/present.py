"""What an analyst sees of a partition in the UI.

Here: row counts, column schema, a masked preview and one plot, derived from
the table's specification. Not here: the numbers themselves (the lake).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

import dagster as dg
import polars as pl

from assets.plots import picture, strips
from mingdan.calendar import day_start, naive_utc
from mingdan.engine import Read
from mingdan.features.distributions import bands, drawn, sample
from mingdan.features.tables import FEATURES
from mingdan.identifiers import mask_number
from mingdan.lake import Partition
from mingdan.night import Night
from mingdan.tables import Column, Table

PREVIEW_ROWS = 5
TREND_DAYS = 35


def column_schema(table: Table) -> dg.TableSchema:
    """The table's columns as Dagster shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name=column.name, type=column.type, description=column.meaning)
            for column in table.columns
        ]
    )


def masked(column: Column, value: object) -> str | int | float | bool:
    """One cell for people's eyes: identifiers keep 3 leading and 2 trailing digits."""
    if value is None:
        return ""
    if column.personal == "text" or isinstance(value, bytes):
        return f"<{len(value) if isinstance(value, bytes | str) else 0} bytes, masked>"
    if column.personal != "no":
        return mask_number(str(value))
    if isinstance(value, bool | int | float):
        return value
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def preview(night: Night, table: Table, day: date) -> dg.TableMetadataValue:
    """Rows of a day, masked: those `preview_<table>.sql` chooses, else the first few."""
    name = f"{table.stage}/preview_{table.name}"
    if (files("sql") / f"{name}.sql").is_file():
        frame = night.engine.query(name, [Read(table, [day], whole=True)])
    else:
        frame = night.lake.scan(table, [day]).select(table.names).head(PREVIEW_ROWS).collect()
    records = [
        dg.TableRecord({column.name: masked(column, row[column.name]) for column in table.columns})
        for row in frame.iter_rows(named=True)
    ]
    return dg.MetadataValue.table(records=records, schema=column_schema(table))


def plot(night: Night, table: Table, day: date) -> dg.MarkdownMetadataValue:
    """The table's own plot (`sql/<stage>/plot_<table>.sql`), else its rows per day."""
    name = f"{table.stage}/plot_{table.name}"
    if (files("sql") / f"{name}.sql").is_file():
        frame = night.engine.query(
            name,
            [Read(table, [day], whole=True)],
            {"day_start": naive_utc(day_start(day))},
        )
        return dg.MetadataValue.md(picture(frame, title=f"{table.name}, {day}"))
    first = day - timedelta(days=TREND_DAYS - 1)
    rows = night.lake.rows_by_day(table, first, day)
    frame = pl.DataFrame(
        {
            "series": ["rows"] * len(rows),
            "x": [f"{held:%m-%d}" for held in rows],
            "y": list(rows.values()),
        },
        schema={"series": pl.String, "x": pl.String, "y": pl.Int64},
    )
    return dg.MetadataValue.md(picture(frame, title=f"{table.name}: rows a day"))


def spread(night: Night, day: date) -> dg.MarkdownMetadataValue:
    """How every feature that is a number is spread over the subscriptions of a day."""
    sampled = sample(night.lake, day)
    title = f"features, {day}: {sampled.height} subscriptions"
    names = list(drawn())
    return dg.MetadataValue.md(
        strips(bands(sampled), names, rows=max(1, sampled.height), title=title)
    )


def facts_of(partition: Partition, facts: Mapping[str, int | float | str]) -> dict[str, Any]:
    """Rows, digest, version and what the step counted."""
    return {
        "dagster/partition_row_count": partition.rows,
        "digest": partition.digest,
        "version": partition.version,
        **dict(facts),
    }


def metadata(
    night: Night, table: Table, partition: Partition, facts: Mapping[str, int | float | str]
) -> dict[str, Any]:
    """Everything shown of one partition: counts, facts, preview, plot, digest."""
    shown = {
        "preview": preview(night, table, partition.day),
        "plot": plot(night, table, partition.day),
    }
    if table is FEATURES:
        shown["distributions"] = spread(night, partition.day)
    return facts_of(partition, facts) | shown
