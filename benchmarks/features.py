"""Speed of guiding, daily partials and rolling features on a synthetic operator.

    python benchmarks/features.py                                   # a night of 20,000 subscribers
    python benchmarks/features.py --records 5000000 --subscriptions 300000 --days 1 --buckets 10

Here: a heavy-tailed world of known size, written into a lake of its own, and the
real steps run over it, each in a process of its own. The floor is a bare scan
of the columns a step needs, in the same run. Not here: correctness (`tests/`).
CPU seconds are whole-process without start-up; memory is the process's peak.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl

from mingdan.calendar import day_start, naive_utc
from mingdan.features.partials import build as build_partials
from mingdan.features.rolling import build as build_features
from mingdan.guiding.guide import guide
from mingdan.guiding.tables import GUIDED_USAGE
from mingdan.lake import Lake
from mingdan.night import Night
from mingdan.orders.tables import (
    NUMBER_HOLDINGS,
    ORDER_EVENTS,
    SUBSCRIPTION_HOLDINGS,
    SUBSCRIPTIONS,
)
from mingdan.reports.tables import COMPLAINTS
from mingdan.settings import Settings
from mingdan.tables import Table
from mingdan.usage.tables import USAGE, USAGE_FILES

LAST = date(2026, 11, 5)
NUMBER, SIM, DEVICE = 8_613_000_000_000, 460_000_000_000_000, 86_000_000_000_000
MOVED_EVERY = 200
"""One subscription in so many changes its SIM at noon of the last day."""
STEPS: dict[str, Callable[[Night, date], object]] = {
    "guide": guide,
    "partials": build_partials,
    "features": build_features,
}
NEEDED = (
    "subscription_id",
    "record_id",
    "usage_type",
    "direction",
    "other_party",
    "other_kind",
    "event_at",
    "duration_s",
    "bytes",
    "charge_fen",
    "message_ref",
    "served_imei",
    "served_imsi",
)


def usage(day: date, records: int, subscriptions: int) -> pl.DataFrame:
    """A day's usage: few send much, everybody mostly to the same few, a rhythm of day."""
    dice = np.random.default_rng([7, day.toordinal()])
    weight = np.random.default_rng(7).pareto(1.5, subscriptions) + 0.2
    who = dice.choice(subscriptions, records, p=weight / weight.sum())
    rank = (dice.pareto(0.8, records) * 1.5).astype(np.int64) % 400
    other = (who * 7919 + rank * 104_729) % (subscriptions * 2)
    kind = dice.choice(3, records, p=[0.45, 0.35, 0.2])
    data = kind == 2
    outgoing = data | (dice.random(records) < 0.55)
    seconds = np.clip(dice.normal(14.5, 4.5, records), 0, 23.999) * 3600
    at = np.datetime64(naive_utc(day_start(day)), "us") + (seconds * 1e6).astype("timedelta64[us]")
    service = other % 50 == 0
    frame = pl.DataFrame(
        {
            "delivered": pl.Series([day]).new_from_index(0, records),
            "record_id": dice.permutation(records) + day.toordinal() * 10**11,
            "source": np.array(["smsc", "msc", "ggsn"])[kind],
            "usage_type": np.array(["sms", "voice", "data"])[kind],
            "direction": np.where(outgoing, "out", "in"),
            "served_msisdn": NUMBER + who,
            "served_imsi": SIM + who,
            "served_imei": DEVICE + who,
            "other_party": np.where(service, 106_900_000_000, NUMBER) + other,
            "other_kind": np.where(service, "service", "mobile"),
            "event_at": at,
            "utc_offset_min": np.full(records, 480, np.int16),
            "duration_s": dice.exponential(60, records).astype(np.int32),
            "bytes": dice.integers(0, 10**7, records),
            "charge_fen": np.full(records, 10, np.int32),
            "cell": who % 1000,
            "area": np.full(records, 755, np.int32),
            "message_ref": dice.integers(0, 65_536, records),
            "text_digest": pl.Series([None], dtype=pl.Int64).new_from_index(0, records),
            "self_held": np.zeros(records, bool),
            "source_file": np.array(["smsc/a", "msc/b", "ggsn/c"])[kind],
            "source_line": np.arange(records, dtype=np.int32),
        }
    )
    given_by = {
        "other_party": ["sms", "voice"],
        "other_kind": ["sms", "voice"],
        "duration_s": ["voice", "data"],
        "bytes": ["data"],
        "message_ref": ["sms"],
    }
    return frame.with_columns(
        pl.when(pl.col("usage_type").is_in(kinds)).then(pl.col(name)).alias(name)
        for name, kinds in given_by.items()
    )


