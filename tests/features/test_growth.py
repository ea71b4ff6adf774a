"""Same bits: whatever the buckets, however a month came about, however often it is built."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mingdan.calendar import days
from mingdan.errors import MissingInput
from mingdan.features.partials import build as build_partials
from mingdan.features.rolling import build as build_features
from mingdan.features.tables import (
    DAILY_DEVICES,
    DAILY_PAIRS,
    DAILY_PLACES,
    DAILY_USAGE,
    FEATURES,
    PARTIALS,
)
from mingdan.guiding.guide import guide
from mingdan.guiding.tables import GUIDED_USAGE
from mingdan.night import Night
from mingdan.reports.tables import COMPLAINTS
from mingdan.usage.tables import USAGE
from tests.features.grow import digests, open_night, result, run
from tests.guiding.rows import Row, at, event_day, put, put_orders, put_usage, record

LAST = date(2026, 11, 5)
DAYS = 4
FIRST = LAST - timedelta(days=DAYS - 1)
MOBILE = 8613800138000


def some_usage(count: int, seed: int = 3) -> list[Row]:
    """Usage of a dozen subscriptions over four days, a tenth of it delivered late."""
    dice = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        day = FIRST + timedelta(days=int(dice.integers(0, DAYS)))
        kind = str(dice.choice(["sms", "voice", "data"]))
        late = int(dice.integers(1, 4)) if dice.random() < 0.1 else 0
        rows.append(
            record(
                number,
                at(day, float(dice.integers(0, 864_000) / 10)),
                usage_type=kind,
                direction=str(dice.choice(["out", "in"])),
                served_msisdn=int(dice.integers(1, 13)),
                served_imei=int(dice.integers(1, 9)),
                other_party=None if kind == "data" else MOBILE + int(dice.integers(0, 30)),
                other_kind=None if kind == "data" else "mobile",
                duration_s=int(dice.integers(0, 9)) if kind == "voice" else None,
                message_ref=int(dice.integers(0, 2)) if kind == "sms" else None,
                charge_fen=int(dice.integers(0, 9)),
                cell=int(dice.integers(1, 4)),
                self_held=True,
                delivered=min(day + timedelta(days=late), LAST),
            )
        )
    return rows


def a_night(night: Night, rows: list[Row], day: date) -> None:
    """The night of `day` as it would run: usage of every day as delivered by then."""
    put_orders(night.lake, day)
    known = [row for row in rows if row["delivered"] <= day]
    touched = {event_day(row) for row in known if row["delivered"] == day}
    put_usage(night.lake, [row for row in known if event_day(row) in touched], day)
    guide(night, day)
    build_partials(night, day)
    build_features(night, day)


def test_values_do_not_depend_on_the_number_of_buckets(tmp_path: Path) -> None:
    rows = some_usage(600)
    found = []
    for buckets in (1, 2, 5):
        night = open_night(tmp_path / str(buckets), buckets)
        run(night, rows, LAST)
        found.append(result(night, LAST))
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 12


def test_a_month_grown_with_late_usage_equals_one_rebuilt_and_one_that_came_whole(
    tmp_path: Path,
) -> None:
    rows = some_usage(500)
    assert any(row["delivered"] > event_day(row) for row in rows)
    month = list(days(FIRST, LAST))
    grown = open_night(tmp_path / "grown", 2)
    for day in month:
        a_night(grown, rows, day)
    again = open_night(tmp_path / "again", 2)
    for day in month:
        a_night(again, rows, day)
    assert digests(grown, month) == digests(again, month)

    whole = open_night(tmp_path / "whole", 2)
    run(whole, rows, LAST)
    for table in PARTIALS:
        assert [grown.lake.partition(table, day).digest for day in month] == [
            whole.lake.partition(table, day).digest for day in month
        ]
    features = [night.lake.partition(FEATURES, LAST).digest for night in (grown, whole)]
    assert features[0] == features[1]
    a_night(grown, rows, LAST)
    assert digests(grown, month) == digests(again, month)


def test_a_late_record_repairs_its_day_and_the_windows_that_hold_it(tmp_path: Path) -> None:
    night = open_night(tmp_path, 2)
    yesterday = LAST - timedelta(days=1)
    common = {"served_msisdn": 1, "other_party": MOBILE, "self_held": True}
    early = record(1, at(yesterday, 5), **common, delivered=yesterday)
    today = record(2, at(LAST, 5), **common, delivered=LAST)
    late = record(3, at(yesterday, 6), **common, delivered=LAST)
    a_night(night, [early, today, late], yesterday)
    assert result(night, yesterday)[1]["sms_out_7d"] == 1
    untouched = night.lake.partition(FEATURES, yesterday).digest
    a_night(night, [early, today, late], LAST)
    values = result(night, LAST)[1]
    assert (values["sms_out_1d"], values["sms_out_7d"], values["recipients_7d"]) == (1, 3, 1)
    assert night.lake.partition(FEATURES, yesterday).digest == untouched


def test_partials_account_for_every_record_fen_and_second(tmp_path: Path) -> None:
    night = open_night(tmp_path, 4)
    rows = some_usage(300)
    long = [row for row in rows if row["usage_type"] == "sms"][::5]
    for number, row in enumerate(long, start=len(rows)):
        rows.append(row | {"record_id": number, "event_at": row["event_at"] + timedelta(seconds=9)})
    run(night, [row for row in rows if event_day(row) <= LAST], LAST)
    for day in (FIRST, LAST):
        usage = night.lake.scan(USAGE, [day]).collect()
        sums = (
            night.lake.scan(DAILY_USAGE, [day]).drop("date", "bucket").sum().collect().to_dicts()
        )[0]
        parts = ("segments", "sms_out", "sms_in", "calls_out", "calls_in", "data_sessions")
        assert sums["records"] == usage.height == sum(sums[name] for name in parts)
        assert sums["segments"] > 0
        assert sums["spend_fen"] == usage["charge_fen"].sum()
        assert sums["call_seconds_out"] + sums["call_seconds_in"] == usage["duration_s"].sum()
        pairs = night.lake.scan(DAILY_PAIRS, [day]).drop("date", "bucket").sum().collect()
        for name in ("sms_out", "sms_in", "calls_out", "calls_in", "call_seconds_out"):
            assert pairs[name].item() == sums[name]
        devices = night.lake.scan(DAILY_DEVICES, [day]).collect()
        assert devices["records"].sum() == usage.height


def test_no_raw_identifier_leaves_guided_usage(tmp_path: Path) -> None:
    night = open_night(tmp_path, 1)
    row = record(
        1, at(LAST), served_msisdn=1, served_imei=123456, served_imsi=460001,
        other_party=MOBILE, other_kind="mobile", cell=4600123, self_held=True,
    )  # fmt: skip
    run(night, [row], LAST)
    raw = {123456, 460001, 4600123, MOBILE, MOBILE // 10_000}
    for table in (DAILY_PAIRS, DAILY_DEVICES, DAILY_PLACES):
        frame = night.lake.scan(table, [LAST]).select(pl.col(pl.Int64)).collect()
        assert not raw & {value for column in frame for value in column}


def test_a_lake_without_a_week_of_memory_calls_nobody_new(tmp_path: Path) -> None:
    night = open_night(tmp_path, 1)
    common = {"served_msisdn": 1, "self_held": True}
    rows = [record(n, at(LAST - timedelta(days=n)), other_party=n, **common) for n in range(8)]
    run(night, rows[:7], LAST)
    assert "new_recipient_share_1d" not in result(night, LAST)[1]
    run(night, rows, LAST)
    assert result(night, LAST)[1]["new_recipient_share_1d"] == 1.0
    assert "new_recipient_share_7d" not in result(night, LAST)[1]


def test_only_who_was_active_in_thirty_days_has_a_row(tmp_path: Path) -> None:
    night = open_night(tmp_path, 1)
    rows = [
        record(back, at(LAST - timedelta(days=back)), served_msisdn=back, self_held=True)
        for back in (0, 29, 30)
    ]
    run(night, rows, LAST)
    assert sorted(result(night, LAST)) == [0, 29]


def test_a_step_whose_input_is_missing_names_it(tmp_path: Path) -> None:
    night = open_night(tmp_path, 1)
    put_orders(night.lake, LAST)
    put_usage(night.lake, [], LAST)
    with pytest.raises(MissingInput, match="guided_usage of 2026-11-05"):
        build_partials(night, LAST)
    with pytest.raises(MissingInput, match="daily_usage of 2026-11-05"):
        build_features(night, LAST)
    guide(night, LAST)
    assert night.lake.partition(GUIDED_USAGE, LAST).rows == 0
    build_partials(night, LAST)
    night.lake.prune(COMPLAINTS, LAST + timedelta(days=1))
    with pytest.raises(MissingInput, match="complaints of 2026-11-05"):
        build_features(night, LAST)
    put(night.lake, COMPLAINTS, LAST, [])
    assert build_features(night, LAST).facts["subscriptions"] == 0
