"""The simulator's files with their planted faults: each is set aside for its reason."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl

from mingdan.calendar import days
from mingdan.night import Night
from mingdan.usage.intake import land
from mingdan.usage.tables import USAGE_FILES, USAGE_QUARANTINE
from tests.worlds import Installed

REASONS = {
    "bad_time": "bad_time",
    "bad_number": "bad_number",
    "bad_bytes": "undecodable",
    "cut_short": "too_few_fields",
    "no_number": "missing_value",
    "unknown_code": "unknown_code",
}


def test_every_planted_fault_is_found_and_nothing_else(
    fresh_world: Installed, tmp_path: Path
) -> None:
    installed = fresh_world.copy(tmp_path / "data")
    night = Night(installed.settings)
    for day in days(installed.first, installed.last):
        land(night, day)
    planted = pl.read_parquet(installed.data / "truth" / "faults.parquet")
    expected = Counter(REASONS[kind] for kind in planted["fault"] if kind in REASONS)
    found = Counter(night.lake.scan(USAGE_QUARANTINE).collect()["reason"])
    found.pop("too_late", None)
    assert found == expected
    assert expected.total() > 20
    files = night.lake.scan(USAGE_FILES).collect()
    assert set(files["status"]) <= {"loaded", "already_loaded"}
    assert files["rows_late"].sum() > 0
