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
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cache, cached_property, partial
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


@dataclass(frozen=True)
class Result:
    """A statement's rows kept under `name` for the statements after it."""

    name: str
    statement: str
    parameters: Parameters = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """The statements that make one day of one or more tables.

    `shared` results are made once, from whole inputs, and read by every
    statement after them; `each` likewise, but for every bucket, from inputs cut
    to it. `outputs` (table, statement) go to the lake.
    """

    inputs: Sequence[Read]
    outputs: Sequence[tuple[Table, str]]
    shared: Sequence[Result] = ()
    each: Sequence[Result] = ()


@cache
def statement(name: str) -> str:
    """The text of `sql/<name>.sql`, e.g. `statement("features/daily_pairs")`."""
    return (resource_files("sql") / f"{name}.sql").read_text(encoding="utf-8")


class Engine:
    """DuckDB over one lake, within the settings' threads and memory."""

    def __init__(self, lake: Lake, settings: Settings) -> None:
        self.lake = lake
        self.settings = settings

    @cached_property
    def _database(self) -> duckdb.DuckDBPyConnection:
        """One in-memory database, opened once: opening costs as much as a statement."""
        database = duckdb.connect(
            config={
                "threads": self.settings.threads,
                "memory_limit": self.settings.memory_limit,
                # made only when something spills
                "temp_directory": str(self.lake.root / "_staging" / f"spill-{uuid.uuid4().hex}"),
                "preserve_insertion_order": False,
            }
        )
        database.execute("SET enable_progress_bar = false")
        database.execute(statement("macros"))
        return database

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with the shared macros; what it makes temporary is its own.

        Raises LakeError for whatever the database refuses and nobody has caught.
        """
        connection = self._database.cursor()
        try:
            connection.execute("SET enable_progress_bar = false")
            yield connection
        except duckdb.Error as error:
            raise LakeError(str(error)) from error
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
            frame: pl.DataFrame = connection.sql(text, params=used(text, parameters or {})).pl()
            return frame

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
        job = Job(inputs=inputs, outputs=[(output, name)])
        return self.make(job, day, parameters, buckets=buckets)[0]

    def make(
        self,
        job: Job,
        day: date,
        parameters: Parameters | None = None,
        *,
        buckets: Iterable[int] | None = None,
        connection: duckdb.DuckDBPyConnection | None = None,
        check: Callable[[Mapping[str, int]], None] | None = None,
    ) -> tuple[Partition, ...]:
        """Replace `day` of every output of `job`, in the order they are named.

        Buckets (`buckets`: only these) run side by side, one a thread. A step
        that makes several days in a row may hand in one `connect`ion for all,
        which saves opening a database for each; after an error it is not to be
        used again. `check` sees the rows made per table before anything is
        replaced, and raises to leave the day as it was. Raises LakeError, the
        outputs not yet replaced being as they were.
        """
        if connection is None:
            with self.connect() as connection:
                return self.make(
                    job, day, parameters, buckets=buckets, connection=connection, check=check
                )
        bucketed = any(table.bucketed for table, _ in job.outputs)
        chosen = sorted(set(range(self.lake.buckets) if buckets is None else buckets))
        work = _Work(self, connection, job, parameters or {})
        with self.lake.staging() as folder:
            try:
                work.share()
                made = work.files(folder, None)
                if bucketed and chosen:
                    workers = min(self.settings.threads, len(chosen))
                    # a thread a bucket: sharing threads between statements costs a fifth more CPU
                    connection.execute(f"SET threads = {self.settings.threads // workers}")
                    with ThreadPoolExecutor(workers) as pool:
                        for part in pool.map(partial(work.files, folder), chosen):
                            made += part
                work.close(self.settings.threads)
            except (duckdb.Error, OSError) as error:
                tables = ", ".join(table.name for table, _ in job.outputs)
                raise LakeError(f"{tables} of {day}: {error}") from error
            if check is not None:
                rows = Counter({table.name: 0 for table, _ in job.outputs})
                for table, file in made:
                    rows[table.name] += file.rows
                check(rows)
            return tuple(
                self.lake.replace(
                    output,
                    day,
                    [file for table, file in made if table is output],
                    buckets=chosen if output.bucketed and buckets is not None else None,
                )
                for output, _ in job.outputs
            )

    def _view(self, connection: duckdb.DuckDBPyConnection, read: Read, bucket: int | None) -> None:
        cut = bucket if read.table.bucketed and not read.whole else None
        files = self.lake.files(read.table, read.days, bucket=cut)
        define_view(connection, read.name, read.table, files)


class _Work:
    """One job under way on one connection; a bucket has a cursor of its own."""

    def __init__(
        self,
        engine: Engine,
        connection: duckdb.DuckDBPyConnection,
        job: Job,
        parameters: Parameters,
    ) -> None:
        self.connection = connection
        self.job = job
        self.parameters = {**parameters, "buckets": engine.lake.buckets}
        # listing files costs milliseconds: once an input, not once a bucket
        self.listed = [(read, engine.lake.files(read.table, read.days)) for read in job.inputs]

    def share(self) -> None:
        """Make the shared results, which all cursors see."""
        self._open(self.connection, [result.statement for result in self.job.shared], None)
        for result in self.job.shared:
            self._keep(self.connection, "TABLE", result, self.parameters)

    def close(self, threads: int) -> None:
        """Leave the connection as it was handed in."""
        for result in self.job.shared:
            self.connection.execute(f"DROP TABLE IF EXISTS {result.name}")
        self.connection.execute(f"SET threads = {threads}")

    def files(self, folder: Path, bucket: int | None) -> list[tuple[Table, DataFile]]:
        """The outputs of one bucket (None: those without buckets) as files in `folder`."""
        bucketed = bucket is not None
        outputs = [(table, name) for table, name in self.job.outputs if table.bucketed == bucketed]
        each = self.job.each if bucketed else ()
        values = {**self.parameters, "bucket": bucket}
        with self.connection.cursor() as cursor:
            names = [result.statement for result in each] + [name for _, name in outputs]
            self._open(cursor, names, bucket)
            for result in each:
                self._keep(cursor, "TEMP TABLE", result, values)
            made = []
            for table, name in outputs:
                path = folder / f"{table.name}-{bucket}.parquet"
                rows = write_parquet(cursor, statement(name), table, path, values)
                made.append((table, DataFile(path, rows, bucket)))
            return made

    def _open(
        self, cursor: duckdb.DuckDBPyConnection, names: Sequence[str], bucket: int | None
    ) -> None:
        """Make the inputs these statements name readable, cut to the bucket."""
        texts = [statement(name) for name in names]
        for read, listed in self.listed:
            if not any(re.search(rf"\b{read.name}\b", text) for text in texts):
                continue
            files = listed
            if bucket is not None and read.table.bucketed and not read.whole:
                files = [file for file in listed if f"/bucket={bucket}/" in file]
            define_view(cursor, read.name, read.table, files)

    @staticmethod
    def _keep(
        cursor: duckdb.DuckDBPyConnection, what: str, result: Result, values: Parameters
    ) -> None:
        text = statement(result.statement)
        cursor.execute(
            f"CREATE OR REPLACE {what} {result.name} AS {text.strip().rstrip(';')}",
            used(text, {**values, **result.parameters}),
        ).fetchall()


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
        missing = _columns_added_since(table, files[0])
        source = (
            f"read_parquet([{listing}], hive_partitioning = true, hive_types_autocast = false, "
            f"union_by_name = {bool(missing)})"
        )
        if missing:
            source = f"(SELECT * FROM {source} UNION ALL BY NAME SELECT {missing} WHERE false)"  # noqa: S608
    else:
        empty = ", ".join(f'NULL::{column.type} AS "{column.name}"' for column in table.columns)
        source = f"(SELECT {empty}, NULL::DATE AS date, NULL::INTEGER AS bucket LIMIT 0)"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT {columns} FROM {source}")  # noqa: S608


def _columns_added_since(table: Table, oldest: str) -> str:
    """The columns, as nulls, that an unbucketed table's files of earlier days do not have yet."""
    if table.bucketed:
        return ""
    try:
        held = pl.read_parquet_schema(oldest)
    except (OSError, pl.exceptions.PolarsError):
        return ""  # whoever reads the file says what is wrong with it
    return ", ".join(
        f'NULL::{column.type} AS "{column.name}"'
        for column in table.columns
        if column.name not in held
    )


