"""Landing a day's usage files: each read once, every line accounted for.

Here: what is loaded, what is refused, and the tables of the delivery day. Not
here: a file's form (`text.py`, `lines.py`), a record's fields (`records.py`),
the ledger (`ledger.py`), event days (`days.py`).

All or nothing: if one file is refused the lake stays as it was, so that a night
never decides on half a day unless a person says so with a skip marker.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from mingdan.engine import define_view, statement, used, write_parquet
from mingdan.errors import InputRefused, LakeError
from mingdan.lake import DataFile, Partition
from mingdan.night import Night, Report
from mingdan.usage.delivery import Delivered, find
from mingdan.usage.ledger import Entry, facts, loaded_before, write_ledger
from mingdan.usage.packed import FileRefused, Limits
from mingdan.usage.parts import Parts, copies, cut, no_part
from mingdan.usage.reading import read_lines
from mingdan.usage.records import Window, read_records
from mingdan.usage.tables import LANDED_USAGE, USAGE_QUARANTINE

_LINES_HELD = 100_000
"""Lines set aside held in memory before they go to the staging folder."""
_STAGED_QUARANTINE = replace(USAGE_QUARANTINE, name="staged_quarantine")
_CHANGED = (
    "changed while it was read: write a file under a name beginning with a dot, and rename it"
)
_NAMED = 5
"""Refused files spelled out in one error."""


class Spool:
    """Records and set-aside lines of the files read so far, in a staging folder."""

    def __init__(self, folder: Path, day: date, connection: duckdb.DuckDBPyConnection) -> None:
        self.folder = folder
        self.day = day
        self.parts = Parts(folder, day, connection)
        self.aside: list[str] = []
        self._held: list[pl.DataFrame] = []

    def add(self, records: pl.DataFrame, quarantine: pl.DataFrame) -> None:
        self.parts.add(records)
        if quarantine.height:
            self._held.append(quarantine)
            if sum(frame.height for frame in self._held) >= _LINES_HELD:
                self.flush()

    def flush(self) -> None:
        """Put the lines set aside on disk. Raises OSError or a Polars error if that fails."""
        if self._held:
            path = self.folder / f"{_STAGED_QUARANTINE.name}-{len(self.aside)}.parquet"
            frame = pl.concat(self._held).with_columns(date=pl.lit(self.day))
            frame.write_parquet(path, compression="lz4")
            self.aside.append(str(path))
            self._held.clear()


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
    with night.lake.staging() as folder, night.engine.connect() as connection:
        spool = Spool(folder, day, connection)
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
            parts = _parts(night, day, spool, only)
        except (pl.exceptions.PolarsError, duckdb.Error, OSError) as error:
            raise LakeError(f"cannot stage usage of {day}: {error}") from error
        landed = night.lake.replace(LANDED_USAGE, day, parts)
        aside = _write_quarantine(night, day, spool, connection, only)
        by_file = _by_file(night, day, connection)
        # last: a day with a ledger is a day completely landed
        ledger = write_ledger(night.lake, day, entries, by_file, only)
    return Report(partitions=(landed, aside, ledger), facts=facts(night.lake, day))


def problem_of(file: Delivered, night: Night, day: date) -> str | None:
    """Why a landing would refuse this file, or None if it would not."""
    entry = _entry(file, {})
    if entry.sha256:
        entry = Entry(file, entry.sha256)
        with night.lake.staging() as folder, night.engine.connect() as connection:
            _read(entry, Spool(folder, day, connection), night, day)
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
        for lines, to_come in read_lines(entry.file.path, source, Limits.of(night.settings)):
            records, quarantine = read_records(lines, source, window, entry.file.name)
            entry.received += lines.rows
            counted = quarantine.group_by("reason", "field").len()
            entry.reasons.update({(row[0], row[1]): row[2] for row in counted.iter_rows()})
            if entry.quarantined > limit * (entry.received + to_come):
                raise FileRefused(_too_many_bad(entry, limit, more=to_come > 0))
            spool.add(records, quarantine)
        if entry.quarantined > limit * entry.received:
            raise FileRefused(_too_many_bad(entry, limit))
        problem = None
    except FileRefused as error:
        problem = str(error)
    # whatever else is wrong with it: half a file is no file
    problem = _CHANGED if _changed(entry) else problem
    if problem is not None:
        entry.status, entry.problem = "unreadable", problem


def _changed(entry: Entry) -> bool:
    """Whether the file is another than the ledger says; one that is gone by now was read."""
    try:
        return entry.file.digest() != entry.sha256
    except OSError:
        return False


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


def _parts(night: Night, day: date, spool: Spool, only: str | None) -> list[DataFile]:
    """The day's parts: those read now, copies taken out, and the other sources' as they are."""
    read = {str(part.path): part for part in spool.parts.close()}
    for path, dropped in copies(spool.parts.connection, sorted(read)).items():
        read[path] = cut(path, spool.folder, dropped=dropped)
    parts = list(read.values())
    for file in [] if only is None else night.lake.files(LANDED_USAGE, [day]):
        sources = pl.read_parquet(file, columns=["source"], hive_partitioning=False)["source"]
        if only not in sources:
            parts.append(DataFile(Path(file), sources.len()))
        elif sources.n_unique() > 1:
            parts.append(cut(file, spool.folder, wanted=pl.col("source") != only))
    return [part for part in parts if part.rows] or [no_part(spool.folder)]


def _by_file(night: Night, day: date, connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """What of each file is in landed_usage."""
    files = night.lake.files(LANDED_USAGE, [day])
    define_view(connection, LANDED_USAGE.name, LANDED_USAGE, files)
    text = statement("usage/landed_by_file")
    frame: pl.DataFrame = connection.sql(text, params=used(text, {"day": day})).pl()
    return frame


def _write_quarantine(
    night: Night, day: date, spool: Spool, connection: duckdb.DuckDBPyConnection, only: str | None
) -> Partition:
    """The day's usage_quarantine, of what was set aside and, with `only`, the other sources' rows.

    By DuckDB, for it may be too large for memory.
    """
    table = USAGE_QUARANTINE
    target = spool.folder / f"{table.name}.parquet"
    kept = [] if only is None else night.lake.files(table, [day])
    landing = {"landing": [] if only is None else [only]}
    try:
        define_view(connection, _STAGED_QUARANTINE.name, _STAGED_QUARANTINE, spool.aside)
        define_view(connection, table.name, table, kept)
        text = statement(f"usage/{table.name}")
        rows = write_parquet(connection, text, table, target, landing)
    except (duckdb.Error, OSError) as error:
        raise LakeError(f"{table.name} of {day}: {error}") from error
    return night.lake.replace(table, day, [DataFile(target, rows)])
