"""Event days: re-opened by late files, each record once, the future unseen."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from mingdan.errors import MissingInput
from mingdan.night import Night, Report
from mingdan.reference.numbers import digest_id
from mingdan.usage.days import build, reopened
from mingdan.usage.intake import land
from mingdan.usage.tables import USAGE
from tests.usage.feeds import DAY, Landing, at, smsc_line, tree

D1, D2, D3 = (DAY + timedelta(days=n) for n in range(3))


def run(night: Night, *days: date) -> Report:
    for day in days:
        land(night, day)
        report = build(night, day)
    return report


def ids(night: Night, day: date) -> set[str]:
    """The serials whose records the day holds."""
    held = set(night.lake.scan(USAGE, [day]).collect()["record_id"])
    names = {digest_id(f"smsc|{name}"): name for name in "abcdefgh"}
    return {names[record] for record in held}


def test_a_late_record_is_added_to_its_event_day(night: Night, landing: Landing) -> None:
    landing.smsc([smsc_line("a", time=at(D1))], day=D1)
    landing.smsc([smsc_line("b", time=at(D2)), smsc_line("c", time=at(D1, 3))], day=D2)
    run(night, D1)
    assert ids(night, D1) == {"a"}
    report = run(night, D2)
    assert reopened(night, D1) == [D1]
    assert reopened(night, D2) == [D1, D2]
    assert (ids(night, D1), ids(night, D2)) == ({"a", "c"}, {"b"})
    assert report.facts == {"event_days": 2, "records": 3, "duplicates_across_deliveries": 0}
    delivered = night.lake.scan(USAGE, [D1]).sort("event_at").collect()["delivered"].to_list()
    assert delivered == [D2, D1]


def test_a_record_of_two_deliveries_counts_once_and_the_first_stands(
    night: Night, landing: Landing
) -> None:
    landing.smsc([smsc_line("a", time=at(D1)), smsc_line("b", time=at(D1))], day=D1)
    landing.smsc([smsc_line("a", time=at(D1), cell="9"), smsc_line("c", time=at(D1))], day=D2)
    landing.smsc([smsc_line("c", time=at(D1), cell="9")], day=D3)
    report = run(night, D1, D2, D3)
    assert report.facts == {"event_days": 2, "records": 3, "duplicates_across_deliveries": 2}
    usage = night.lake.scan(USAGE, [D1]).collect()
    assert ids(night, D1) == {"a", "b", "c"}
    assert usage.filter(pl.col("cell") == 9).is_empty()


def test_a_night_run_again_keeps_what_came_later(night: Night, landing: Landing) -> None:
    landing.smsc([smsc_line("a", time=at(D1))], day=D1)
    run(night, D1)
    landing.smsc([smsc_line("b", time=at(D2)), smsc_line("c", time=at(D1))], day=D2)
    run(night, D2)
    state = tree(night.lake.root / USAGE.name / f"date={D1}")
    build(night, D1)
    assert ids(night, D1) == {"a", "c"}
    assert tree(night.lake.root / USAGE.name / f"date={D1}") == state


def test_a_record_from_a_clock_ahead_belongs_to_the_next_day(
    night: Night, landing: Landing
) -> None:
    landing.smsc([smsc_line("a", time=at(D1)), smsc_line("b", time=at(D2, 0, 2))], day=D1)
    landing.smsc([smsc_line("c", time=at(D2))], day=D2)
    run(night, D1)
    assert reopened(night, D1) == [D1]
    assert ids(night, D1) == {"a"}
    run(night, D2)
    assert ids(night, D2) == {"b", "c"}


def test_a_night_in_days_or_weeks_comes_to_the_same(
    night: Night, landing: Landing, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Landed first and built after, or night by night: the same bytes."""
    for number, day in enumerate((D1, D2, D3)):
        lines = [smsc_line("abcdefgh"[number * 2 + n], time=at(day, n)) for n in range(2)]
        late = [smsc_line("abc"[number], time=at(D1, 1), cell="8")]
        landing.smsc(lines + late, day=day)
    run(night, D1, D2, D3)
    other = Night(night.settings.model_copy(update={"data": tmp_path_factory.mktemp("other")}))
    (other.settings.data / "landing").symlink_to(night.settings.landing, target_is_directory=True)
    for day in (D1, D2, D3):
        land(other, day)
    for day in (D1, D2, D3):
        build(other, day)
    for day in (D1, D2, D3):
        assert other.lake.partition(USAGE, day).digest == night.lake.partition(USAGE, day).digest


def test_a_day_that_was_not_landed_cannot_be_built(night: Night) -> None:
    with pytest.raises(MissingInput, match=f"mingdan ingest {DAY}"):
        build(night, DAY)
