"""A night in bounded memory, with one enormous sender in it.

    python -m benchmarks.memory                       # 10 million records of one number, 2 GB
    python -m benchmarks.memory --records 1000000 --memory 200MB

Here: peak memory of each step of a day on which one subscription has as many
records as told, beside an ordinary bucket's. Not here: speed (`features.py`).
The bar is for the whole process, so DuckDB's own limit is set below it.
"""

from __future__ import annotations

import argparse
import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.features import DEVICE, LAST, NUMBER, SIM, STEPS, measure, orders, usage
from mingdan.lake import Lake
from mingdan.usage.tables import USAGE

SENDER = 1
RECIPIENTS = 1_000_000


def enormous(day: date, records: int) -> pl.DataFrame:
    """A machine that sends around the clock to a million numbers, two messages each at least."""
    dice = np.random.default_rng(3)
    sent = usage(day, records, 1)
    return sent.with_columns(
        record_id=pl.int_range(pl.len()) + 5 * 10**15,
        usage_type=pl.lit("sms"),
        direction=pl.lit("out"),
        served_msisdn=pl.lit(NUMBER + SENDER),
        served_imsi=pl.lit(SIM + SENDER),
        served_imei=pl.lit(DEVICE + SENDER),
        other_party=pl.Series(NUMBER + dice.integers(0, RECIPIENTS, records)),
        other_kind=pl.lit("mobile"),
        message_ref=pl.Series(dice.integers(0, 65_536, records)),
        source=pl.lit("smsc"),
        source_file=pl.lit("smsc/a"),
    )


def make_world(folder: Path, records: int, others: int, subscriptions: int, buckets: int) -> None:
    """One day: `others` records of ordinary subscriptions and `records` of the sender."""
    lake = Lake(folder / "lake", buckets=buckets)
    day = pl.concat([usage(LAST, others, subscriptions), enormous(LAST, records)])
    lake.write(USAGE, LAST, day)
    for table, frame in orders(subscriptions).items():
        lake.write(table, LAST, frame.select(table.names))


def main() -> None:
    """Measure and print the table of docs/performance.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=10_000_000, help="of the one sender")
    parser.add_argument("--others", type=int, default=500_000, help="records of everybody else")
    parser.add_argument("--subscriptions", type=int, default=100_000)
    parser.add_argument("--buckets", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="1GB", help="DuckDB's limit")
    parser.add_argument("--bar-mb", type=float, default=2048, help="for the whole process")
    arguments = parser.parse_args()
    context = get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="mingdan-bench-") as folder:
        with ProcessPoolExecutor(1, mp_context=context) as process:
            process.submit(
                make_world,
                Path(folder),
                arguments.records,
                arguments.others,
                arguments.subscriptions,
                arguments.buckets,
            ).result()
        print("| step | wall s | CPU s | peak MB | within the bar |\n|---|---|---|---|---|")
        for step in STEPS:
            with ProcessPoolExecutor(1, mp_context=context) as process:
                figure = process.submit(
                    measure, step, LAST, 1, folder, arguments.threads, arguments.memory
                ).result()
            within = "yes" if figure["peak"] <= arguments.bar_mb else "NO"
            print(
                f"| {step} | {figure['wall']:.1f} | {figure['cpu']:.1f} | {figure['peak']:.0f} "
                f"| {within} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