def orders(subscriptions: int) -> dict[Table, pl.DataFrame]:
    """The order snapshot: everybody holds one number and SIM, some change the SIM at noon."""
    who = np.arange(subscriptions)
    opened, noon = datetime(2025, 1, 1), naive_utc(day_start(LAST)) + timedelta(hours=12)  # noqa: DTZ001
    base = pl.DataFrame({"key": who, "subscription_id": who + 1}).with_columns(
        valid_from=pl.lit(opened, pl.Datetime("us")),
        valid_to=pl.lit(None, pl.Datetime("us")),
        recorded_at=pl.lit(opened, pl.Datetime("us")),
    )
    moves = pl.col("key") % MOVED_EVERY == 0
    sims = pl.concat(
        [
            base.with_columns(valid_to=pl.when(moves).then(pl.lit(noon, pl.Datetime("us")))),
            base.filter(moves).with_columns(valid_from=pl.lit(noon, pl.Datetime("us"))),
        ]
    )
    numbers = [
        sims.with_columns(key=pl.col("key") + SIM, key_kind=pl.lit("imsi")),
        base.with_columns(key=pl.col("key") + NUMBER, key_kind=pl.lit("msisdn")),
    ]
    held = base.with_columns(
        party_id="subscription_id",
        external_id=pl.col("key").cast(pl.String),
        party_type=pl.lit("individual"),
        sender_kind=pl.lit("person"),
        product_code=pl.lit("PREPAID"),
        payment_kind=pl.lit("prepaid"),
        status=pl.lit("active"),
        suspend_reasons=pl.lit(""),
        activated_at=pl.lit(opened, pl.Datetime("us")),
        terminated_at=pl.lit(None, pl.Datetime("us")),
        arrears_fen=pl.lit(0, pl.Int64),
        arrears_days=pl.lit(0, pl.Int32),
        document_id="subscription_id",
        party_cards=pl.lit(1, pl.Int32),
    )
    return {
        NUMBER_HOLDINGS: pl.concat(numbers),
        SUBSCRIPTION_HOLDINGS: held,
        SUBSCRIPTIONS: held,
        **{
            table: pl.DataFrame(schema=Lake.schema(table))
            for table in (ORDER_EVENTS, COMPLAINTS, USAGE_FILES)
        },
    }


def make_world(folder: Path, arguments: argparse.Namespace) -> list[date]:
    """Write the world into `folder`; returns its days."""
    lake = Lake(folder / "lake", buckets=arguments.buckets)
    snapshot = orders(arguments.subscriptions)
    world_days = [LAST - timedelta(days=back) for back in reversed(range(arguments.days))]
    for day in world_days:
        lake.write(USAGE, day, usage(day, arguments.records, arguments.subscriptions))
        for table, frame in snapshot.items():
            lake.write(table, day, frame.select(table.names))
    return world_days


def settings(folder: str, threads: int, memory: str) -> Settings:
    return Settings(data=Path(folder), threads=threads, memory_limit=memory, late_days=0)


def measure(
    step: str, day: date, repeats: int, folder: str, threads: int, memory: str
) -> dict[str, float]:
    """Median wall and CPU seconds and peak memory (MB) of a step, in this process."""
    night = Night(settings(folder, threads, memory))
    wall, cpu = [], []
    for _ in range(repeats):
        started, used = time.perf_counter(), time.process_time()
        if step == "floor of guide":
            night.lake.scan(USAGE, [day]).select(pl.all().max()).collect(engine="streaming")
        elif step == "floor of features":
            needed = night.lake.scan(GUIDED_USAGE, [day]).select(NEEDED)
            needed.select(pl.all().max()).collect(engine="streaming")
        else:
            STEPS[step](night, day)
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - used)
    return {"wall": statistics.median(wall), "cpu": statistics.median(cpu), "peak": peak_mb()}


def peak_mb() -> float:
    """Peak memory of this process since it was started (getrusage counts its parent's)."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=80_000, help="usage records a day")
    parser.add_argument("--subscriptions", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=31, help="days of history")
    parser.add_argument("--buckets", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="1GB", help="DuckDB's limit a statement")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mingdan-bench-") as folder:
        world_days = make_world(Path(folder), arguments)
        own = (folder, arguments.threads, arguments.memory)
        night = Night(settings(*own))
        for day in world_days[:-1]:
            guide(night, day)
            build_partials(night, day)
        figures = {}
        for step in ("floor of guide", "guide", "floor of features", "partials", "features"):
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                figures[step] = process.submit(
                    measure, step, LAST, arguments.repeats, *own
                ).result()
    if arguments.json:
        print(json.dumps({**vars(arguments), "figures": figures}, indent=2))
        return
    print(f"{'step':<18}{'wall s':>8}{'CPU s':>8}{'x floor':>9}{'M rec/CPU-s':>13}{'peak MB':>9}")
    for step, figure in figures.items():
        floor = figures["floor of guide" if "guide" in step else "floor of features"]["cpu"]
        print(
            f"{step:<18}{figure['wall']:>8.2f}{figure['cpu']:>8.2f}{figure['cpu'] / floor:>9.1f}"
            f"{arguments.records / figure['cpu'] / 1e6:>13.2f}{figure['peak']:>9.0f}"
        )


if __name__ == "__main__":
    main()
