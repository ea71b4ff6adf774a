"""The ledger of files: what was found for a delivery day and what became of it.

Here: `usage_files`, the content already loaded, and the counts of a landing. Not
here: reading a file and deciding on it (`intake.py`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

import polars as pl

from mingdan.lake import Lake, Partition
from mingdan.tables import Table
from mingdan.usage.delivery import Delivered
from mingdan.usage.tables import USAGE_FILES

Row = dict[str, object]


@dataclass
class Entry:
    """One file of a landing. `unreadable` never reaches the ledger: it stops the landing."""

    file: Delivered
    sha256: str = ""
    size: int = 0
    status: Literal["loaded", "refused", "already_loaded", "unreadable"] = "loaded"
    problem: str | None = None
    received: int = 0
    reasons: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    """Lines set aside, by reason and column."""

    @property
    def quarantined(self) -> int:
        return sum(self.reasons.values())


def loaded_before(lake: Lake, day: date, late_days: int) -> dict[tuple[str, str], str]:
    """The file each content (source, SHA-256) was loaded from in the days before `day`."""
    first = day - timedelta(days=late_days)
    window = [other for other in lake.days(USAGE_FILES) if first <= other < day]
    rows = lake.scan(USAGE_FILES, window).filter(pl.col("status") == "loaded")
    seen: dict[tuple[str, str], str] = {}
    columns = rows.sort("date", "file").select("source", "sha256", "file").collect()
    for source, sha256, file in columns.iter_rows():
        seen.setdefault((source, sha256), file)
    return seen


def write_ledger(
    lake: Lake, day: date, entries: list[Entry], landed: pl.DataFrame, only: str | None
) -> Partition:
    """Replace the day's ledger, or the rows of source `only`.

    `landed` holds what `sql/usage/landed_by_file.sql` says of each source_file.
    """
    by_file = {str(row["source_file"]): row for row in landed.iter_rows(named=True)}
    before = {
        str(row["file"]): row
        for row in rows_of_day(lake, USAGE_FILES, day).iter_rows(named=True)
        if only in (None, row["source"])
    }
    rows = [_row(entry, by_file, before.pop(entry.file.name, None)) for entry in entries]
    # A file that has left the folder took its records with it: the event days it
    # touched must be built again, so its row stays and says so.
    rows += [_gone(row) for row in before.values() if row["event_days"]]
    frame = pl.DataFrame(rows, schema=Lake.schema(USAGE_FILES), orient="row")
    return lake.write(USAGE_FILES, day, pl.concat([frame, others(lake, USAGE_FILES, day, only)]))


def others(lake: Lake, table: Table, day: date, only: str | None) -> pl.DataFrame:
    """Rows of the sources a landing of `only` leaves alone (none if it lands all)."""
    rows = rows_of_day(lake, table, day)
    return rows.clear() if only is None else rows.filter(pl.col("source") != only)


def rows_of_day(lake: Lake, table: Table, day: date) -> pl.DataFrame:
    """A day of a small table, without the partition column."""
    return lake.scan(table, [day]).drop("date").collect()


def facts(lake: Lake, day: date) -> dict[str, int | float | str]:
    """Files by status and summed row counts of a delivery day."""
    rows = rows_of_day(lake, USAGE_FILES, day)
    statuses = Counter(rows["status"])
    counts = [name for name in USAGE_FILES.names if name.startswith("rows_")]
    return {
        "files": rows.height,
        "files_loaded": statuses["loaded"],
        "files_already_loaded": statuses["already_loaded"],
        "files_refused": statuses["refused"],
        **{name: int(rows[name].sum()) for name in counts},
    }


def _row(entry: Entry, by_file: dict[str, Row], before: Row | None) -> Row:
    counts = by_file.get(entry.file.name, {"rows_landed": 0, "rows_late": 0, "event_days": ""})
    landed = int(str(counts["rows_landed"]))
    # Days an earlier load of this name had touched are built again, too.
    listed = f"{counts['event_days']},{(before or {}).get('event_days') or ''}"
    touched = sorted({event_day for event_day in listed.split(",") if event_day})
    return {
        "source": entry.file.source.name,
        "file": entry.file.name,
        "sha256": entry.sha256,
        "size_bytes": entry.size,
        "status": entry.status,
        "problem": entry.problem,
        "rows_received": entry.received,
        "rows_landed": landed,
        "rows_quarantined": entry.quarantined,
        "rows_duplicate": entry.received - entry.quarantined - landed,
        "rows_late": counts["rows_late"],
        "first_event": counts.get("first_event"),
        "last_event": counts.get("last_event"),
        "event_days": ",".join(touched) or None,
    }


def _gone(row: Row) -> Row:
    zeros: Row = {name: 0 for name in row if name.startswith("rows_")}
    zeros |= {"first_event": None, "last_event": None}
    problem = "no longer in the landing folder: its records were taken out"
    return {**row, **zeros, "status": "refused", "problem": problem}
