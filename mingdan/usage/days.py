"""Event days: what happened on a day, whenever it was delivered.

Here: which event days a delivery re-opens and how a day's usage is put together
from its deliveries. Not here: files (`intake.py`) and whose
usage it was (`guiding`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import duckdb
import polars as pl

from mingdan.calendar import days
from mingdan.errors import LakeError, MissingInput
from mingdan.lake import DataFile, Partition
from mingdan.night import Night, Report
from mingdan.usage.parts import copies, cut, held, is_part, linked, no_part
from mingdan.usage.tables import LANDED_USAGE, USAGE, USAGE_FILES


def reopened(night: Night, day: date) -> list[date]:
    """Event days the delivery of `day` touches, in order; `day` itself is the last.

    Taken from the ledger of files, so that a file taken out again still re-opens
    the days it had touched. Raises MissingInput if `day` has not been landed.
    """
    if day not in night.lake.days(USAGE_FILES):
        raise MissingInput(f"usage delivered on {day} has not been landed: mingdan ingest {day}")
    ledger = night.lake.scan(USAGE_FILES, [day]).select("event_days").collect()
    touched = {
        date.fromisoformat(event_day)
        for listed in ledger["event_days"].drop_nulls()
        for event_day in listed.split(",")
    }
    first = day - timedelta(days=night.settings.late_days)
    return [*sorted(event_day for event_day in touched if first <= event_day < day), day]


def build(night: Night, day: date) -> Report:
    """Build usage of every re-opened event day; the caller holds `night.lock()`.

    An event day is put together from every delivery landed so far, so a night that
    is run again after later ones does not lose what came with those. A delivery may
    hold the first minutes of the next day (clock skew), so each event day also reads
    the delivery before it.
    Raises MissingInput if `day` has not been landed, LakeError if the disk refuses.
    """
    event_days = reopened(night, day)
    landed = set(night.lake.days(LANDED_USAGE))
    windows = {event_day: _deliveries(night, event_day) & landed for event_day in event_days}
    partitions: list[Partition] = []
    received = 0
    with night.engine.connect() as connection:
        listed = _held(night, connection, windows)
        for event_day, window in windows.items():
            holding = listed.filter(
                pl.col("event_day") == event_day, pl.col("delivered").is_in(list(window))
            )
            received += int(holding["records"].sum())
            partitions.append(_put_together(night, connection, event_day, holding))
    kept = sum(partition.rows for partition in partitions)
    return Report(
        partitions=tuple(partitions),
        facts={
            "event_days": len(event_days),
            "records": kept,
            "duplicates_across_deliveries": received - kept,
        },
    )


def _deliveries(night: Night, event_day: date) -> set[date]:
    """Delivery days that may hold an event day."""
    last = event_day + timedelta(days=night.settings.late_days)
    return set(days(event_day - timedelta(days=1), last))


def _held(
    night: Night, connection: duckdb.DuckDBPyConnection, windows: Mapping[date, set[date]]
) -> pl.DataFrame:
    """Which files of landed records hold what: part, event_day, records, delivered, pure."""
    seen = sorted(set[date]().union(*windows.values()))
    delivered = {part: day for day in seen for part in night.lake.files(LANDED_USAGE, [day])}
    try:
        found = held(connection, list(delivered))
    except duckdb.Error as error:
        raise LakeError(f"{LANDED_USAGE.name}: {error}") from error
    return found.with_columns(
        delivered=pl.col("part").replace_strict(delivered, return_dtype=pl.Date),
        pure=pl.len().over("part") == 1,
    )


def _put_together(
    night: Night,
    connection: duckdb.DuckDBPyConnection,
    event_day: date,
    holding: pl.DataFrame,
) -> Partition:
    """Usage of an event day: the files that hold it, each without what is not of it or a copy."""
    with night.lake.staging() as folder:
        try:
            again = copies(connection, holding["part"].to_list(), event_day)
            files: list[DataFile] = []
            for part, records, pure in holding.select("part", "records", "pure").iter_rows():
                if pure and part not in again and is_part(part):
                    files.append(linked(part, records, folder))
                else:
                    day_only = pl.col("event_day") == event_day
                    files.append(cut(part, folder, wanted=day_only, dropped=again.get(part)))
            files = [file for file in files if file.rows] or [no_part(folder)]
        except (duckdb.Error, pl.exceptions.PolarsError, OSError) as error:
            raise LakeError(f"{USAGE.name} of {event_day}: {error}") from error
        return night.lake.replace(USAGE, event_day, files)
