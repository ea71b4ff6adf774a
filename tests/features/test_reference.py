"""Every feature equals its plain reading, on random usage, for 1, 7 and 30 days."""

from __future__ import annotations

import math
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mingdan.features.tables import FEATURES, TABLES
from mingdan.guiding.tables import GUIDED_USAGE
from mingdan.night import Night
from mingdan.reports.tables import COMPLAINTS
from tests.features.grow import open_night, result, run
from tests.features.reference import features
from tests.guiding.rows import Row, at, put, record

DAY = date(2026, 11, 5)
# the edges of every window, of the horizon behind it, and beyond both
BACK = (0, 1, 6, 7, 8, 12, 29, 30, 31)
BUSY = (*BACK, 2, 5, 10, 15, 20, 28)
SECONDS = (
    *(0, 5, 599.999999, 600, 1200, 3599, 3600, 5399, 25_199, 25_200, 25_201, 40_000.5, 68_399),
    *(68_400, 82_800, 86_399.999999),
)
MOBILE, SERVICE = 8613800138000, 106_900_001_234
AREAS = {None: 755, 1: 755, 2: 20, 3: None, 2**28 + 1: 10}
OTHERS = (
    *((MOBILE + step, "mobile") for step in (0, 1, 10, 11, 21, 10_000)),
    (861440000123456, "mobile"),
    (861440000999999, "mobile"),
    (SERVICE, "service"),
    (-77, "opaque"),
    (None, None),
)


def event(number: int, values: tuple[Any, ...]) -> Row:
    served, back, second, kind, direction, other, duration, ref, imei, imsi, fen, cell = values
    party, party_kind = (None, None) if kind == "data" else other
    return record(
        number,
        at(DAY - timedelta(days=back), second),
        usage_type=kind,
        direction=direction,
        served_msisdn=served,
        served_imei=imei,
        served_imsi=imsi,
        other_party=party,
        other_kind=party_kind,
        duration_s=None if kind == "sms" else duration,
        bytes=fen if kind == "data" else None,
        message_ref=ref if kind == "sms" else None,
        charge_fen=fen,
        cell=cell,
        area=AREAS[cell],
        self_held=True,
    )


EVENT = st.tuples(
    st.sampled_from((1, 2, -3)),
    # a place in the days drawn for the example: few days, because each is guided
    st.integers(0, 2),
    st.sampled_from(SECONDS),
    st.sampled_from(("sms", "sms", "voice", "voice", "data")),
    st.sampled_from(("out", "out", "in")),
    st.sampled_from(OTHERS),
    st.sampled_from((None, 0, 3, 4, 6, 7, 500)),
    st.sampled_from((None, 1, 2)),
    st.sampled_from((None, 0, 11, 12)),
    st.sampled_from((None, 21, 22)),
    st.sampled_from((None, 0, 10)),
    st.sampled_from(tuple(AREAS)),
)


def same(found: Any, expected: Any) -> bool:
    """Equal; a deviation or entropy may be as far off as the ninth decimal."""
    if isinstance(expected, float) and found is not None:
        return math.isclose(found, expected, rel_tol=1e-12, abs_tol=1e-9)
    return bool(found == expected)


def compare(night: Night, records: list[Row], **orders: Any) -> None:
    complaints = orders.pop("complaints", [])
    for received in {row["date"] for row in complaints} - {DAY}:
        put(night.lake, COMPLAINTS, received, [r for r in complaints if r["date"] == received])
    today = [row for row in complaints if row["date"] == DAY]
    held = run(night, records, DAY, complaints=today, **orders)
    subscriptions = {row["subscription_id"]: row for row in orders.get("subscriptions", ())}
    expected = features(records, DAY, held, subscriptions, complaints)
    found = result(night, DAY)
    assert found.keys() == expected.keys()
    wrong = {
        (subscription, name): (found[subscription].get(name), value)
        for subscription, values in expected.items()
        for name, value in values.items()
        if name in FEATURES.names and not same(found[subscription].get(name), value)
    }
    assert not wrong, "found and expected"
    for subscription, values in expected.items():
        assert {n for n, v in values.items() if v is not None} >= found[subscription].keys()


