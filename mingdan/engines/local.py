"""The engine of one machine: DuckDB, buckets side by side in threads.

Here: sharing this machine's threads between buckets, and what is shared by them. Not
here: what a bucket's task does (`duck`), rows split by bucket (`scatter`) and many
machines (`spark`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa

from mingdan.engines import duck
from mingdan.engines.jobs import Parameters, Work, named
from mingdan.engines.scatter import BATCH_ROWS, Scattered
from mingdan.tables import DataFile


class LocalEngine:
    """Carries work out in this process, with at most `threads` threads."""

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def make(
        self,
        work: Work,
        buckets: Sequence[int],
        folder: Path,
        connection: duckdb.DuckDBPyConnection,
    ) -> list[tuple[str, DataFile]]:
        """Files of all outputs, in `folder`, of these buckets (and of none).

        Raises duckdb.Error or OSError; the connection is then not to be used again.
        """
        scattered = self._share(work, folder, connection)
        bucket = partial(self._bucket, work, folder, connection, scattered)
        made = bucket(None) if work.unbucketed else []
        if buckets:
            workers = min(self.threads, len(buckets))
            # a thread a bucket: sharing threads between statements costs a fifth more CPU
            connection.execute(f"SET threads = {self.threads // workers}")
            with ThreadPoolExecutor(workers) as pool:
                for part in pool.map(bucket, buckets):
                    made += part
        for result in work.job.shared:
            if result.name not in scattered:
                connection.execute(f"DROP TABLE IF EXISTS {result.name}")
        connection.execute(f"SET threads = {self.threads}")
        return made

    @staticmethod
    def _share(
        work: Work, folder: Path, connection: duckdb.DuckDBPyConnection
    ) -> dict[str, Scattered]:
        """Make the shared results: tables, which all cursors see, or rows split by bucket.

        Split is what is made `over` an input and has buckets; whoever has none sees of it
        the rows that have none.
        """
        texts = [work.texts[result.statement] for result in work.job.shared]
        for source in work.sources(texts, None):
            duck.open_source(connection, source)
        scattered: dict[str, Scattered] = {}
        kept: list[str] = []
        for place, (result, text) in enumerate(zip(work.job.shared, texts, strict=True)):
            values = {**work.values, **result.parameters}
            described = duck.describe(connection, text, values)
            if not result.over or "bucket" not in described:
                duck.keep(connection, "TABLE", result.name, text, values)
                kept.append(result.name)
            else:
                rows = Scattered(folder / f"{result.name}.arrow", int(str(values["buckets"])))
                rows.take(_read(work, connection, text, values, described))
                scattered[result.name] = rows
                connection.register(result.name, rows.of(None))
            duck.let_go(connection, kept, [*texts[place + 1 :], *work.task_texts()])
        for name in scattered:
            connection.unregister(name)
        pa.default_memory_pool().release_unused()
        return scattered

    @staticmethod
    def _bucket(
        work: Work,
        folder: Path,
        connection: duckdb.DuckDBPyConnection,
        scattered: Mapping[str, Scattered],
        bucket: int | None,
    ) -> list[tuple[str, DataFile]]:
        task = work.task(bucket)
        texts = [text for _, text, _ in (*task.kept, *task.outputs)]
        with connection.cursor() as cursor:
            for name, rows in scattered.items():
                if named(name, texts):
                    cursor.register(name, rows.of(bucket))
            made = duck.run(cursor, task, folder)
            for name in scattered:
                cursor.unregister(name)
            pa.default_memory_pool().release_unused()
            return made


def _read(
    work: Work,
    connection: duckdb.DuckDBPyConnection,
    text: str,
    values: Parameters,
    described: Mapping[str, str],
) -> pa.RecordBatchReader:
    """A statement's rows as they come; texts of known values as the outputs will write them."""
    known = {
        column.name: column.sql_type
        for table, _ in work.job.outputs
        for column in table.columns
        if column.values and described.get(column.name) == column.type
    }
    cast = ", ".join(f'"{name}"::{kind} AS "{name}"' for name, kind in known.items())
    replaced = f" REPLACE ({cast})" if cast else ""
    body = text.strip().rstrip(";")
    rows = connection.sql(
        f"SELECT *{replaced} FROM ({body})",  # noqa: S608
        params=duck.used(text, values),
    )
    return rows.to_arrow_reader(BATCH_ROWS)
