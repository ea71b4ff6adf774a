"""Business days: Asia/Shanghai, whatever the machine's own zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingdan.calendar import (
    business_day,
    day_bounds,
    days,
    known_at,
    last_business_day,
    naive_utc,
)


def test_a_day_begins_at_sixteen_utc() -> None:
    start, end = day_bounds(date(2026, 11, 1))
    assert start == datetime(2026, 10, 31, 16, tzinfo=UTC)
    assert end - start == timedelta(hours=24)


def test_the_night_decides_at_half_past_two() -> None:
    assert known_at(date(2026, 11, 1)) == datetime(2026, 11, 1, 18, 30, tzinfo=UTC)


def test_the_last_business_day_is_the_one_that_has_ended() -> None:
    assert last_business_day(datetime(2026, 11, 1, 15, 59, tzinfo=UTC)) == date(2026, 10, 31)
    assert last_business_day(datetime(2026, 11, 1, 16, 0, tzinfo=UTC)) == date(2026, 11, 1)


def test_an_instant_without_zone_is_refused() -> None:
    for function in (business_day, naive_utc):
        with pytest.raises(ValueError, match="without time zone"):
            function(datetime(2026, 11, 1))  # noqa: DTZ001


@given(st.datetimes(datetime(1992, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_every_instant_lies_in_its_own_day(instant: datetime) -> None:
    start, end = day_bounds(business_day(instant))
    assert start <= instant < end


def test_days_are_inclusive() -> None:
    assert list(days(date(2026, 2, 27), date(2026, 3, 1))) == [
        date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1),
    ]  # fmt: skip
