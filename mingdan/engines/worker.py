"""What runs inside a Spark task: DuckDB, one thread, one task of an engine's work.

Here: everything a worker of the cluster calls; it needs Mingdan and DuckDB there,
and the lake at the same path. Not here: the driver's side (`spark.py`).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from mingdan.engines import duck
from mingdan.engines.jobs import Task
from mingdan.errors import LakeError

MADE = "name string, path string, rows long, bucket int, problem string, cpu_seconds double"
"""What a task answers, a row a file; a statement that is refused answers why instead."""
_SCHEMA = pa.schema(
    [
        ("name", pa.string()),
        ("path", pa.string()),
        ("rows", pa.int64()),
        ("bucket", pa.int32()),
        ("problem", pa.string()),
        ("cpu_seconds", pa.float64()),
    ]
)


_ELSEWHERE = (
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    # the database is of no more use, and ends with its process
    duckdb.FatalException,
    duckdb.InternalException,
)
"""What may go well in another process."""


@dataclass(frozen=True)
class Plan:
    """The tasks of one Spark job (a broadcast variable) and where their files go."""

    tasks: Any
    folder: Path
    memory_limit: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """For `mapInArrow` over a frame of task numbers (`id`).

        What may go well elsewhere is raised, so that Spark tries that; what DuckDB
        refuses would be refused everywhere, and is answered.
        """
        for batch in batches:
            for number in batch.column("id").to_pylist():
                yield _answer(self.tasks.value[number], self.folder, self.memory_limit)


def _answer(task: Task, folder: Path, memory_limit: str) -> pa.RecordBatch:
    began = time.process_time()
    try:
        with _database(memory_limit).cursor() as cursor:
            made = duck.run(cursor, task, folder)
    except _ELSEWHERE:
        raise
    except (duckdb.Error, LakeError) as error:
        return pa.RecordBatch.from_pylist([{"problem": str(error)}], schema=_SCHEMA)
    spent = time.process_time() - began
    rows: list[dict[str, object]] = [
        {"name": name, "path": str(file.path), "rows": file.rows, "bucket": file.bucket}
        for name, file in made
    ]
    rows[0]["cpu_seconds"] = spent
    return pa.RecordBatch.from_pylist(rows, schema=_SCHEMA)


@cache
def _database(memory_limit: str) -> duckdb.DuckDBPyConnection:
    """One a worker process: Spark reuses these, and opening costs as much as a statement."""
    local = os.environ.get("SPARK_LOCAL_DIRS", "").partition(",")[0] or tempfile.gettempdir()
    spill = Path(local) / f"mingdan-spill-{os.getpid()}"
    return duck.database(1, memory_limit, spill)
