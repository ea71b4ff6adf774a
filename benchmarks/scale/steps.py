"""What is measured: the real steps, the floors and the peers, each in a process of its own.

Here: starting a step, its seconds and its peak. Not here: the worlds (`lake.py`) and what the
figures mean (`report.py`).

CPU seconds are all threads' user and system time without start-up and imports; memory is the
process's highest resident set, start-up included.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import duckdb

from benchmarks.scale import peers, peers_month
from benchmarks.scale.lake import open_night
from mingdan.engine import statement
from mingdan.features.partials import build as build_partials
from mingdan.features.rolling import build as build_features
from mingdan.guiding.guide import guide
from mingdan.guiding.tables import GUIDED_USAGE
from mingdan.night import Night
from mingdan.tables import Table
from mingdan.usage.days import build as build_usage
from mingdan.usage.intake import land
from mingdan.usage.tables import USAGE

_PARTIALS = ("fingerprints", "segments", "events")
"""The statements that read guided usage; all others read what these made of it."""


@dataclass(frozen=True)
class Figure:
    """Seconds of CPU and of the wall's clock, and the peak in MB."""

    cpu: float
    wall: float
    peak_mb: float


def needed(table: Table, statements: tuple[str, ...]) -> list[str]:
    """The columns of a table that any of these statements names."""
    text = " ".join(statement(name) for name in statements)
    return [name for name in table.names if re.search(rf"\b{name}\b", text)]


def scan(night: Night, table: Table, day: date, columns: list[str]) -> None:
    """The floor: read and decode these columns of a day, and do nothing with them but look."""
    with duckdb.connect(config={"threads": night.settings.threads}) as connection:
        connection.execute("SET enable_progress_bar = false")
        looked = ", ".join(f'max("{name}")' for name in columns)
        connection.execute(
            f"SELECT {looked} FROM read_parquet($files)",  # noqa: S608
            {"files": night.lake.files(table, [day])},
        ).fetchall()


def _floor_of_guiding(night: Night, day: date) -> None:
    scan(night, USAGE, day, list(USAGE.names))


def _floor_of_partials(night: Night, day: date) -> None:
    columns = needed(GUIDED_USAGE, tuple(f"features/{name}" for name in _PARTIALS))
    scan(night, GUIDED_USAGE, day, columns)


STEPS: dict[str, Callable[[Night, date], object]] = {
    "floor of guiding": _floor_of_guiding,
    "guiding": guide,
    "floor of partials": _floor_of_partials,
    "partials": build_partials,
    "rolling": build_features,
    "landing": land,
    "usage": build_usage,
    "DuckDB day": peers.duckdb_day,
    "Polars day": peers.polars_day,
    "DuckDB month": peers_month.duckdb_month,
    "Polars month": peers_month.polars_month,
}


def measure(step: str, folder: Path, day: date, *, memory: str, threads: int) -> Figure:
    """Run a step of the installation in `folder` in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_measured, step, folder, day, memory, threads).result()


def _measured(step: str, folder: Path, day: date, memory: str, threads: int) -> Figure:
    night = open_night(folder, memory, threads)
    wall, cpu = time.perf_counter(), time.process_time()
    STEPS[step](night, day)
    return Figure(time.process_time() - cpu, time.perf_counter() - wall, _peak_mb())


def _peak_mb() -> float:
    """Peak memory of this process since it was started (getrusage counts its parent's)."""
    status = Path("/proc/self/status").read_text("ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1024
