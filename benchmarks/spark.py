"""What Spark costs over DuckDB alone, and whether time grows with the world only.

    python -m benchmarks.spark                                  # 100,000 subscriptions
    python -m benchmarks.spark --subscriptions 100000 1000000 10000000 --records-each 2

Here: guiding, partials and features of one day on one machine and on a local
cluster of two executors, the same world and in the same run; digests must be
equal. Not here: kill and refusal (`tests/core/test_spark.py`) and the formulations
themselves (`benchmarks/features.py`, whose world this is).
CPU seconds are those of the process and all it started, read before and after.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import polars as pl

from benchmarks.features import LAST, STEPS, make_world, settings
from mingdan.engines.spark import PIECE_ROWS, SparkEngine, session
from mingdan.lake import SUBSCRIPTIONS_PER_BUCKET
from mingdan.night import Night
from mingdan.usage.tables import USAGE

MASTER = "local-cluster[2,1,1024]"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Measured:
    """One engine over one world."""

    engine: str
    subscriptions: int
    records: int
    buckets: int
    wall: float
    cpu: float
    floor_cpu: float
    start_cpu: float
    in_tasks_cpu: float
    tasks: int
    shuffled_mb: float
    peak_mb: float
    digests: tuple[str, ...]


def family() -> dict[int, tuple[bytes, float]]:
    """This process and all it started: command line, CPU seconds (children waited for too)."""
    seen: dict[int, tuple[int, float]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parts = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        seen[int(status.parent.name)] = (int(parts[1]), sum(map(int, parts[11:15])) / TICKS)
    own, grown = {os.getpid()}, True
    while grown:
        found = {pid for pid, (parent, _) in seen.items() if parent in own} - own
        own |= found
        grown = bool(found)
    commands = {}
    for pid in own:
        try:
            commands[pid] = ((Path("/proc") / str(pid) / "cmdline").read_bytes(), seen[pid][1])
        except (OSError, KeyError):
            continue
    return commands


def cpu() -> float:
    """CPU seconds of the family so far."""
    return sum(spent for _, spent in family().values())


def peak_mb(command: bytes) -> float:
    """The largest peak memory of the family's processes with `command` in their line."""
    peaks = [0.0]
    for pid, (line, _) in family().items():
        if command in line:
            status = (Path("/proc") / str(pid) / "status").read_text()
            found = re.search(r"VmHWM:\s+(\d+) kB", status)
            peaks.append(int(found[1]) / 1024 if found else 0.0)
    return max(peaks)


def measure(engine: str, folder: str, subscriptions: int, records: int, buckets: int) -> Measured:
    """All three steps of the last day, in this process."""
    chosen = settings(folder, 2, "1GB").model_copy(
        update={"engine": engine, "spark_master": MASTER}
    )
    night = Night(chosen)
    before = cpu()
    night.lake.scan(USAGE, [LAST]).select(pl.all().max()).collect(engine="streaming")
    floor = cpu() - before
    backend = night.engine.backend
    before = cpu()
    if isinstance(backend, SparkEngine):
        # executors and their first Python are part of the start
        session(chosen).range(0, 8, 1, 8).mapInArrow(lambda batches: batches, "id long").collect()
    start = cpu() - before
    before, wall = cpu(), time.perf_counter()
    digests = []
    for step in STEPS.values():
        digests += [part.digest for part in step(night, LAST).partitions]
    spent = backend.spent if isinstance(backend, SparkEngine) else None
    return Measured(
        engine=engine,
        subscriptions=subscriptions,
        records=records,
        buckets=buckets,
        wall=time.perf_counter() - wall,
        cpu=cpu() - before,
        floor_cpu=floor,
        start_cpu=start,
        in_tasks_cpu=spent.cpu_seconds if spent else 0.0,
        tasks=spent.tasks if spent else 0,
        shuffled_mb=spent.shuffled_bytes / 1e6 if spent else 0.0,
        peak_mb=peak_mb(b"pyspark" if spent else b"python"),
        digests=tuple(digests),
    )


def main() -> None:
    """Measure and print the tables of docs/performance.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subscriptions", type=int, nargs="+", default=[100_000])
    parser.add_argument("--records-each", type=int, default=4, help="usage records a subscription")
    parser.add_argument("--engines", nargs="+", default=["duckdb", "spark"])
    arguments = parser.parse_args()
    print(
        "| engine | subscriptions | records | buckets | tasks | wall s | CPU s | in tasks | start "
        "| ms a task | records per CPU-s | x floor | shuffled MB | peak MB |\n|" + "---|" * 14
    )
    for subscriptions in arguments.subscriptions:
        records = subscriptions * arguments.records_each
        buckets = max(4, -(-subscriptions // SUBSCRIPTIONS_PER_BUCKET))
        with tempfile.TemporaryDirectory(prefix="mingdan-bench-") as folder:
            world = argparse.Namespace(
                buckets=buckets, subscriptions=subscriptions, days=1, records=records
            )
            results = []
            context = get_context("spawn")
            with ProcessPoolExecutor(1, mp_context=context) as process:
                process.submit(make_world, Path(folder), world).result()
            for engine in arguments.engines:
                with ProcessPoolExecutor(1, mp_context=context) as process:
                    ran = process.submit(measure, engine, folder, subscriptions, records, buckets)
                    results.append(ran.result())
                show(results[-1])
        if arguments.engines[-1] == "spark":
            model(results[-1])
        assert len({result.digests for result in results}) == 1, "the engines' bytes differ"


RECORDS_A_DAY = 17
"""Usage records of a subscription a day: 34 million of 2 million, as in docs/performance.md."""


def model(result: Measured) -> None:
    """What larger operators take, at this run's rates: tasks grow with records and buckets."""
    in_tasks = result.in_tasks_cpu / result.records
    a_task = (result.cpu - result.in_tasks_cpu) / result.tasks
    print(
        "\n| subscriptions | records | buckets | tasks | shuffled GB | core-hours | of it Spark |"
    )
    print("|" + "---|" * 7)
    for subscriptions in (10**7, 10**8, 10**9):
        records = subscriptions * RECORDS_A_DAY
        buckets = subscriptions // SUBSCRIPTIONS_PER_BUCKET
        tasks = 3 * buckets + records // PIECE_ROWS
        spark = tasks * a_task / 3600
        print(
            f"| {subscriptions:,} | {records:,} | {buckets:,} | {tasks:,} "
            f"| {result.shuffled_mb / result.records * records / 1e3:,.0f} "
            f"| {records * in_tasks / 3600 + spark:,.1f} | {spark:,.1f} |"
        )
    print(flush=True)


def show(result: Measured) -> None:
    """One row."""
    over = (result.cpu - result.in_tasks_cpu) / result.tasks * 1000 if result.tasks else 0
    print(
        f"| {result.engine} | {result.subscriptions:,} | {result.records:,} | {result.buckets} "
        f"| {result.tasks} | {result.wall:.1f} | {result.cpu:.1f} | {result.in_tasks_cpu:.1f} "
        f"| {result.start_cpu:.1f} | {over:.0f} | {result.records / result.cpu:,.0f} "
        f"| {result.cpu / result.floor_cpu:.1f} | {result.shuffled_mb:.1f} "
        f"| {result.peak_mb:.0f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
