"""The engine of many machines: DuckDB inside the tasks of Apache Spark.

Here: a job as Spark jobs: what is shared made in pieces, then a task a bucket.
Not here: what a task does (`worker`, `duck`) and how to run a cluster
(docs/scale-out.md).

Spark schedules, places and retries; it never sees a record. The one shuffle, of a
day's usage into buckets, goes through files: a task guides a piece of the day and
stores it clustered by bucket, and a bucket's task reads its row groups of every
piece. Files are written under names never reused into the job's staging folder,
and this process alone commits them, so a task that dies or runs twice leaves
nothing behind.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from mingdan.engines import duck
from mingdan.engines.jobs import Result, Source, Task, Work, named
from mingdan.engines.worker import MADE, Plan
from mingdan.errors import LakeError, WrongUsage
from mingdan.settings import Settings
from mingdan.tables import DataFile

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PIECE_ROWS = 4_000_000
"""Rows of an input guided in one task: some seconds of work, some hundred megabytes."""
_OWN_SESSION = {
    "spark.ui.enabled": "false",  # it has no login
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.io.encryption.enabled": "true",  # a task names keys
}


@dataclass
class Spent:
    """What an engine has used so far."""

    tasks: int = 0
    cpu_seconds: float = 0.0
    """Of DuckDB and Python inside tasks; Spark's own is not counted."""
    shuffled_bytes: int = 0
    """Of results stored by tasks for other tasks."""


class SparkEngine:
    """Carries work out on a Spark cluster whose workers see the lake's folder."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.spent = Spent()

    def make(
        self,
        work: Work,
        buckets: Sequence[int],
        folder: Path,
        connection: duckdb.DuckDBPyConnection,
    ) -> list[tuple[str, DataFile]]:
        """Files of all outputs, in `folder`, of these buckets (and of none).

        Results that are shared but not `over` an input are made in this process.
        Raises LakeError if a statement is refused or Spark gives up.
        """
        shared = self._share(work, folder, connection)
        wanted = [*([None] if work.unbucketed else []), *buckets]
        return self._run([work.task(bucket, shared) for bucket in wanted], folder)

    def _share(
        self, work: Work, folder: Path, connection: duckdb.DuckDBPyConnection
    ) -> list[Source]:
        """The shared results as files that every task can read."""
        made: list[Source] = []
        for root, group in _groups(work):
            results = tuple(
                (result.name, work.texts[result.statement], {**work.values, **result.parameters})
                for result in group
            )
            texts = [text for _, text, _ in results]
            sources = [source for source in made if named(source.name, texts)]
            sources += work.sources(texts, None)
            if root:
                others = tuple(source for source in sources if source.name != root)
                (whole,) = (source for source in sources if source.name == root)
                pieces = _pieces(whole, connection)
                files = self._run(
                    [Task((piece, *others), stored=results) for piece in pieces], folder
                )
                self.spent.shuffled_bytes += sum(file.path.stat().st_size for _, file in files)
            else:
                files = duck.run(connection, Task(tuple(sources), stored=results), folder)
            for name, _, _ in results:
                found = tuple(str(file.path) for stored, file in files if stored == name)
                made.append(Source(name, None, found))
        return made

    def _run(self, tasks: Sequence[Task], folder: Path) -> list[tuple[str, DataFile]]:
        """One Spark job, one Spark task a task."""
        need_spark()
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        try:
            spark = session(self.settings)
            sent = spark.sparkContext.broadcast(tasks)
            plan = Plan(sent, folder, self.settings.memory_limit)
            frame = spark.range(0, len(tasks), 1, len(tasks))
            rows = frame.mapInArrow(plan, MADE).collect()
            sent.unpersist()
        except (PySparkException, Py4JError, OSError) as error:
            raise LakeError(f"Spark gave up: {_said(error)}") from error
        problems = sorted({row["problem"] for row in rows if row["problem"]})
        if problems:
            raise LakeError(problems[0])
        self.spent.tasks += len(tasks)
        self.spent.cpu_seconds += sum(row["cpu_seconds"] or 0 for row in rows)
        return [
            (row["name"], DataFile(Path(row["path"]), row["rows"], row["bucket"])) for row in rows
        ]


def need_spark() -> None:
    """Raises WrongUsage, saying what to install, if Spark or Java is not there."""
    if find_spec("pyspark") is None:
        raise WrongUsage(
            "MINGDAN_ENGINE=spark needs PySpark: install mingdan with the extra `spark`"
        )
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        raise WrongUsage(
            "MINGDAN_ENGINE=spark needs Java 17 or later: install the system's package "
            "(openjdk-17-jre-headless on Debian) or set JAVA_HOME"
        )


def session(settings: Settings) -> SparkSession:
    """The process's session; under `spark-submit` all but the master is left to that."""
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is not None:
        return running
    builder = SparkSession.builder.appName("mingdan")
    master = settings.spark_master
    if "PYSPARK_GATEWAY_PORT" not in os.environ:  # not started by spark-submit
        master = master or f"local[{settings.threads}]"
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        for name, value in _OWN_SESSION.items():
            builder = builder.config(name, value)
        if master.startswith("local"):
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    if master is not None:
        builder = builder.master(master)
    started = builder.getOrCreate()
    atexit.register(_stop, started)
    return started


def _stop(started: SparkSession) -> None:
    """Stop before the interpreter ends, or the executors are told to start anew meanwhile."""
    # it may be dead already
    with suppress(Exception):
        started.stop()


def _groups(work: Work) -> list[tuple[str, list[Result]]]:
    """The shared results in runs of what can be made together: (input in pieces or "", them).

    A result over one of its own run's results takes the same pieces on.
    """
    groups: list[tuple[str, list[Result]]] = []
    for result in work.job.shared:
        root, before = groups[-1] if groups else ("", [])
        joins = result.over in {other.name for other in before} if root else not result.over
        if groups and joins:
            before.append(result)
        else:
            groups.append((result.over, [result]))
    return groups


def _pieces(source: Source, connection: duckdb.DuckDBPyConnection) -> Iterator[Source]:
    """A source in pieces of at most PIECE_ROWS; a stored result in its own files."""
    if source.table is None or not source.files:
        yield from (Source(source.name, source.table, (file,)) for file in source.files)
        if not source.files:
            yield source
        return
    counted = connection.execute(
        "SELECT file_name, num_rows FROM parquet_file_metadata($files)",
        {"files": list(source.files)},
    ).fetchall()
    for file, rows in sorted(counted):
        for first in range(0, max(rows, 1), PIECE_ROWS):
            cut = (first, first + PIECE_ROWS)
            yield Source(source.name, source.table, (file,), cut)


def _said(error: BaseException) -> str:
    """The line that names the cause: of a worker's traceback the last, else the first."""
    text = str(error).partition("\n\nLINE ")[0].strip()
    named_causes = re.findall(r"^[\w.]+(?:Error|Exception): .+$", text, re.MULTILINE)
    return str(named_causes[-1]) if named_causes else text.partition("\n")[0]
