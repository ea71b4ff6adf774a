"""Guiding equals a slow, obvious reading of the holding history, on random histories."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mingdan.guiding.guide import guide
from mingdan.lake import Lake
from mingdan.night import Night
from mingdan.settings import Settings
from tests.guiding.rows import Row, at, put_orders, put_usage, record
from tests.guiding.test_guide import DAY, outcome

Holding = tuple[Any, int, datetime, datetime | None]

# few instants, so that events fall on boundaries, a microsecond off them, and across midnight
DAY_SECONDS = 86_400
INSTANTS = (-3600, 0, 1, 3600, 3600.000001, 7200, 43_200, 86_399.999999, DAY_SECONDS, 90_000)
EVENTS = tuple(
    sorted(
        {
            second + step
            for second in INSTANTS
            for step in (-1e-6, 0, 1e-6, 0.5)
            if 0 <= second + step <= DAY_SECONDS - 1e-6
        }
    )
)


@st.composite
def histories(draw: st.DrawFn, keys: tuple[Any, ...], holders: tuple[int, ...]) -> list[Holding]:
    """Half-open intervals per key that never overlap; some keys have gaps or no end."""
    found: list[Holding] = []
    for key in keys:
        # half of the keys are held all day, as in life: they take the quick way
        cuts = draw(st.just([-3600]) | st.sets(st.sampled_from(INSTANTS), max_size=5).map(sorted))
        for index, start in enumerate(cuts):
            holder = draw(st.sampled_from((None, *holders)))
            end = cuts[index + 1] if index + 1 < len(cuts) else draw(st.sampled_from((None, 10**6)))
            if holder is not None:
                until = None if end is None else at(DAY, end)
                found.append((key, holder, at(DAY, start), until))
    return found


def held(history: list[Holding], key: Any, instant: datetime) -> int | None:
    """Who held `key` at `instant`, by looking at every interval."""
    for owned, holder, start, end in history:
        if owned == key and start <= instant and (end is None or instant < end):
            return holder
    return None


def expected(row: Row, numbers: list[Holding], parties: list[Holding]) -> tuple[Any, ...]:
    """What guiding must say of a record, word by word as documented."""
    instant = row["event_at"]
    by_imsi = held(numbers, ("imsi", row["served_imsi"]), instant)
    by_msisdn = held(numbers, ("msisdn", row["served_msisdn"]), instant)
    if by_imsi is not None and by_msisdn is not None and by_imsi != by_msisdn:
        return ("imsi_msisdn_disagree",)
    subscription = by_imsi if by_imsi is not None else by_msisdn
    if subscription is None:
        return ("no_holder",)
    party = held(parties, subscription, instant)
    if party is None:
        return ("no_party",)
    return (subscription, party, "imsi" if by_imsi is not None else "msisdn")


KEYS = tuple((kind, key) for kind in ("imsi", "msisdn") for key in (101, 102, 103))
EVENT = st.tuples(
    st.sampled_from(EVENTS), st.sampled_from((None, 101, 102)), st.sampled_from((None, 101, 103))
)


@pytest.fixture(scope="module")
def shared_night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    folder = tmp_path_factory.mktemp("guiding")
    Lake(folder / "lake", buckets=3)
    return Night(Settings(data=folder))


@settings(max_examples=32, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    numbers=histories(KEYS, (1, 2, 3)),
    parties=histories((1, 2, 3), (10, 20)),
    events=st.lists(EVENT, max_size=25),
)
def test_every_record_goes_where_the_history_says(
    shared_night: Night,
    numbers: list[Holding],
    parties: list[Holding],
    events: list[tuple[float, int | None, int | None]],
) -> None:
    records = [
        record(number, at(DAY, second), served_imsi=imsi, served_msisdn=msisdn)
        for number, (second, imsi, msisdn) in enumerate(events)
    ]
    put_orders(
        shared_night.lake,
        DAY,
        numbers=[(*key, holder, start, end) for key, holder, start, end in numbers],
        parties=parties,
    )
    put_usage(shared_night.lake, records, DAY)
    report = guide(shared_night, DAY)
    assert outcome(shared_night) == {
        row["record_id"]: expected(row, numbers, parties) for row in records
    }
    assert report.facts["guided"] + report.facts["rejected"] == len(records)


def test_the_day_of_the_instants_is_the_day_guided() -> None:
    assert at(DAY) < at(DAY, EVENTS[-1]) < at(DAY, DAY_SECONDS)
    assert isinstance(DAY, date)
