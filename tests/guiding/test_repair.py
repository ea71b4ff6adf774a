"""A day repaired for what came late has the bytes of the whole day guided again."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from mingdan.calendar import day_bounds, days, naive_utc
from mingdan.guiding.guide import _job, guide, reopened
from mingdan.guiding.tables import GUIDED_USAGE, REJECTED_USAGE
from mingdan.night import Night
from tests.guiding.rows import Row, at, event_day, put_orders, put_usage, record
from tests.guiding.test_guide import BEGIN, NEW_NUMBER, OLD_NUMBER, outcome

LAST = date(2026, 11, 5)
FIRST = LAST - timedelta(days=5)


def guided_again(night: Night, day: date, known_on: date) -> list[str]:
    """Digests of a day guided from nothing; the lake is left with that."""
    start, end = day_bounds(day)
    times = {"day_start": naive_utc(start), "day_end": naive_utc(end)}
    return [part.digest for part in night.engine.make(_job(day, known_on, []), day, times)]


def held(night: Night, day: date) -> list[str]:
    return [night.lake.partition(table, day).digest for table in (GUIDED_USAGE, REJECTED_USAGE)]


def test_nights_in_a_row_with_late_usage_and_late_orders(night: Night) -> None:
    dice = np.random.default_rng(11)
    changes = [  # who opens when, and on which day that is recorded
        (
            number,
            at(FIRST + timedelta(days=int(dice.integers(-2, 6))), float(dice.integers(86_400))),
        )
        for number in range(12)
    ]
    recorded = [
        event_day({"event_at": t}) + timedelta(days=int(dice.integers(0, 3))) for _, t in changes
    ]
    rows: list[Row] = []
    for number in range(600):
        day = FIRST + timedelta(days=int(dice.integers(0, 6)))
        lag = int(dice.choice([0, 0, 0, 0, 1, 2]))
        rows.append(
            record(
                number,
                at(day, float(dice.integers(86_400))),
                served_msisdn=OLD_NUMBER + int(dice.integers(0, 13)),
                delivered=min(day + timedelta(days=lag), LAST),
            )
        )
    repaired = recycled = 0
    for day in days(FIRST, LAST):
        known = [change for change, on in zip(changes, recorded, strict=True) if on <= day]
        put_orders(
            night.lake,
            day,
            numbers=[("msisdn", OLD_NUMBER + n, n + 1, opened, None) for n, opened in known],
            parties=[(n + 1, n + 1, opened, None) for n, opened in known],
            events=[("OPEN", t) for (_, t), on in zip(changes, recorded, strict=True) if on == day],
        )
        delivered = [row for row in rows if row["delivered"] <= day]
        touched = {event_day(row) for row in delivered if row["delivered"] == day}
        put_usage(night.lake, [row for row in delivered if event_day(row) in touched], day)
        recycled += int(guide(night, day).facts["recycled"])
        for opened in reopened(night, day):
            repaired += opened < day
            assert held(night, opened) == guided_again(night, opened, day), (day, opened)
    assert repaired > 3
    assert recycled > 3


def test_a_copy_taken_out_and_a_copy_replaced_are_seen(night: Night) -> None:
    yesterday = LAST - timedelta(days=1)
    orders = {
        "numbers": [("msisdn", n, n % 10, BEGIN, None) for n in (OLD_NUMBER + 1, NEW_NUMBER + 2)],
        "parties": [(1, 1, BEGIN, None), (2, 2, BEGIN, None)],
    }
    first = [record(n, at(yesterday, n), served_msisdn=OLD_NUMBER + 1) for n in range(4)]
    put_orders(night.lake, yesterday, **orders)
    put_usage(night.lake, first, yesterday)
    guide(night, yesterday)
    other_copy = first[1] | {"source_file": "smsc/again", "served_msisdn": NEW_NUMBER + 2}
    put_orders(night.lake, LAST, **orders)
    put_usage(night.lake, [first[0], other_copy, first[3]], LAST)
    guide(night, LAST)
    assert outcome(night, yesterday) == {
        0: (1, 1, "msisdn"),
        1: (2, 2, "msisdn"),
        3: (1, 1, "msisdn"),
    }
    assert held(night, yesterday) == guided_again(night, yesterday, LAST)


def test_after_a_night_left_out_the_whole_day_is_guided_again(night: Night) -> None:
    before, number = LAST - timedelta(days=2), OLD_NUMBER + 1
    held_by = [[("msisdn", number, who, BEGIN, None)] for who in (1, 2)]
    parties = [(1, 1, BEGIN, None), (2, 2, BEGIN, None)]
    rows = [record(n, at(before, n), served_msisdn=number) for n in (1, 2)]
    put_orders(night.lake, before, numbers=held_by[0], parties=parties)
    put_usage(night.lake, rows[:1], before)
    guide(night, before)
    # the order that gave the number to the second was recorded in the night that did not run
    put_orders(night.lake, LAST, numbers=held_by[1], parties=parties)
    put_usage(night.lake, rows, LAST)
    guide(night, LAST)
    assert outcome(night, before) == {1: (2, 2, "msisdn"), 2: (2, 2, "msisdn")}
