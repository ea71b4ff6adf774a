"""Where a conversation begins and ends, worked out by hand; bandicoot's rules but for midnight."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from tests.features.grow import open_night, result, run
from tests.guiding.rows import Row, at, record

DAY = date(2026, 11, 5)
FRIEND = 8613800138000
TEN = 36_000


def told(served: int, *events: tuple[date, float, str, str]) -> list[Row]:
    return [
        record(
            served * 100 + number,
            at(day, second),
            usage_type=kind,
            direction=direction,
            served_msisdn=served,
            other_party=FRIEND,
            other_kind="mobile",
            self_held=True,
        )
        for number, (day, second, kind, direction) in enumerate(events)
    ]


def test_an_hour_a_call_and_midnight_end_a_conversation(tmp_path: Path) -> None:
    yesterday = DAY - timedelta(days=1)
    rows = [
        *told(
            1,
            # answered within the same second: answered, but no delay worth a mean
            (DAY, TEN, "sms", "in"),
            (DAY, TEN, "sms", "out"),
            (DAY, TEN + 300, "sms", "in"),
            # a call is none of it and ends it
            (DAY, TEN + 360, "voice", "in"),
            (DAY, TEN + 420, "sms", "out"),
            (DAY, TEN + 420 + 3599, "sms", "in"),
            # an hour to the second is too long
            (DAY, TEN + 420 + 3599 + 3600, "sms", "out"),
        ),
        # bandicoot has one conversation here, answered; we two, of which one was begun by it
        *told(2, (yesterday, 86_390, "sms", "in"), (DAY, 10, "sms", "out")),
        # two turns in one conversation: delays of 10 and 30 s
        *told(
            3,
            (DAY, TEN, "sms", "in"),
            (DAY, TEN + 10, "sms", "out"),
            (DAY, TEN + 20, "sms", "in"),
            (DAY, TEN + 30, "sms", "in"),
            (DAY, TEN + 60, "sms", "out"),
            (DAY, TEN + 61, "sms", "out"),
        ),
    ]
    night = open_night(tmp_path, 1)
    run(night, rows, DAY)
    names = ("initiated_conversation_share", "text_response_rate", "text_response_delay_mean")
    found = {
        served: tuple(values.get(f"{name}_30d") for name in names)
        for served, values in result(night, DAY).items()
    }
    assert found == {1: (2 / 3, 1.0, None), 2: (1 / 2, 0.0, None), 3: (0.0, 1.0, 20.0)}
    assert result(night, DAY)[3]["text_response_delay_std_30d"] == 10.0
