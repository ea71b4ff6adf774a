"""Speed of intake: CSV.gz in, the day's landed records and its usage out.

    python -m benchmarks.usage_intake                     # 2 million records of each form
    python -m benchmarks.usage_intake --records 500000 --forms msc

Here: a delivery of known size in the words of a shipped source, its landing and
its event day, beside what bare tools take to read the same lines as typed
columns and write them as Parquet, in the same run. Not here: what follows
(`benchmarks.features`) and correctness (`tests/`). A step is a process of its
own; CPU seconds are without its start-up, memory is its peak.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date, datetime
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from mingdan.night import Night
from mingdan.settings import Settings
from mingdan.usage.days import build
from mingdan.usage.intake import land
from mingdan.usage.specs import shipped

DAY = date(2026, 11, 5)
FILES = 4
"""Files a delivery is cut into: a centre closes one every few hours."""
SUBSCRIBERS = 2_000_000
FORMS = {"msc": "voc_{}.csv.gz", "smsc": "sms_{}.csv.gz"}
"""Calls in UTF-8 (the shipped spec, but packed) and messages in GB18030."""
CHINA = 8_600_000_000_000
STEPS = ("DuckDB, bare", "Polars, bare", "land", "usage")


def lines(form: str, records: int, first: int) -> pl.DataFrame:
    """Records as a source writes them: few send much, some to ports, one in a hundred late."""
    dice = np.random.default_rng([7, first])
    spec, sms = shipped()[form], form == "smsc"
    country = 0 if sms else CHINA
    who = (dice.pareto(1.5, records) * 40_000).astype(np.int64) % SUBSCRIBERS
    other = dice.integers(0, 2 * SUBSCRIBERS, records)
    port = dice.random(records) < 0.06
    begin = np.datetime64(datetime(DAY.year, DAY.month, DAY.day), "us")  # noqa: DTZ001
    seconds = dice.integers(0, 86_400, records) - 172_800 * (dice.random(records) < 0.01)
    at = pl.Series(begin + seconds.astype("timedelta64[s]"))
    columns = [
        pl.Series(np.arange(first, first + records)),
        pl.Series(list(spec.codes.direction)).gather(dice.integers(0, 2, records)),
        pl.Series(country + 13_000_000_000 + who),
        pl.Series(460_000_000_000_000 + who),
        pl.Series(860_000_000_000_000 + who),
        pl.Series(np.where(port, 10_690_000_000 + other % 997, country + 13_000_000_000 + other)),
        at.dt.to_string("%Y%m%d%H%M%S" if sms else "%Y-%m-%d %H:%M:%S"),
        *([] if sms else [pl.Series(dice.exponential(60, records).astype(np.int64))]),
        pl.Series(1_000_000 + who % 5000),
        pl.Series(np.full(records, 755)),
        pl.Series(np.full(records, 10)),
        *([pl.Series(dice.integers(0, 256, records))] if sms else []),
    ]
    return pl.DataFrame(dict(zip(spec.file.names, columns, strict=True)))


def deliver(data: Path, form: str, records: int) -> None:
    """The files in the landing folder, and the same lines in UTF-8 for the bare tools."""
    folder, bare, specs = (
        data / "landing" / "usage" / form / DAY.isoformat(), data / "bare", data / "sources",
    )  # fmt: skip
    for each in (folder, bare, specs):
        each.mkdir(parents=True)
    spec = (files("mingdan.usage") / "sources" / f"{form}.toml").read_text(encoding="utf-8")
    if 'compression = "gzip"' not in spec:
        packed = 'pattern = "voc_*.csv.gz"\ncompression = "gzip"'
        spec = spec.replace('pattern = "voc_*.csv"', packed)
    (specs / f"{form}.toml").write_text(spec, encoding="utf-8")
    part = records // FILES
    for number in range(FILES):
        text = lines(form, part, number * part).write_csv()
        name = FORMS[form].format(number)
        encoding = shipped()[form].file.encoding
        (folder / name).write_bytes(gzip.compress(text.encode(encoding), 6, mtime=0))
        (bare / name).write_bytes(gzip.compress(text.encode(), 6, mtime=0))


def settings(data: Path) -> Settings:
    return Settings(data=data, sources=data / "sources", required_sources=[])


def bare_duckdb(data: Path) -> None:
    """Typed columns, as DuckDB guesses them, into one Parquet file."""
    with duckdb.connect(config={"threads": 2, "preserve_insertion_order": False}) as connection:
        connection.execute("SET enable_progress_bar = false")
        relation = connection.read_csv(str(data / "bare" / "*.gz"), quotechar="")
        relation.write_parquet(str(data / "duckdb.parquet"), compression="zstd")


def bare_polars(data: Path) -> None:
    """Typed columns, as Polars guesses them, into one Parquet file."""
    frame = pl.scan_csv(data / "bare" / "*.gz", quote_char=None, try_parse_dates=True)
    frame.sink_parquet(data / "polars.parquet", compression="zstd")


def measure(step: str, data: Path) -> dict[str, float]:
    """Wall and CPU seconds and peak memory (MB) of a step, in this process."""
    night = Night(settings(data))
    started, used = time.perf_counter(), time.process_time()
    match step:
        case "DuckDB, bare":
            bare_duckdb(data)
        case "Polars, bare":
            bare_polars(data)
        case "land":
            land(night, DAY)
        case _:
            build(night, DAY)
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    status = Path("/proc/self/status").read_text("ascii")
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024
    return {"wall": wall, "cpu": cpu, "peak": peak}


def measured(form: str, records: int) -> dict[str, dict[str, float]]:
    """Every step over a fresh delivery, in order, each in a process of its own."""
    figures = {}
    with tempfile.TemporaryDirectory(prefix="mingdan-bench-") as folder:
        deliver(Path(folder), form, records)
        for step in STEPS:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                figures[step] = process.submit(measure, step, Path(folder)).result()
    both = (figures["land"], figures["usage"])
    figures["land + usage"] = {
        "wall": sum(each["wall"] for each in both),
        "cpu": sum(each["cpu"] for each in both),
        "peak": max(each["peak"] for each in both),
    }
    return figures


def main() -> None:
    """Measure and print the table of docs/performance.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=2_000_000, help="records of each form")
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS))
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args()
    found = {form: measured(form, arguments.records) for form in arguments.forms}
    if arguments.json:
        print(json.dumps({**vars(arguments), "figures": found}, indent=2))
        return
    print("| form | step | wall s | CPU s | x DuckDB | M records per CPU s | peak MB |")
    print("|---|---|---|---|---|---|---|")
    for form, figures in found.items():
        for step, figure in figures.items():
            ratio = figure["cpu"] / figures[STEPS[0]]["cpu"]
            speed = arguments.records / figure["cpu"] / 1e6
            print(
                f"| {form} | {step} | {figure['wall']:.1f} | {figure['cpu']:.1f} | {ratio:.1f} "
                f"| {speed:.2f} | {figure['peak']:.0f} |"
            )


if __name__ == "__main__":
    main()
