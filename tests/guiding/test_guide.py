"""Guiding as stories: who held the number then, what is rejected, what is recycled."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from mingdan.calendar import days
from mingdan.errors import LakeError, MissingInput
from mingdan.guiding.guide import guide, reopened
from mingdan.guiding.tables import GUIDED_USAGE, REJECTED_USAGE
from mingdan.lake import Lake
from mingdan.night import Night, Report
from mingdan.usage.tables import USAGE
from tests.guiding.rows import at, put_orders, put_usage, record

DAY = date(2026, 11, 5)
NOON = 12 * 3600
BEGIN = at(date(2026, 1, 1))
ANNA, BEN = 1, 2
OLD_NUMBER, NEW_NUMBER = 8613800138000, 8613900139000
OLD_SIM, NEW_SIM = 460001234567890, 460009876543210
MICROSECOND = 1e-6


def outcome(night: Night, day: date = DAY) -> dict[int, tuple[Any, ...]]:
    """Per record: subscription, party and by what, or the reason it was rejected."""
    guided = night.lake.scan(GUIDED_USAGE, [day]).collect()
    rejected = night.lake.scan(REJECTED_USAGE, [day]).collect()
    columns = ("record_id", "subscription_id", "party_id", "guided_by")
    found = {row[0]: row[1:] for row in guided.select(columns).iter_rows()}
    return found | {row[0]: (row[1],) for row in rejected.select("record_id", "reason").iter_rows()}


def digests(report: Report) -> list[tuple[str, date, int, str]]:
    return [(part.table, part.day, part.rows, part.digest) for part in report.partitions]


def test_a_number_change_moves_usage_to_the_same_subscription_under_both_numbers(
    night: Night,
) -> None:
    change = at(DAY, NOON)
    put_orders(
        night.lake,
        DAY,
        numbers=[
            ("imsi", OLD_SIM, ANNA, BEGIN, None),
            ("msisdn", OLD_NUMBER, ANNA, BEGIN, change),
            ("msisdn", NEW_NUMBER, ANNA, change, None),
        ],
        parties=[(ANNA, 10, BEGIN, None)],
    )
    records = [
        record(1, at(DAY, NOON - 1), served_msisdn=OLD_NUMBER),
        record(2, at(DAY, NOON - MICROSECOND), served_msisdn=OLD_NUMBER),
        record(3, at(DAY, NOON), served_msisdn=OLD_NUMBER),
        record(4, at(DAY, NOON), served_msisdn=NEW_NUMBER),
        record(5, at(DAY, NOON - MICROSECOND), served_msisdn=NEW_NUMBER),
        record(6, at(DAY, NOON), served_msisdn=OLD_NUMBER, served_imsi=OLD_SIM),
    ]
    put_usage(night.lake, records, DAY)
    guide(night, DAY)
    assert outcome(night) == {
        1: (ANNA, 10, "msisdn"),
        2: (ANNA, 10, "msisdn"),
        3: ("no_holder",),
        4: (ANNA, 10, "msisdn"),
        5: ("no_holder",),
        6: (ANNA, 10, "imsi"),
    }


def test_a_sim_swap_and_a_record_still_carrying_the_old_sim(night: Night) -> None:
    swap = at(DAY, NOON)
    put_orders(
        night.lake,
        DAY,
        numbers=[
            ("imsi", OLD_SIM, ANNA, BEGIN, swap),
            ("imsi", OLD_SIM, BEN, swap, None),
            ("imsi", NEW_SIM, ANNA, swap, None),
            ("msisdn", OLD_NUMBER, ANNA, BEGIN, None),
            ("msisdn", NEW_NUMBER, BEN, BEGIN, None),
        ],
        parties=[(ANNA, 10, BEGIN, None), (BEN, 20, BEGIN, None)],
    )
    records = [
        record(1, at(DAY, NOON - 1), served_msisdn=OLD_NUMBER, served_imsi=OLD_SIM),
        record(2, at(DAY, NOON + 1), served_msisdn=OLD_NUMBER, served_imsi=NEW_SIM),
        record(3, at(DAY, NOON + 1), served_msisdn=OLD_NUMBER, served_imsi=OLD_SIM),
        record(4, at(DAY, NOON + 1), served_imsi=OLD_SIM),
        record(5, at(DAY, NOON + 1), served_msisdn=OLD_NUMBER, served_imsi=460000000000000),
    ]
    put_usage(night.lake, records, DAY)
    report = guide(night, DAY)
    assert outcome(night) == {
        1: (ANNA, 10, "imsi"),
        2: (ANNA, 10, "imsi"),
        3: ("imsi_msisdn_disagree",),
        4: (BEN, 20, "imsi"),
        5: (ANNA, 10, "msisdn"),
    }
    assert report.facts["rejected imsi_msisdn_disagree"] == 1
    assert report.facts["records"] == report.facts["guided"] + report.facts["rejected"] == 5


def test_a_sim_in_one_hand_and_a_number_in_another_all_day_is_nobodys(night: Night) -> None:
    put_orders(
        night.lake,
        DAY,
        numbers=[
            ("imsi", OLD_SIM, ANNA, BEGIN, None),
            ("msisdn", OLD_NUMBER, ANNA, BEGIN, None),
            ("msisdn", NEW_NUMBER, BEN, BEGIN, None),
        ],
        parties=[(ANNA, 10, BEGIN, None), (BEN, 20, BEGIN, None)],
    )
    records = [
        record(1, at(DAY, NOON), served_imsi=OLD_SIM, served_msisdn=OLD_NUMBER),
        record(2, at(DAY, NOON), served_imsi=OLD_SIM, served_msisdn=NEW_NUMBER),
    ]
    put_usage(night.lake, records, DAY)
    guide(night, DAY)
    assert outcome(night) == {1: (ANNA, 10, "imsi"), 2: ("imsi_msisdn_disagree",)}


def test_a_transfer_at_noon_splits_the_day_between_the_parties(night: Night) -> None:
    transfer = at(DAY, NOON)
    put_orders(
        night.lake,
        DAY,
        numbers=[("imsi", OLD_SIM, ANNA, BEGIN, None), ("msisdn", OLD_NUMBER, ANNA, BEGIN, None)],
        parties=[(ANNA, 10, BEGIN, transfer), (ANNA, 20, transfer, None)],
    )
    both = {"served_msisdn": OLD_NUMBER, "served_imsi": OLD_SIM}
    records = [
        record(1, at(DAY, NOON - MICROSECOND), **both),
        record(2, at(DAY, NOON), **both),
    ]
    put_usage(night.lake, records, DAY)
    guide(night, DAY)
    assert outcome(night) == {1: (ANNA, 10, "imsi"), 2: (ANNA, 20, "imsi")}


def test_a_number_terminated_and_issued_again_on_one_day_to_the_second(night: Night) -> None:
    ended, issued = at(DAY, NOON), at(DAY, NOON + 2)
    put_orders(
        night.lake,
        DAY,
        numbers=[
            ("msisdn", OLD_NUMBER, ANNA, BEGIN, ended),
            ("msisdn", OLD_NUMBER, BEN, issued, None),
        ],
        parties=[(ANNA, 10, BEGIN, ended), (BEN, 20, issued, None)],
    )
    records = [record(s, at(DAY, NOON - 1 + s), served_msisdn=OLD_NUMBER) for s in range(5)]
    put_usage(night.lake, records, DAY)
    guide(night, DAY)
    assert outcome(night) == {
        0: (ANNA, 10, "msisdn"),
        1: ("no_holder",),
        2: ("no_holder",),
        3: (BEN, 20, "msisdn"),
        4: (BEN, 20, "msisdn"),
    }


def test_a_subscription_nobody_holds_is_no_party(night: Night) -> None:
    put_orders(
        night.lake,
        DAY,
        numbers=[("msisdn", OLD_NUMBER, ANNA, BEGIN, None)],
        parties=[(ANNA, 10, at(DAY, NOON), None)],
    )
    records = [record(s, at(DAY, s), served_msisdn=OLD_NUMBER) for s in (NOON - 1, NOON)]
    put_usage(night.lake, records, DAY)
    guide(night, DAY)
    assert outcome(night) == {NOON - 1: ("no_party",), NOON: (ANNA, 10, "msisdn")}


def test_self_held_usage_is_its_own_subscription_even_under_an_opaque_number(night: Night) -> None:
    put_orders(night.lake, DAY)
    records = [
        record(1, at(DAY, 1), served_msisdn=7, self_held=True),
        record(2, at(DAY, 2), served_msisdn=-7, self_held=True),
        record(3, at(DAY, 3), served_imsi=9, self_held=True),
        record(4, at(DAY, 4), self_held=True),
    ]
    put_usage(night.lake, records, DAY)
    guide(night, DAY)
    assert outcome(night) == {
        1: (7, 7, "self"),
        2: (-7, -7, "self"),
        3: (9, 9, "self"),
        4: ("no_holder",),
    }


def test_a_late_order_reopens_its_days_and_recycles_what_they_rejected(night: Night) -> None:
    before = DAY - timedelta(days=2)
    records = [
        record(d, at(before + timedelta(days=d), NOON), served_msisdn=OLD_NUMBER) for d in range(3)
    ]
    for day in days(before, DAY - timedelta(days=1)):
        put_usage(night.lake, [r for r in records if r["event_at"] == at(day, NOON)], day)
        put_orders(night.lake, day)
        assert guide(night, day).facts["rejected no_holder"] == 1
    put_usage(night.lake, records[2:], DAY)
    opened = at(before, NOON - 60)
    held = {
        "numbers": [("msisdn", OLD_NUMBER, ANNA, opened, None)],
        "parties": [(ANNA, 10, opened, None)],
    }
    put_orders(night.lake, DAY, events=[("OPEN", opened), ("PAY", at(date(2026, 10, 1)))], **held)

    assert reopened(night, DAY) == list(days(before, DAY))
    report = guide(night, DAY)

    assert report.facts["recycled"] == 2
    assert report.facts["rejected"] == 0
    assert all(outcome(night, day).values() for day in days(before, DAY))
    assert outcome(night, before) == {0: (ANNA, 10, "msisdn")}
    assert digests(guide(night, DAY)) == digests(report)


def test_late_orders_reach_back_late_days_and_only_to_days_with_usage(night: Night) -> None:
    old, with_usage = at(DAY - timedelta(days=30)), DAY - timedelta(days=3)
    for day in (with_usage, DAY - timedelta(days=20)):
        put_usage(night.lake, [record(1, at(day), served_msisdn=1)], day)
    put_usage(night.lake, [], DAY)
    put_orders(night.lake, DAY, events=[("TERMINATE", old)])
    assert reopened(night, DAY) == [with_usage, DAY]
    put_orders(night.lake, DAY, events=[("SUSPEND", old), ("BILL", old), ("OPEN", at(DAY, 1))])
    assert reopened(night, DAY) == [DAY]


def test_late_usage_reopens_its_day(night: Night) -> None:
    yesterday = DAY - timedelta(days=1)
    put_usage(night.lake, [record(1, at(yesterday), served_msisdn=1)], DAY)
    put_orders(night.lake, DAY)
    assert reopened(night, DAY) == [yesterday, DAY]


def test_holdings_that_overlap_leave_the_day_as_it_was(night: Night) -> None:
    records = [record(1, at(DAY, NOON), served_msisdn=OLD_NUMBER)]
    put_usage(night.lake, records, DAY)
    put_orders(night.lake, DAY)
    guide(night, DAY)
    before = [night.lake.partition(table, DAY) for table in (GUIDED_USAGE, REJECTED_USAGE)]
    doubled = [
        ("msisdn", OLD_NUMBER, ANNA, BEGIN, at(DAY, NOON + 60)),
        ("msisdn", OLD_NUMBER, BEN, at(DAY, NOON - 60), None),
    ]
    put_orders(night.lake, DAY, numbers=doubled)
    with pytest.raises(LakeError, match=r"does not add up: 1 received.*overlap"):
        guide(night, DAY)
    assert before == [night.lake.partition(table, DAY) for table in (GUIDED_USAGE, REJECTED_USAGE)]


def test_without_snapshot_or_usage_the_night_stops_with_their_names(night: Night) -> None:
    with pytest.raises(MissingInput, match="order snapshot of 2026-11-05"):
        guide(night, DAY)
    put_orders(night.lake, DAY)
    put_usage(night.lake, [], DAY)
    night.lake.prune(USAGE, DAY + timedelta(days=1))
    with pytest.raises(MissingInput, match="usage of 2026-11-05"):
        guide(night, DAY)


def test_a_night_guided_twice_or_under_other_threads_has_the_same_bytes(
    night: Night, lake: Lake
) -> None:
    many = range(3000)
    put_orders(
        lake,
        DAY,
        numbers=[("msisdn", OLD_NUMBER + n, n + 1, BEGIN, None) for n in range(200)],
        parties=[(n + 1, n + 1, BEGIN, None) for n in range(200)],
    )
    put_usage(
        lake, [record(n, at(DAY, n % 7), served_msisdn=OLD_NUMBER + n % 200) for n in many], DAY
    )
    first = guide(night, DAY)
    assert digests(guide(night, DAY)) == digests(first)
    other = Night(night.settings.model_copy(update={"threads": 1}))
    assert digests(guide(other, DAY)) == digests(first)
    rows = pl.read_parquet(lake.files(GUIDED_USAGE, [DAY], bucket=1), hive_partitioning=True)
    assert set((rows["subscription_id"] % 4).unique()) == {1}


def test_instants_of_the_day_are_taken_in_the_business_zone(night: Night) -> None:
    """A holding that ends at Shanghai midnight ends at 16:00 UTC."""
    midnight = datetime(2026, 11, 4, 16)  # noqa: DTZ001
    assert at(DAY) == midnight
    put_orders(
        night.lake,
        DAY,
        numbers=[
            ("msisdn", OLD_NUMBER, ANNA, BEGIN, midnight),
            ("msisdn", OLD_NUMBER, BEN, midnight, None),
        ],
        parties=[(ANNA, 10, BEGIN, None), (BEN, 20, BEGIN, None)],
    )
    put_usage(night.lake, [record(1, midnight, served_msisdn=OLD_NUMBER)], DAY)
    guide(night, DAY)
    assert outcome(night) == {1: (BEN, 20, "msisdn")}
