"""The engine of one machine: DuckDB, buckets side by side in threads.

Here: sharing this machine's threads between buckets. Not here: what a bucket's
task does (`duck`) and many machines (`spark`).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import duckdb

from mingdan.engines import duck
from mingdan.engines.jobs import Work
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
        self._share(work, connection)
        made = self._bucket(work, folder, connection, None) if work.unbucketed else []
        if buckets:
            workers = min(self.threads, len(buckets))
            # a thread a bucket: sharing threads between statements costs a fifth more CPU
            connection.execute(f"SET threads = {self.threads // workers}")
            with ThreadPoolExecutor(workers) as pool:
                for part in pool.map(partial(self._bucket, work, folder, connection), buckets):
                    made += part
        for result in work.job.shared:
            connection.execute(f"DROP TABLE IF EXISTS {result.name}")
        connection.execute(f"SET threads = {self.threads}")
        return made

    @staticmethod
    def _share(work: Work, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the shared results, which all cursors see."""
        texts = [work.texts[result.statement] for result in work.job.shared]
        for source in work.sources(texts, None):
            duck.open_source(connection, source)
        for result, text in zip(work.job.shared, texts, strict=True):
            duck.keep(connection, "TABLE", result.name, text, {**work.values, **result.parameters})

    @staticmethod
    def _bucket(
        work: Work, folder: Path, connection: duckdb.DuckDBPyConnection, bucket: int | None
    ) -> list[tuple[str, DataFile]]:
        with connection.cursor() as cursor:
            return duck.run(cursor, work.task(bucket), folder)