@pytest.fixture(scope="module")
def shared_night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return open_night(tmp_path_factory.mktemp("features"), buckets=1)


@settings(max_examples=7, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    back=st.lists(st.sampled_from(BACK), min_size=3, max_size=3),
    events=st.lists(EVENT, max_size=60),
)
# a call without a duration is neither short nor long, but a call
@example(
    back=[0, 7, 29],
    events=[
        (1, place, 0, "voice", "out", OTHERS[0], None, None, None, None, None, 1)
        for place in (0, 1)
    ],
)
# the third segment is within ten minutes of the second, not of the first
@example(
    back=[1, 6, 30],
    events=[
        (1, 0, second, "sms", "out", OTHERS[0], None, 1, 11, 21, 10, 1)
        for second in (0, 599.999999, 1199, 1800)
    ],
)
# the cell met first has no area, and does not take the other's
@example(
    back=[0, 1, 2],
    events=[
        (1, 0, second, "sms", "out", OTHERS[0], None, None, None, None, None, cell)
        for second, cell in ((10, 3), (20, 2))
    ],
)
def test_features_equal_their_meaning_on_random_usage(
    shared_night: Night, back: list[int], events: list[tuple[Any, ...]]
) -> None:
    # days of an earlier example must not be seen as history
    for table in (GUIDED_USAGE, *TABLES):
        shared_night.lake.prune(table, DAY + timedelta(days=1))
    records = [
        event(number, (served, back[place], *rest))
        for number, (served, place, *rest) in enumerate(events)
    ]
    compare(shared_night, records)


def test_features_equal_their_meaning_on_a_busy_month(tmp_path: Path) -> None:
    """Thousands of events of a few, so that every feature has something to count."""
    night = open_night(tmp_path, buckets=4)
    dice = np.random.default_rng(5)
    records = []
    for number in range(2000):
        served = int(dice.integers(1, 9))
        kind = str(dice.choice(["sms", "voice", "data"], p=[0.5, 0.4, 0.1]))
        step = int(dice.integers(0, 40 * served))
        # some talk to and fro within an hour or so, with few
        talks = number % 4 == 0
        other = (MOBILE + step * 3, "mobile") if step % 5 else (SERVICE + step, "service")
        if talks:
            other = (MOBILE + step % 3 * 10_000, "mobile")
        values = (
            served,
            int(dice.choice(BUSY)) if number % 3 else 0,
            float(dice.integers(0, 86_400_000) / (20_000 if talks else 1000)),
            kind,
            str(dice.choice(["out", "in"])),
            other,
            int(dice.integers(0, 20)),
            int(dice.integers(0, 3)) or None,
            int(dice.integers(served, served + 3)),
            int(dice.integers(served, served + 2)),
            int(dice.integers(0, 50)),
            list(AREAS)[int(dice.integers(0, 5))] if step % 3 else 1 + served % 2,
        )
        records.append(event(number, values))
    known = {
        "activated_at": at(DAY - timedelta(days=40)),
        "status": "suspended",
        "sender_kind": "call_centre",
        "payment_kind": "postpaid",
        "arrears_fen": 1234,
        "arrears_days": 3,
        "party_cards": 2,
    }
    subscriptions = [
        {**known, "subscription_id": 1, "party_id": 100},
        {**known, "subscription_id": 2, "party_id": 200, "status": "active"},
        {**known, "subscription_id": 3, "party_id": 300, "activated_at": at(DAY)},
        {**known, "subscription_id": 4, "party_id": 300, "activated_at": at(DAY, 86_399)},
        {**known, "subscription_id": 99, "party_id": 300},
    ]
    complaints = [
        {
            "complaint_id": str(n),
            "subscription_id": n % 3,
            "reporter_number": reporter,
            "date": DAY - timedelta(days=n),
        }
        for n, reporter in enumerate((None, 5, 5, 6, 7, 8, None, 9))
    ]
    compare(night, records, subscriptions=subscriptions, complaints=complaints)
    values = result(night, DAY)
    seen = {name for row in values.values() for name, value in row.items() if value}
    assert set(FEATURES.names) - {"subscription_id"} <= seen
