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
from mingdan.engine import Job, Read, define_view, statement, used
from mingdan.errors import LakeError, MissingInput
from mingdan.lake import Partition
from mingdan.night import Night, Report
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
    with night.engine.connect() as connection:
        for event_day, window in windows.items():
            job = Job(inputs=[Read(LANDED_USAGE, sorted(window))], outputs=[(USAGE, "usage/usage")])
            partitions += night.engine.make(
                job, event_day, {"event_day": event_day}, connection=connection
            )
        received = _received(night, connection, windows)
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


def _received(
    night: Night, connection: duckdb.DuckDBPyConnection, windows: Mapping[date, set[date]]
) -> int:
    """Landed records of the event days, copies included."""
    seen = set[date]().union(*windows.values())
    text = statement("usage/happened")
    try:
        define_view(
            connection, LANDED_USAGE.name, LANDED_USAGE, night.lake.files(LANDED_USAGE, seen)
        )
        happened = connection.sql(
            text, params=used(text, {"late_days": night.settings.late_days})
        ).pl()
    except duckdb.Error as error:
        raise LakeError(f"{LANDED_USAGE.name}: {error}") from error
    return int(happened.filter(pl.col("event_day").is_in(list(windows)))["records"].sum())
