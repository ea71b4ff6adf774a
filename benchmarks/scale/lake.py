"""The synthetic world as tables of a lake.

Here: the measured day's usage and orders as the stages find them, days of partials made by the
real steps, and old days that only lie there. Not here: what is in them (`world.py`, `orders.py`).
"""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from deltalake import DeltaTable
from deltalake.transaction import AddAction

from benchmarks.scale.orders import NUMBER, SIM, snapshot
from benchmarks.scale.world import LAST, World
from mingdan.calendar import day_start, naive_utc
from mingdan.engine import write_parquet
from mingdan.features.partials import PARTIALS
from mingdan.features.partials import build as build_partials
from mingdan.guiding.tables import GUIDED_USAGE
from mingdan.lake import SUBSCRIPTIONS_PER_BUCKET, DataFile, Lake
from mingdan.night import Night
from mingdan.settings import Settings
from mingdan.usage.tables import USAGE, USAGE_FILES


def open_night(folder: Path, memory: str = "1GB", threads: int = 2) -> Night:
    """The installation in `folder` as the measured steps open it."""
    specs = folder / "sources"
    return Night(
        Settings(
            data=folder,
            sources=specs if specs.exists() else None,
            memory_limit=memory,
            threads=threads,
            late_days=0,
            pepper="5c" * 32,
        )
    )


def make_lake(folder: Path, world: World) -> Night:
    """A new installation with buckets of the usual size."""
    buckets = -(-world.subscriptions // SUBSCRIPTIONS_PER_BUCKET)
    Lake(folder / "lake", buckets=max(buckets, 2))
    return open_night(folder)


def put_orders(night: Night, world: World, day: date) -> None:
    """The order snapshot of a night; only the measured day has changes."""
    tables = snapshot(world.subscriptions, naive_utc(day_start(day)), moving=day == LAST)
    for table, frame in tables.items():
        night.lake.write(table, day, frame)


def put_usage(night: Night, world: World, day: date) -> None:
    """The day's usage, in files of a million rows as the engine writes them."""
    with night.lake.staging() as folder, night.engine.connect() as connection:
        files = []
        for number, frame in enumerate(world.chunks(day)):
            path = folder / f"{number}.parquet"
            connection.register("chunk", frame.to_arrow())
            rows = write_parquet(connection, "SELECT * FROM chunk", USAGE, path)
            files.append(DataFile(path, rows))
        night.lake.replace(USAGE, day, files)
    night.lake.write(USAGE_FILES, day, pl.DataFrame(schema=Lake.schema(USAGE_FILES)))


def put_history(night: Night, world: World, days: list[date]) -> None:
    """Partials of `days` by the real step, from usage guided beforehand and dropped again."""
    for day in days:
        put_orders(night, world, day)
        night.lake.write(USAGE_FILES, day, pl.DataFrame(schema=Lake.schema(USAGE_FILES)))
        _put_guided(night, world, day)
        build_partials(night, day)
        night.lake.prune(GUIDED_USAGE, day + timedelta(days=1))
        night.lake.vacuum(GUIDED_USAGE, timedelta())


def _put_guided(night: Night, world: World, day: date) -> None:
    """A day without changes: who held a SIM or number is known from itself."""
    frame = pl.concat(world.chunks(day)).with_columns(
        subscription_id=pl.coalesce(pl.col("served_imsi") - SIM, pl.col("served_msisdn") - NUMBER)
        + 1,
        guided_by=pl.lit("imsi"),
    )
    frame = frame.filter(pl.col("subscription_id") <= world.subscriptions).with_columns(
        party_id="subscription_id", bucket=pl.col("subscription_id") % night.lake.buckets
    )
    with night.lake.staging() as folder:
        files = []
        for (bucket,), rows in frame.partition_by("bucket", as_dict=True).items():
            path = folder / f"{bucket}.parquet"
            rows.select(GUIDED_USAGE.names).sort(GUIDED_USAGE.sort).write_parquet(path)
            files.append(DataFile(path, rows.height, int(bucket)))
        night.lake.replace(GUIDED_USAGE, day, files)


def put_old(night: Night, first: date, count: int) -> None:
    """`count` more days before `first`, each the partials of one of the 20 days after it.

    Linked and listed in one transaction: they are only to lie there.
    """
    for table in PARTIALS:
        delta = DeltaTable(str(night.lake.root / table.name))
        adds = []
        for back in range(1, count + 1):
            day, like = first - timedelta(days=back), first + timedelta(days=back % 20)
            for file in night.lake.files(table, [like]):
                held = Path(file)
                bucket = held.parent.name.removeprefix("bucket=")
                relative = Path(f"date={day}", held.parent.name, held.name)
                place = night.lake.root / table.name / relative
                place.parent.mkdir(parents=True, exist_ok=True)
                os.link(held, place)
                values = {"date": day.isoformat(), "bucket": bucket}
                stats = '{"numRecords": 0}'
                size = held.stat().st_size
                adds.append(AddAction(relative.as_posix(), size, values, 0, True, stats))
        delta.create_write_transaction(
            adds, "append", delta.schema(), partition_by=table.partition_by
        )
