"""Nights that could not run at their hour: started once what they need is there."""

from __future__ import annotations

import os
import time
import uuid
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from mingdan.calendar import last_business_day
from mingdan.night import Night
from mingdan.settings import Settings
from mingdan.usage.intake import land
from pipelines.sensors import late_files, missed_night
from tests.usage.feeds import Landing, at, msc_line, smsc_file, smsc_line

FIRST = last_business_day() - timedelta(days=3)
SECOND, THIRD = FIRST + timedelta(days=1), FIRST + timedelta(days=2)


@pytest.fixture
def landing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Landing:
    """An installation whose last night was that of FIRST."""
    monkeypatch.setenv("MINGDAN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MINGDAN_REQUIRED_SOURCES", "smsc,msc")
    landing = Landing(Settings())
    deliver(landing, "smsc", 0)
    deliver(landing, "msc", 0)
    land(Night(landing.settings), FIRST)
    return landing


def deliver(landing: Landing, source: str, days: int) -> Path:
    day = FIRST + timedelta(days=days)
    if source == "smsc":
        return landing.smsc([smsc_line(f"s{days}", time=at(day))], day=day)
    return landing.msc([msc_line(f"v{days}", time=at(day))], day=day)


def look(instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    asked = missed_night(dg.build_sensor_context(instance=instance))
    assert isinstance(asked, dg.RunRequest | dg.SkipReason)
    return asked


def tried(instance: dg.DagsterInstance, status: dg.DagsterRunStatus) -> None:
    tags = {"dagster/partition": SECOND.isoformat()}
    run_id = str(uuid.uuid4())
    instance.add_run(dg.DagsterRun("nightly", run_id=run_id, status=status, tags=tags))


def test_a_night_that_failed_runs_once_its_files_are_there(landing: Landing) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert isinstance(look(instance), dg.SkipReason)
        deliver(landing, "smsc", 1)
        # msc is still missing
        assert isinstance(look(instance), dg.SkipReason)
        tried(instance, dg.DagsterRunStatus.FAILURE)
        late = deliver(landing, "msc", 1)
        os.utime(late, (time.time() + 5, time.time() + 5))
        first = look(instance)
        assert isinstance(first, dg.RunRequest)
        assert first.partition_key == SECOND.isoformat()
        assert look(instance).run_key == first.run_key  # type: ignore[union-attr]
        tried(instance, dg.DagsterRunStatus.STARTED)
        assert "under way" in str(look(instance).skip_message)  # type: ignore[union-attr]


def test_a_night_is_not_tried_again_with_the_files_it_failed_with(landing: Landing) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        bad = deliver(landing, "smsc", 1)
        for path in (bad, deliver(landing, "msc", 1)):
            os.utime(path, (time.time() - 60, time.time() - 60))
        assert isinstance(look(instance), dg.RunRequest)
        tried(instance, dg.DagsterRunStatus.FAILURE)
        assert "failed with the files" in str(look(instance).skip_message)  # type: ignore[union-attr]
        bad.write_bytes(smsc_file([smsc_line("mended", time=at(SECOND))]))
        os.utime(bad, (time.time() + 5, time.time() + 5))
        assert isinstance(look(instance), dg.RunRequest)


def test_the_earliest_night_comes_first_and_today_waits(landing: Landing) -> None:
    for days in (1, 2, 4):
        deliver(landing, "smsc", days)
        deliver(landing, "msc", days)
    with dg.DagsterInstance.ephemeral() as instance:
        request = look(instance)
        assert isinstance(request, dg.RunRequest)
        assert request.partition_key == SECOND.isoformat()
        night = Night(landing.settings)
        land(night, SECOND)
        land(night, THIRD)
        # FIRST + 4 is a day that has not ended
        assert isinstance(look(instance), dg.SkipReason)


def test_a_day_left_out_is_landed_when_its_files_come(landing: Landing) -> None:
    deliver(landing, "smsc", 2)
    deliver(landing, "msc", 2)
    land(Night(landing.settings), THIRD)

    def late() -> list[str]:
        result = late_files(dg.build_sensor_context())
        requests = result.run_requests if isinstance(result, dg.SensorResult) else []
        return [str(request.partition_key) for request in requests or []]

    deliver(landing, "smsc", 1)
    assert late() == []
    deliver(landing, "msc", 1)
    assert late() == [SECOND.isoformat()]
