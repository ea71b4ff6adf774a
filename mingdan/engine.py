"""Runs one statement of `sql/` over the lake: DuckDB, a bucket at a time.

Here: how inputs become views, how the result becomes the lake's files, and
how much of the machine a statement may use. Not here: what a statement says
(`sql/`) and which statements a stage runs (`mingdan/<stage>/`).

A statement is a single SELECT that names its inputs by their table name, takes
named parameters (`$name`) and ends in a total ORDER BY, so equal inputs give
equal bytes. Each run has its own in-memory database: nothing is shared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files as resource_files
from pathlib import Path

import duckdb
import polars as pl

from mingdan.errors import LakeError
from mingdan.lake import DataFile, Lake, Partition
from mingdan.settings import Settings
from mingdan.tables import Table

Parameters = Mapping[str, object]


@dataclass(frozen=True)
class Read:
    """Days of a table as an input; the statement sees it under `alias`.

    The view has the table's columns plus `date` (and `bucket`). An input of a
    bucketed table is cut to the bucket being run unless `whole` is set.
    """

    table: Table
    days: Sequence[date]
    alias: str = ""
    whole: bool = False

    @property
    def name(self) -> str:
        return self.alias or self.table.name


@cache
def statement(name: str) -> str:
    """The text of `sql/<name>.sql`, e.g. `statement("features/daily_pairs")`."""
    return (resource_files("sql") / f"{name}.sql").read_text(encoding="utf-8")


class Engine:
    """DuckDB over one lake, within the settings' threads and memory."""

    def __init__(self, lake: Lake, settings: Settings) -> None:
        self.lake = lake
        self.settings = settings

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A private in-memory database with the shared macros, spilling beside the lake."""
        with self.lake.staging() as folder:
            connection = duckdb.connect(
                config={
                    "threads": self.settings.threads,
                    "memory_limit": self.settings.memory_limit,
                    "temp_directory": str(folder),
                    "preserve_insertion_order": False,
                }
            )
            try:
                connection.execute("SET enable_progress_bar = false")
                connection.execute(statement("macros"))
                yield connection
            finally:
                connection.close()

    def query(
        self, name: str, inputs: Sequence[Read] = (), parameters: Parameters | None = None
    ) -> pl.DataFrame:
        """The result of a statement as a frame, for small results only."""
        with self.connect() as connection:
            for read in inputs:
                self._view(connection, read, None)
            text = statement(name)
            return connection.sql(text, params=used(text, parameters or {})).pl()

    def run(
        self,
        name: str,
        *,
        inputs: Sequence[Read],
        output: Table,
        day: date,
        parameters: Parameters | None = None,
        buckets: Iterable[int] | None = None,
    ) -> Partition:
        """Replace `day` of `output` by the statement's rows.

        A bucketed output is made a bucket at a time (`buckets`: only these); the
        statement then sees its bucketed inputs cut to that bucket, and may use
        `$bucket` and `$buckets`. Raises LakeError, the day being as it was.
        """
        chosen = sorted(set(range(self.lake.buckets) if buckets is None else buckets))
        with self.connect() as connection, self.lake.staging() as folder:
            try:
                if output.bucketed:
                    files = [
                        file
                        for bucket in chosen
                        for file in self._copy(
                            connection, name, inputs, output, parameters, folder, bucket
                        )
                    ]
                else:
                    files = self._copy(connection, name, inputs, output, parameters, folder, None)
            except (duckdb.Error, OSError) as error:
                raise LakeError(f"{output.name} of {day}: {error}") from error
            return self.lake.replace(
                output, day, files, buckets=chosen if output.bucketed and buckets else None
            )

    def _copy(
        self,
        connection: duckdb.DuckDBPyConnection,
        name: str,
        inputs: Sequence[Read],
        output: Table,
        parameters: Parameters | None,
        folder: Path,
        bucket: int | None,
    ) -> list[DataFile]:
        for read in inputs:
            self._view(connection, read, bucket)
        values = dict(parameters or {})
        text = statement(name)
        if bucket is not None:
            values |= {"bucket": bucket, "buckets": self.lake.buckets}
        path = folder / f"{output.name}-{bucket}.parquet"
        rows = write_parquet(connection, text, output, path, values)
        return [DataFile(path, rows, bucket)]

    def _view(
        self, connection: duckdb.DuckDBPyConnection, read: Read, bucket: int | None
    ) -> None:
        cut = bucket if read.table.bucketed and not read.whole else None
        files = self.lake.files(read.table, read.days, bucket=cut)
        define_view(connection, read.name, read.table, files)


def used(text: str, parameters: Parameters) -> dict[str, object]:
    """The parameters a statement names: DuckDB refuses any it does not use."""
    named = set(re.findall(r"\$([a-z_]+)", text))
    return {name: value for name, value in parameters.items() if name in named}


def define_view(
    connection: duckdb.DuckDBPyConnection, name: str, table: Table, files: Sequence[str]
) -> None:
    """Make the Parquet `files` of a lake table readable under `name` (none: empty)."""
    columns = ", ".join(
        [f'"{column.name}"::{column.type} AS "{column.name}"' for column in table.columns]
        + ["date::DATE AS date"]
        + (["bucket::INTEGER AS bucket"] if table.bucketed else [])
    )
    if files:
        listing = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        source = f"read_parquet([{listing}], hive_partitioning = true, hive_types_autocast = false)"  # noqa: S608, E501
    else:
        empty = ", ".join(
            f'NULL::{column.type} AS "{column.name}"' for column in table.columns
        )
        source = f"(SELECT {empty}, NULL::DATE AS date, NULL::INTEGER AS bucket LIMIT 0)"  # noqa: S608
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT {columns} FROM {source}")  # noqa: S608


def write_parquet(
    connection: duckdb.DuckDBPyConnection,
    select: str,
    table: Table,
    path: Path,
    parameters: Parameters | None = None,
) -> int:
    """Write a SELECT's rows as one Parquet file of `table`'s columns; returns how many.

    The columns are taken by name and cast to the table's types. Row order is
    the statement's own ORDER BY, which DuckDB keeps through the projection.
    """
    body = select.strip().rstrip(";")
    columns = ", ".join(
        f'"{column.name}"::{column.type} AS "{column.name}"' for column in table.columns
    )
    order = ", ".join(f'"{name}" NULLS LAST' for name in table.sort)
    target = str(path).replace("'", "''")
    result = connection.execute(
        f"COPY (SELECT {columns} FROM ({body}) ORDER BY {order}) TO '{target}' "  # noqa: S608
        "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)",
        used(select, parameters or {}),
    ).fetchone()
    return int(result[0]) if result else 0
