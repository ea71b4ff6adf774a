"""Business days and instants.

Here: the one place that knows the business day is Asia/Shanghai `[00:00,
24:00)` and when a night decides. Not here: holidays (reference data) and
partition definitions (Dagster's, in `assets`).

Instants are UTC `datetime` with tzinfo; inside the lake they are naive UTC
microsecond timestamps.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

BUSINESS_ZONE = ZoneInfo("Asia/Shanghai")
NIGHT_STARTS = time(2, 30)
"""When the nightly run of the previous business day begins (local time)."""


def day_start(day: date) -> datetime:
    """First instant of a business day, as UTC."""
    return datetime.combine(day, time(), tzinfo=BUSINESS_ZONE).astimezone(UTC)


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """`[start, end)` of a business day, as UTC."""
    return day_start(day), day_start(day + timedelta(days=1))


def known_at(day: date) -> datetime:
    """The instant whose knowledge the night of `day` decides on, as UTC.

    02:30 Asia/Shanghai of the following day. Every label of that night carries
    it as `recorded_at`, so a rerun writes the same bytes.
    """
    return datetime.combine(day + timedelta(days=1), NIGHT_STARTS, tzinfo=BUSINESS_ZONE).astimezone(
        UTC
    )


def business_day(instant: datetime) -> date:
    """The business day an aware instant falls on. Raises ValueError if naive."""
    if instant.tzinfo is None:
        raise ValueError(f"instant without time zone: {instant!r}")
    return instant.astimezone(BUSINESS_ZONE).date()


def last_business_day(now: datetime | None = None) -> date:
    """The last business day that has ended at `now` (default: the clock)."""
    return business_day(now or datetime.now(UTC)) - timedelta(days=1)


def days(first: date, last: date) -> Iterator[date]:
    """Every day from `first` to `last`, both included, in order."""
    day = first
    while day <= last:
        yield day
        day += timedelta(days=1)


def naive_utc(instant: datetime) -> datetime:
    """The lake's form of an aware instant: UTC without tzinfo."""
    if instant.tzinfo is None:
        raise ValueError(f"instant without time zone: {instant!r}")
    return instant.astimezone(UTC).replace(tzinfo=None)