def write_parquet(
    connection: duckdb.DuckDBPyConnection,
    select: str,
    table: Table,
    path: Path,
    parameters: Parameters | None = None,
) -> int:
    """Write a SELECT's rows as one Parquet file of `table`'s columns; returns how many.

    The columns are taken by name and cast to the table's types; rows are in the
    table's sort order, so equal rows give equal bytes.
    """
    body = select.strip().rstrip(";")
    columns = ", ".join(
        f'"{column.name}"::{column.type} AS "{column.name}"' for column in table.columns
    )
    # Whether DuckDB writes a column as required depends on the statistics of its plan, so
    # equal rows could have unequal bytes; a row that never comes makes all columns optional.
    nothing = ", ".join(f"NULL::{column.type}" for column in table.columns)
    order = ", ".join(f'"{name}" NULLS LAST' for name in table.sort)
    target = str(path).replace("'", "''")
    result = connection.execute(
        f"COPY (SELECT * FROM (SELECT {columns} FROM ({body}) "  # noqa: S608
        f"UNION ALL SELECT {nothing} WHERE random() > 1) ORDER BY {order}) TO '{target}' "
        # large dictionaries and bloom filters cost a quarter of the time and save no space
        "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880, "
        "DICTIONARY_SIZE_LIMIT 2000, WRITE_BLOOM_FILTER false)",
        used(select, parameters or {}),
    ).fetchone()
    return int(result[0]) if result else 0
