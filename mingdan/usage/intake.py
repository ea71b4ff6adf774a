"""Landing a day's usage files: each read once, every line accounted for.

Here: what is loaded, what is refused, and the tables of the delivery day. Not
here: a file's form (`text.py`, `lines.py`), a record's fields (`records.py`),
the ledger (`ledger.py`), event days (`days.py`).

All or nothing: if one file is refused the lake stays as it was, so that a night
never decides on half a day unless a person says so with a skip marker.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from mingdan.engine import define_view, statement, used, write_parquet
from mingdan.errors import InputRefused, LakeError
from mingdan.lake import DataFile, Partition
from mingdan.night import Night, Report
from mingdan.tables import Table
from mingdan.usage.delivery import Delivered, find
from mingdan.usage.ledger import Entry, facts, loaded_before, write_ledger
from mingdan.usage.lines import split_block
from mingdan.usage.records import STAGED_USAGE, Window, read_records
from mingdan.usage.tables import LANDED_USAGE, USAGE_QUARANTINE
from mingdan.usage.text import FileRefused, Limits, read_blocks

_ROWS_HELD = 250_000
"""Rows held in memory before they go to the staging folder."""
_STAGED_QUARANTINE = replace(USAGE_QUARANTINE, name="staged_quarantine")
_STAGED = (STAGED_USAGE, _STAGED_QUARANTINE)
_NAMED = 5
"""Refused files spelled out in one error."""


class Spool:
    """Records and set-aside lines of the files read so far, in a staging folder."""

    def __init__(self, folder: Path, day: date) -> None:
        self.folder = folder
        self.day = day
        self.files: dict[str, list[str]] = {table.name: [] for table in _STAGED}
        self._held: dict[str, list[pl.DataFrame]] = {table.name: [] for table in _STAGED}

    def add(self, records: pl.DataFrame, quarantine: pl.DataFrame) -> None:
        for table, frame in zip(_STAGED, (records, quarantine), strict=True):
            if frame.height:
                self._held[table.name].append(frame)
        if sum(frame.height for held in self._held.values() for frame in held) >= _ROWS_HELD:
            self.flush()

    def flush(self) -> None:
        """Put what is held on disk. Raises OSError or a Polars error if that fails."""
        for name, held in self._held.items():
            if held:
                path = self.folder / f"{name}-{len(self.files[name])}.parquet"
                frame = pl.concat(held).with_columns(date=pl.lit(self.day))
                frame.write_parquet(path, compression="lz4")
                self.files[name].append(str(path))
                held.clear()


def land(night: Night, day: date, *, only: str | None = None) -> Report:
    """Land the files delivered on `day`; the caller holds `night.lock()`.

    Writes landed_usage, usage_quarantine and usage_files of the delivery day.
    `only` reads one source's files and leaves the other sources' rows as they
    are. Landing again gives the same bytes.

    Raises MissingInput if a required source delivered nothing, InputRefused if a
    file is not as its spec says (naming each such file), LakeError if the disk
    refuses. After the first two the lake is as it was; after the last, landing
    again completes it.
    """
    found = find(night.settings, day, only)
    before = loaded_before(night.lake, day, night.settings.late_days)
    with night.lake.staging() as folder:
        spool = Spool(folder, day)
        entries: list[Entry] = []
        try:
            for file in found:
                entry = _entry(file, before)
                entries.append(entry)
                if entry.status == "loaded":
                    _read(entry, spool, night, day)
                    before.setdefault((file.source.name, entry.sha256), file.name)
            _stop_if_refused(entries, day)
            spool.flush()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise LakeError(f"cannot stage usage of {day}: {error}") from error
        landed, by_file = _write_landed(night, day, spool, only)
        aside = _write_quarantine(night, day, spool, only)
        # last: a day with a ledger is a day completely landed
        ledger = write_ledger(night.lake, day, entries, by_file, only)
    return Report(partitions=(landed, aside, ledger), facts=facts(night.lake, day))


def problem_of(file: Delivered, night: Night, day: date) -> str | None:
    """Why a landing would refuse this file, or None if it would not."""
    entry = Entry(file)
    with night.lake.staging() as folder:
        _read(entry, Spool(folder, day), night, day)
    return entry.problem


def _entry(file: Delivered, before: dict[tuple[str, str], str]) -> Entry:
    try:
        aside = file.set_aside
    except OSError as error:
        problem = f"{file.marker.name} cannot be read: {error.strerror}"
        return Entry(file, status="unreadable", problem=problem)
    try:
        entry = Entry(file, file.digest(), file.path.lstat().st_size)
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        return Entry(file, status="refused" if aside else "unreadable", problem=aside or problem)
    same = before.get((file.source.name, entry.sha256))
    if aside is not None:
        entry.status, entry.problem = "refused", aside
    elif same is not None:
        entry.status, entry.problem = "already_loaded", f"same content as {same}"
    return entry


def _read(entry: Entry, spool: Spool, night: Night, day: date) -> None:
    """Read a file into the spool; what makes it unacceptable becomes its problem."""
    source = entry.file.source
    window = Window.of(day, night.settings.late_days, source)
    limit = source.bad_rows_limit or night.settings.bad_rows_limit
    try:
        for block in read_blocks(entry.file.path, source, Limits.of(night.settings)):
            lines = split_block(block, source)
            records, quarantine = read_records(lines, source, window, entry.file.name)
            entry.received += lines.rows
            counted = quarantine.group_by("reason", "field").len()
            entry.reasons.update({(row[0], row[1]): row[2] for row in counted.iter_rows()})
            # a good row has all its delimiters: no file holds more of them than this
            to_come = block.left // len(source.file.names)
            if entry.quarantined > limit * (entry.received + to_come):
                raise FileRefused(_too_many_bad(entry, limit, more=to_come > 0))
            spool.add(records, quarantine)
        if entry.quarantined > limit * entry.received:
            raise FileRefused(_too_many_bad(entry, limit))
    except FileRefused as error:
        entry.status, entry.problem = "unreadable", str(error)


def _too_many_bad(entry: Entry, limit: float, *, more: bool = False) -> str:
    """The words for it; `more`: the file was not read to its end."""
    worst = ", ".join(
        f"{count} {reason}" + (f" ({column})" if column else "")
        for (reason, column), count in entry.reasons.most_common(3)
    )
    share = entry.quarantined / entry.received
    first = "the first " if more else ""
    text = (
        f"{entry.quarantined} of {first}{entry.received} rows are bad ({share:.1%}), "
        f"the limit is {limit:.0%}: {worst}"
    )
    if entry.reasons[("undecodable", None)] > limit * entry.received:
        text += f"; the declared encoding {entry.file.source.file.encoding} looks wrong"
    return text


def _stop_if_refused(entries: list[Entry], day: date) -> None:
    wrong = [entry for entry in entries if entry.status == "unreadable"]
    if not wrong:
        return
    what = "\n".join(f"{entry.file.name}: {entry.problem}" for entry in wrong[:_NAMED])
    more = f"\n... and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
    raise InputRefused(
        f"nothing of {day} was landed, the lake is as it was.\n{what}{more}\n"
        f"Have it delivered again, or go on without it: "
        f"mingdan ingest {day} --skip {wrong[0].file.name}"
    )


def _write_landed(
    night: Night, day: date, spool: Spool, only: str | None
) -> tuple[Partition, pl.DataFrame]:
    """The day's landed_usage, and what of each file is in it."""
    with _writing(night, day, spool, only, STAGED_USAGE, LANDED_USAGE) as (connection, partition):
        written = night.lake.files(LANDED_USAGE, [day])
        define_view(connection, LANDED_USAGE.name, LANDED_USAGE, written)
        text = statement("usage/landed_by_file")
        return partition, connection.sql(text, params=used(text, {"day": day})).pl()


def _write_quarantine(night: Night, day: date, spool: Spool, only: str | None) -> Partition:
    """The day's usage_quarantine: by DuckDB, for it may be too large for memory."""
    with _writing(night, day, spool, only, _STAGED_QUARANTINE, USAGE_QUARANTINE) as (_, partition):
        return partition


@contextmanager
def _writing(
    night: Night, day: date, spool: Spool, only: str | None, staged: Table, table: Table
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Partition]]:
    """The day of a table made of what is staged and, with `only`, of the other sources' rows."""
    target = spool.folder / f"{table.name}.parquet"
    kept = [] if only is None else night.lake.files(table, [day])
    landing = {"landing": [] if only is None else [only]}
    try:
        with night.engine.connect() as connection:
            define_view(connection, staged.name, staged, spool.files[staged.name])
            define_view(connection, table.name, table, kept)
            text = statement(f"usage/{table.name}")
            rows = write_parquet(connection, text, table, target, landing)
            yield connection, night.lake.replace(table, day, [DataFile(target, rows)])
    except (duckdb.Error, OSError) as error:
        raise LakeError(f"{table.name} of {day}: {error}") from error
