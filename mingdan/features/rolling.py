"""The night's step `features`: 1, 7 and 30 days, from the daily partials alone.

Here: which days a night reads, and the job. Not here: what a feature is
(`catalogue.toml`, `sql/features/window.sql`). Nothing older than the partials
is read again, so a night costs its window however long the history is.
"""

from __future__ import annotations

from datetime import date, timedelta

from mingdan.calendar import day_bounds, days, naive_utc
from mingdan.engine import Job, Read, Result
from mingdan.errors import MissingInput
from mingdan.features.catalogue import WINDOWS
from mingdan.features.tables import (
    DAILY_DEVICES,
    DAILY_PAIRS,
    DAILY_PLACES,
    DAILY_USAGE,
    FEATURES,
)
from mingdan.night import Night, Report
from mingdan.orders.tables import SUBSCRIPTIONS
from mingdan.reports.tables import COMPLAINTS, COMPLAINTS_WITHDRAWN

LONGEST = max(WINDOWS)


def build(night: Night, day: date) -> Report:
    """Write `features` of `day` for every subscription active in the last 30 days.

    Facts: subscriptions, and the days of partials the night could look back on.
    Raises MissingInput if the day's partials, order snapshot or complaints are
    not there, LakeError if the disk refuses.
    """
    for table, step in (
        (DAILY_USAGE, "daily_partials"),
        (SUBSCRIPTIONS, "order_snapshot"),
        (COMPLAINTS, "reports"),
    ):
        if day not in night.lake.days(table):
            raise MissingInput(f"{table.name} of {day} is missing: run step {step} first")
    held = night.lake.days(DAILY_PAIRS)
    start, end = day_bounds(day)
    (features,) = night.engine.make(
        _job(day, held),
        day,
        {"day": day, "day_start": naive_utc(start), "day_end": naive_utc(end)},
    )
    looked_back = sum(day - timedelta(days=LONGEST) < other <= day for other in held)
    return Report((features,), {"subscriptions": features.rows, "days of partials": looked_back})


def _job(day: date, held: list[date]) -> Job:
    month = list(days(day - timedelta(days=LONGEST - 1), day))
    # the day before the month makes the 30 days that a recipient of today may be known from
    before = day - timedelta(days=LONGEST)
    return Job(
        inputs=[
            Read(DAILY_USAGE, month),
            Read(DAILY_PAIRS, [before, *month]),
            Read(DAILY_DEVICES, month),
            Read(DAILY_PLACES, month),
            Read(SUBSCRIPTIONS, [day]),
            Read(COMPLAINTS, month),
            Read(COMPLAINTS_WITHDRAWN, [day]),
        ],
        shared=[Result("shared_devices", "features/shared_devices")],
        each=[
            *(
                Result(name, f"features/{name}")
                for name in ("active", "devices", "month_pairs", "contacts", "destinations")
            ),
            *(
                Result(f"window_{window}d", "features/window", _span(day, window, before, held))
                for window in WINDOWS
            ),
            *(
                Result(name, f"features/{name}")
                for name in ("pareto", "rhythm", "places", "main_device", "device_subscriptions")
            ),
        ],
        outputs=[(FEATURES, "features/features")],
    )


def _span(day: date, window: int, before: date, held: list[date]) -> dict[str, object]:
    since = day - timedelta(days=window - 1)
    history = sum(before <= other < since for other in held)
    return {"span": window, "since": since, "history": history}
