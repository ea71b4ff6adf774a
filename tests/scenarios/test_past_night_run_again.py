"""A past night is run again: an analyst's backfill over days that are done.

Here: what may change then (nothing, or what came late) and what may not. Not
here: the newest night run twice (`tests/pipelines`).
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from mingdan.guiding.tables import GUIDED_USAGE
from mingdan.night import Night
from mingdan.steps import run_night
from mingdan.usage.tables import USAGE
from tests.worlds import Installed, lake_digests


@pytest.mark.parametrize("back", [1, 3])
def test_it_changes_no_byte(finished_world: Installed, tmp_path: Path, back: int) -> None:
    """Above all it does not lose the records that came with the nights after it."""
    world = finished_world.copy(tmp_path / "data")
    before = lake_digests(world.data)
    night = Night(world.settings)
    with night.lock():
        reports = run_night(night, world.last - timedelta(days=back))
    night.orders.close()
    assert lake_digests(world.data) == before
    assert "kept" in reports["features"].facts


def test_a_file_found_after_a_later_night_is_taken_in(
    finished_world: Installed, tmp_path: Path
) -> None:
    """It repairs the days it is about; what was concluded stays as it was known then."""
    world = finished_world.copy(tmp_path / "data")
    day = world.last - timedelta(days=1)
    folder = world.data / "landing" / "usage" / "msc" / day.isoformat()
    voice = sorted(folder.glob("voc_*.csv"))[0]
    head, row = voice.read_text("utf-8").splitlines()[:2]
    fields = row.split(",")
    fields[0] = "found-later"
    (folder / "voc_found.csv").write_text(f"{head}\n{','.join(fields)}\n", "utf-8")
    before = lake_digests(world.data)
    night = Night(world.settings)
    lake = night.lake
    rows = lake.partition(USAGE, day).rows
    with night.lock():
        run_night(night, day)
    night.orders.close()
    assert lake.partition(USAGE, day).rows == rows + 1
    found = lake.scan(GUIDED_USAGE, [day]).filter(pl.col("source_file").str.contains("voc_found"))
    assert len(found.collect()) == 1
    after = lake_digests(world.data)
    changed = {name.split()[0] for name in before if before[name] != after[name]}
    assert {"usage", "guided_usage", "daily_usage"} <= changed
    assert changed.isdisjoint({"features", "sender_assertions", "labels", "list_entries"})
