"""Parts: an event day is put together from the deliveries' files, not written anew."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from mingdan.night import Night
from mingdan.usage import parts
from mingdan.usage.days import build
from mingdan.usage.intake import land
from mingdan.usage.tables import LANDED_USAGE, USAGE
from tests.usage.feeds import DAY, Landing, at, msc_line, smsc_line

NEXT = DAY + timedelta(days=1)


def inodes(night: Night, *tables: object) -> list[set[int]]:
    return [
        {Path(file).stat().st_ino for file in night.lake.files(table, [DAY])}  # type: ignore[arg-type]
        for table in tables
    ]


def test_a_part_without_copies_is_a_file_of_both_tables(night: Night, landing: Landing) -> None:
    landing.all_three()
    land(night, DAY)
    build(night, DAY)
    landed, usage = inodes(night, LANDED_USAGE, USAGE)
    assert landed == usage
    assert len(landed) == 3
    rows = night.lake.scan(USAGE, [DAY]).collect()
    assert set(rows.columns) == {*USAGE.names, "date"}
    assert set(rows["delivered"]) == {DAY}
    # gone from one table, it is still there for the other
    night.lake.prune(LANDED_USAGE, NEXT)
    night.lake.vacuum(LANDED_USAGE, timedelta(0))
    assert night.lake.scan(USAGE, [DAY]).collect().height == 60


def test_a_part_with_a_copy_is_written_without_it(night: Night, landing: Landing) -> None:
    landing.smsc([smsc_line("a"), smsc_line("b")])
    landing.smsc([smsc_line("a", cell="9"), smsc_line("c", time=at(DAY, 3))], day=NEXT)
    for day in (DAY, NEXT):
        land(night, day)
        report = build(night, day)
    assert report.facts["duplicates_across_deliveries"] == 1
    rows = night.lake.scan(USAGE, [DAY]).sort("source_file", "source_line").collect()
    assert rows["delivered"].to_list() == [DAY, DAY, NEXT]
    assert rows.filter(pl.col("cell") == 9).is_empty()
    landed, usage = inodes(night, LANDED_USAGE, USAGE)
    assert landed < usage


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_the_same_records_land_however_large_a_part_may_be(
    night: Night, landing: Landing, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    lines = [smsc_line(n, time=at(DAY - timedelta(days=n % 3), n % 24)) for n in range(40)]
    for number in range(4):
        landing.smsc([*lines[number * 10 : number * 10 + 10], smsc_line(0)], number=number)
    monkeypatch.setattr(parts, "ROWS", rows)
    facts = land(night, DAY).facts
    assert (facts["rows_landed"], facts["rows_duplicate"]) == (40, 4)
    days = night.lake.scan(LANDED_USAGE, [DAY]).collect()["event_day"]
    assert sorted(days.value_counts()["count"]) == [13, 13, 14]
    for file in night.lake.files(LANDED_USAGE, [DAY]):
        assert pl.read_parquet(file, columns=["event_day"])["event_day"].n_unique() == 1


def test_files_from_before_there_were_parts_are_taken_as_they_are(
    night: Night, landing: Landing
) -> None:
    """One file for all sources and event days, and no column that says when it was delivered."""
    landing.all_three()
    landing.smsc([smsc_line("late", time=at(DAY - timedelta(days=1)))], number=2)
    land(night, DAY)
    whole = night.lake.scan(LANDED_USAGE, [DAY]).drop("date").collect()
    night.lake.write(LANDED_USAGE, DAY, whole)
    build(night, DAY)
    assert night.lake.scan(USAGE, [DAY]).collect().height == 60
    assert night.lake.scan(USAGE, [DAY - timedelta(days=1)]).collect()["delivered"].item() == DAY
    landing.msc([msc_line("more")], number=2)
    land(night, DAY, only="msc")
    build(night, DAY)
    assert night.lake.scan(USAGE, [DAY]).collect().height == 61
