"""Edges a random month seldom meets: the last day of a window, numbers of unusual length."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.features.grow import open_night, result, run
from tests.guiding.rows import at, record

DAY = date(2026, 11, 5)


@pytest.mark.parametrize(("back", "subscriptions"), [(6, 2), (7, 1)])
def test_a_device_is_shared_for_seven_days(tmp_path: Path, back: int, subscriptions: int) -> None:
    night = open_night(tmp_path, 3)
    common = {"served_imei": 11, "self_held": True}
    rows = [
        record(1, at(DAY), served_msisdn=1, **common),
        record(2, at(DAY - timedelta(days=back), 86_399), served_msisdn=2, **common),
    ]
    run(night, rows, DAY)
    found = result(night, DAY)
    assert found[1]["subscriptions_per_imei_7d"] == subscriptions
    assert found[2].get("subscriptions_per_imei_7d") == (2 if back == 6 else None)


def test_prefixes_are_seven_national_digits_of_people_and_of_things(tmp_path: Path) -> None:
    night = open_night(tmp_path, 1)
    numbers = (
        *(8613800138000, 8613800139999, 8613800140000),
        *(861440000123456, 861440000999999, 861440100000000),
    )
    rows = [
        record(
            n, at(DAY, n), other_party=number, other_kind="mobile", served_msisdn=1, self_held=True
        )
        for n, number in enumerate(numbers)
    ]
    run(night, rows, DAY)
    found = result(night, DAY)[1]
    assert (found["recipients_1d"], found["prefixes_1d"], found["prefix_spread_1d"]) == (
        6,
        4,
        4 / 6,
    )


@pytest.mark.parametrize(("length", "inside", "outside"), [(1, 0, 1), (7, 6, 7), (30, 29, 30)])
def test_a_window_begins_at_its_first_midnight(
    tmp_path: Path, length: int, inside: int, outside: int
) -> None:
    night = open_night(tmp_path, 1)
    common = {"served_msisdn": 1, "other_party": 5, "self_held": True}
    rows = [
        record(1, at(DAY - timedelta(days=inside)), **common),
        record(2, at(DAY - timedelta(days=outside), 86_399.999999), **common),
        record(3, at(DAY, 86_399.999999), **common),
    ]
    run(night, rows, DAY)
    assert result(night, DAY)[1][f"sms_out_{length}d"] == 2
