"""Runs the statements of `sql/` over the lake and replaces the days they make.

Here: the one door to an engine: a day made, checked, committed. Not here: the
engines themselves (`engines/`: DuckDB in this process, or in Spark's tasks), what
a statement says (`sql/`) and which statements a stage runs (`mingdan/<stage>/`).
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Protocol

import duckdb
import polars as pl

from mingdan.engines.duck import database, define_view, statement, used, write_parquet
from mingdan.engines.jobs import Comparison, Job, Parameters, Read, Result, Work
from mingdan.engines.local import LocalEngine
from mingdan.errors import LakeError
from mingdan.lake import DataFile, Lake, Partition, sha256
from mingdan.settings import Settings
from mingdan.tables import Table

__all__ = [
    "Comparison",
    "Engine",
    "Job",
    "Parameters",
    "Read",
    "Result",
    "define_view",
    "statement",
    "used",
    "write_parquet",
]


class Backend(Protocol):
    """Who carries work out; every back end gives the same bytes."""

    def make(
        self,
        work: Work,
        buckets: Sequence[int],
        folder: Path,
        connection: duckdb.DuckDBPyConnection,
    ) -> list[tuple[str, DataFile]]:
        """Files of all outputs, in `folder`, by table name."""


class Engine:
    """One lake's engine, within the settings' threads and memory."""

    def __init__(self, lake: Lake, settings: Settings) -> None:
        self.lake = lake
        self.settings = settings
        self._made: dict[str, Work] = {}
        """By table, what was made last: `compare` makes it again."""

    @cached_property
    def backend(self) -> Backend:
        """Who carries work out, as the setting `engine` says."""
        if self.settings.engine == "spark":
            # imported late: Spark is an extra
            from mingdan.engines.spark import SparkEngine

            return SparkEngine(self.settings)
        return LocalEngine(self.settings.threads)

    @cached_property
    def _database(self) -> duckdb.DuckDBPyConnection:
        """One in-memory database, opened once: opening costs as much as a statement."""
        spill = self.lake.root / "_staging" / f"spill-{uuid.uuid4().hex}"
        return database(self.settings.threads, self.settings.memory_limit, spill)

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
                files = self.lake.files(read.table, read.days)
                define_view(connection, read.name, read.table, files)
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

        Buckets (`buckets`: only these) run side by side. A step that makes several
        days in a row may hand in one `connect`ion for all, which saves opening a
        database for each; after an error it is not to be used again. `check` sees
        the rows made per table before anything is replaced, and raises to leave the
        day as it was. Raises LakeError, the outputs not yet replaced being as they
        were.
        """
        if connection is None:
            with self.connect() as connection:
                return self.make(
                    job, day, parameters, buckets=buckets, connection=connection, check=check
                )
        bucketed = any(table.bucketed for table, _ in job.outputs)
        chosen = sorted(set(range(self.lake.buckets) if buckets is None else buckets))
        work = self._work(job, day, parameters or {})
        with self.lake.staging() as folder:
            try:
                made = self.backend.make(work, chosen if bucketed else (), folder, connection)
            except (duckdb.Error, OSError, LakeError) as error:
                tables = ", ".join(table.name for table, _ in job.outputs)
                raise LakeError(f"{tables} of {day}: {error}") from error
            if check is not None:
                rows = Counter({table.name: 0 for table, _ in job.outputs})
                for table, file in made:
                    rows[table] += file.rows
                check(rows)
            self._made |= {table.name: work for table, _ in job.outputs}
            return tuple(
                self.lake.replace(
                    output,
                    day,
                    [file for table, file in made if table == output.name],
                    buckets=chosen if output.bucketed and buckets is not None else None,
                )
                for output, _ in job.outputs
            )

    def compare(self, table: Table, day: date) -> Comparison | None:
        """Make one bucket of `day`, another each day, again with DuckDB in this process.

        All bucketed tables made together with `table` are compared, byte by byte, from
        the very files they were made of: it costs a bucket's share of the step (shared
        results are made whole). None if there is nothing to compare: this engine did
        not make that day, or made it so in the first place. Raises LakeError.
        """
        work = self._made.get(table.name)
        if self.settings.engine == "duckdb" or work is None or work.day != day:
            return None
        bucket = day.toordinal() % self.lake.buckets
        tables = tuple(output for output, _ in work.job.outputs if output.bucketed)
        again = LocalEngine(self.settings.threads)
        with self.lake.staging() as folder, self.connect() as connection:
            made = again.make(work, [bucket], folder, connection)
            digests = {name: sha256(file.path) for name, file in made if file.bucket == bucket}
        held = {
            output.name: [Path(file).stem for file in self.lake.files(output, [day], bucket=bucket)]
            for output in tables
        }
        return Comparison(
            bucket,
            tuple(held),
            tuple(name for name, stems in held.items() if stems != [digests[name]]),
        )

    def _work(self, job: Job, day: date, parameters: Parameters) -> Work:
        """The job with the files it reads as the lake has them now."""
        return Work(
            job=job,
            day=day,
            texts={name: statement(name) for name in job.statements},
            values={**parameters, "buckets": self.lake.buckets},
            listed={read.name: self._listed(read) for read in job.inputs},
        )

    def _listed(self, read: Read) -> Mapping[int | None, tuple[str, ...]]:
        files = self.lake.files(read.table, read.days)
        by_bucket: defaultdict[int, list[str]] = defaultdict(list)
        for file in files if read.table.bucketed else ():
            by_bucket[int(Path(file).parent.name.removeprefix("bucket="))].append(file)
        return {None: tuple(files), **{cut: tuple(held) for cut, held in by_bucket.items()}}
