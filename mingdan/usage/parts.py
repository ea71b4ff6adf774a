"""Parts: files of one source's records of one event day, as the lake keeps them.

Here: writing records as parts, finding copies across parts, and making a part
without some of its records. Not here: which files are read (`intake.py`) and
which parts make a day (`days.py`).

A part has the columns of `landed_usage` and of `usage`, so a part that holds no
copy of another delivery's record is a file of both tables: an event day is put
together by naming files, and nothing is written twice. Its rows stand in the
order they were delivered in, which costs no sort.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from mingdan.engine import statement
from mingdan.lake import DataFile, Lake
from mingdan.usage.tables import LANDED_USAGE, RECORD, USAGE

ROWS = 250_000
"""Records of a part, less one block: what is held in memory before it is written."""
COLUMNS = ("event_day", "delivered", *(column.name for column in RECORD))


class Parts:
    """Records of one delivery day on their way into parts, in a staging folder."""

    def __init__(self, folder: Path, day: date, connection: duckdb.DuckDBPyConnection) -> None:
        self.folder = folder
        self.day = day
        self.connection = connection
        self.written: list[DataFile] = []
        self._source = ""
        self._read: list[pl.DataFrame] = []
        self._apart: dict[date, list[pl.DataFrame]] = {}
        """Records of the days that come seldom, to make few files of them."""

    def add(self, records: pl.DataFrame) -> None:
        """Take records (columns of STAGED_USAGE) of one source, in their order."""
        if records.height:
            source: str = records["source"][0]
            if source != self._source:
                self.close()
                self._source = source
            self._read.append(records)
            if _height(self._read) >= ROWS:
                self._divide()

    def close(self) -> list[DataFile]:
        """Write what is held; all parts written."""
        self._divide()
        for event_day in sorted(self._apart):
            self._write(self._apart.pop(event_day))
        return self.written

    def _divide(self) -> None:
        """Give each record read an id and put it to those of its day."""
        if not self._read:
            return
        staged = pl.concat(self._read)
        self._read.clear()
        records = staged.drop("record_key").with_columns(
            record_id=_record_ids(self.connection, staged), delivered=pl.lit(self.day)
        )
        event_days = records["event_day"]
        for event_day in event_days.unique().sort():
            mask = event_days == event_day
            apart = self._apart.setdefault(event_day, [])
            apart.append(records if mask.all() else records.filter(mask))
            if _height(apart) >= ROWS // 2:
                self._write(self._apart.pop(event_day))

    def _write(self, records: list[pl.DataFrame]) -> None:
        self.written.append(write_part(pl.concat(records), self.folder))


def _height(frames: list[pl.DataFrame]) -> int:
    return sum(frame.height for frame in frames)


def _record_ids(connection: duckdb.DuckDBPyConnection, staged: pl.DataFrame) -> pl.Series:
    """The record_id of each record, in its order."""
    keys = staged.select("source", "record_key").with_row_index("nth")
    connection.register("staged_usage", keys.to_arrow())
    found = connection.sql(statement("usage/record_ids")).fetchnumpy()
    connection.unregister("staged_usage")
    ids = np.empty(staged.height, np.int64)
    ids[found["nth"]] = found["record_id"]
    return pl.Series("record_id", ids)


def write_part(records: pl.DataFrame, folder: Path) -> DataFile:
    """Write records as a part; equal records give equal bytes."""
    path = folder / f"part-{uuid.uuid4().hex}.parquet"
    records.select(COLUMNS).write_parquet(path, compression="lz4")
    return DataFile(path, records.height)


def no_part(folder: Path) -> DataFile:
    """A part without records, for a day that has none."""
    schema = Lake.schema(LANDED_USAGE) | Lake.schema(USAGE)
    return write_part(pl.DataFrame(schema=schema), folder)


def held(connection: duckdb.DuckDBPyConnection, parts: Sequence[str]) -> pl.DataFrame:
    """The event days of each part: part, event_day, records."""
    if not parts:
        return pl.DataFrame(schema={"part": pl.String, "event_day": pl.Date, "records": pl.Int64})
    with _rows(connection, parts):
        frame: pl.DataFrame = connection.sql(statement("usage/held")).pl()
        return frame


def copies(
    connection: duckdb.DuckDBPyConnection, parts: Sequence[str], event_day: date | None = None
) -> dict[str, pl.Series]:
    """By part, the places (0 = first) of its records that are copies of an earlier one.

    With `event_day` only that day's records are looked at. The earliest delivery of
    a record stands, then the first file and line.
    """
    if not parts:
        return {}
    with _rows(connection, parts):
        found = connection.sql(statement("usage/copies"), params={"event_day": event_day}).pl()
    return {str(part): rows["place"] for (part,), rows in found.group_by("part")}


def cut(
    part: str, folder: Path, *, wanted: pl.Expr | None = None, dropped: pl.Series | None = None
) -> DataFile:
    """A part made of another: its `wanted` records without those at the places `dropped`."""
    records = pl.read_parquet(part, hive_partitioning=True, try_parse_hive_dates=True)
    if "delivered" not in records.columns:  # a file from before there were parts
        records = records.with_columns(delivered="date")
    if dropped is not None:
        places = pl.int_range(pl.len(), dtype=pl.Int64)
        records = records.filter(~places.is_in(dropped.implode()))
    if wanted is not None:
        records = records.filter(wanted)
    return write_part(records, folder)


def linked(part: str, rows: int, folder: Path) -> DataFile:
    """A part as it is, under another name: the same file, or a copy where links cannot be."""
    path = folder / f"part-{uuid.uuid4().hex}.parquet"
    try:
        os.link(part, path)
    except OSError:
        shutil.copyfile(part, path)
    return DataFile(path, rows)


def is_part(file: str) -> bool:
    """Whether a file of landed records has the columns of `usage`, too."""
    return set(COLUMNS) <= pl.read_parquet_schema(file).keys()


@contextmanager
def _rows(connection: duckdb.DuckDBPyConnection, parts: Sequence[str]) -> Iterator[None]:
    """The records of parts, each with its file and its place in it."""
    listing = ", ".join("'" + part.replace("'", "''") + "'" for part in parts)
    source = f"read_parquet([{listing}], filename = 'part', file_row_number = true)"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW parts AS SELECT * FROM {source}")  # noqa: S608
    yield
    connection.execute("DROP VIEW parts")
