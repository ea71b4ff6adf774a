"""What a subscription used of late, from the lake's daily sums, for a recommendation.

Here: reading it. Not here: what is made of it (`mingdan.orders.offers.recommend`,
which never reads the lake) and the sums (`mingdan.features`).
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from mingdan.features.tables import DAILY_USAGE
from mingdan.lake import Lake
from mingdan.orders.offers.recommend import Behaviour

DAYS = 30
"""The window, and the length of the month its sums are brought to."""


def used_of_late(root: Path, subscription_id: int) -> Behaviour | None:
    """Use a month of 30 days over the last nights; None without a week of nights.

    A day without use counts. Minutes are of calls made, each second counted.
    """
    if not (root / "lake.json").exists():
        return None
    lake = Lake(root)
    days = lake.days(DAILY_USAGE)[-DAYS:]
    if len(days) < 7:
        return None
    columns = ("call_seconds_out", "sms_out", "data_bytes")
    sums = (
        lake.scan(DAILY_USAGE, days)
        .filter(pl.col("subscription_id") == subscription_id)
        .select(pl.col(columns).sum())
        .collect()
        .row(0)
    )
    seconds, messages, octets = (int(value or 0) * DAYS / len(days) for value in sums)
    return Behaviour(
        minutes=round(seconds / 60), messages=round(messages), megabytes=round(octets / 1024**2)
    )
