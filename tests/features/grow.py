"""Runs guiding, partials and features over records written straight into a lake.

Here: one night over many days at once, and nights in a row. Not here: what a
test expects.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from mingdan.features.partials import build as build_partials
from mingdan.features.rolling import build as build_features
from mingdan.features.tables import FEATURES, TABLES
from mingdan.guiding.guide import guide
from mingdan.guiding.tables import GUIDED_USAGE, REJECTED_USAGE
from mingdan.lake import Lake
from mingdan.night import Night
from mingdan.settings import Settings
from tests.guiding.rows import Row, put_orders, put_usage

DERIVED = (GUIDED_USAGE, REJECTED_USAGE, *TABLES)


def open_night(folder: Path, buckets: int, **settings: Any) -> Night:
    """An installation with an empty lake of so many buckets, and a fixed pepper."""
    Lake(folder / "lake", buckets=buckets)
    return Night(Settings(data=folder, late_days=60, pepper="ab" * 32, **settings))


def run(night: Night, records: Iterable[Row], day: date, **orders: Any) -> list[date]:
    """One night that receives all `records` at once; returns the days that hold usage."""
    put_orders(night.lake, day, **orders)
    held = put_usage(night.lake, records, day)
    guide(night, day)
    build_partials(night, day)
    build_features(night, day)
    return held


def result(night: Night, day: date) -> dict[int, dict[str, Any]]:
    """The features of `day` per subscription, nulls left out."""
    frame = night.lake.scan(FEATURES, [day]).select(FEATURES.names).collect()
    return {
        row.pop("subscription_id"): {
            name: value for name, value in row.items() if value is not None
        }
        for row in frame.to_dicts()
    }


def digests(night: Night, days: Iterable[date]) -> dict[tuple[str, date], str]:
    """Digest of every derived partition of `days`."""
    return {
        (table.name, day): night.lake.partition(table, day).digest
        for table in DERIVED
        for day in days
    }
