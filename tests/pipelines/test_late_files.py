"""Files that come after their night: noticed once, repaired, and seen by the next night."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg
import pytest

from assets.resources import Installation
from mingdan.classes.tables import LABELS
from mingdan.guiding.tables import GUIDED_USAGE
from mingdan.lake import Lake
from mingdan.usage.waiting import delivered_files
from pipelines.definitions import build_defs
from pipelines.sensors import late_files
from tests.worlds import Installed


@pytest.fixture
def installed(
    world_before_last_night: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Installed:
    copy = world_before_last_night.copy(tmp_path / "data")
    monkeypatch.setenv("MINGDAN_DATA", str(copy.data))
    return copy


def look() -> list[dg.RunRequest]:
    """What the sensor asks for."""
    result = late_files(dg.build_sensor_context())
    return list(result.run_requests or []) if isinstance(result, dg.SensorResult) else []


def test_a_late_file_starts_one_run_that_repairs_its_day(installed: Installed) -> None:
    lake = Lake(installed.settings.lake)
    day = lake.days(LABELS)[-1]
    assert look() == []

    first = next(file for file in delivered_files(installed.settings)[day] if "msc/" in file)
    original = installed.settings.landing / first
    late = original.with_name(f"{original.stem[:-2]}09{original.suffix}")
    lines = original.read_text("utf-8").splitlines(keepends=True)
    late.write_text(lines[0] + "".join("X" + line for line in lines[1:21]), encoding="utf-8")

    (request,) = look()
    assert request.partition_key == day.isoformat()
    assert [again.run_key for again in look()] == [request.run_key]

    labels = lake.partition(LABELS, day)
    guided = lake.partition(GUIDED_USAGE, day).rows
    job = build_defs(Installation(data=str(installed.data))).resolve_job_def("late_usage")
    with dg.DagsterInstance.ephemeral() as instance:
        assert job.execute_in_process(
            partition_key=request.partition_key, instance=instance
        ).success
    after = Lake(installed.settings.lake)
    assert after.partition(GUIDED_USAGE, day).rows > guided
    assert after.partition(LABELS, day) == labels
    assert look() == []


def test_a_file_for_a_day_not_yet_run_is_left_to_its_night(installed: Installed) -> None:
    source = installed.settings.landing / "usage" / "msc"
    future = source / "2026-11-21"
    shutil.copytree(source / installed.last.isoformat(), future)
    assert look() == []
