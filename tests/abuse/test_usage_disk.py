"""Landing on a failing machine: disk full, folder blocked, process killed.

After each the day is as it was or complete, and landing again completes it with
the bytes of an undisturbed run.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest

from mingdan.errors import LakeError
from mingdan.lake import Lake
from mingdan.night import Night
from mingdan.settings import Settings
from mingdan.tables import Table
from mingdan.usage.days import build
from mingdan.usage.intake import land
from mingdan.usage.tables import LANDED_USAGE, TABLES, USAGE, USAGE_FILES, USAGE_QUARANTINE
from tests.usage.feeds import DAY, Landing, at, smsc_line

MORE = [smsc_line(f"m{n}", time=at(DAY, n % 24), cell=str(n * 7919)) for n in range(20_000)]
LAND = """
import os, resource, signal, sys
from datetime import date
from pathlib import Path
from mingdan.lake import Lake
from mingdan.night import Night
from mingdan.settings import Settings
from mingdan.usage.days import build
from mingdan.usage.intake import land

kind, number, data = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
if kind == "bytes":
    # the least disk a process can be given: no file may grow beyond this
    resource.setrlimit(resource.RLIMIT_FSIZE, (number, number))
else:
    commit, calls = Lake._commit, 0

    def dying(self, *args):
        global calls
        calls += 1
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)
        commit(self, *args)

    Lake._commit = dying
night = Night(Settings(data=data))
with night.lock():
    land(night, date(2026, 11, 1))
    build(night, date(2026, 11, 1))
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", lock_wait_seconds=0.2)


@pytest.fixture
def landing(settings: Settings) -> Landing:
    return Landing(settings)


def digests(lake: Lake) -> dict[str, str]:
    return {table.name: lake.partition(table, DAY).digest for table in TABLES}


def land_and_build(night: Night) -> None:
    land(night, DAY)
    build(night, DAY)


def land_in_subprocess(settings: Settings, kind: str, number: int) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", LAND, kind, str(number), str(settings.data)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


@cache
def undisturbed(count: int) -> dict[str, str]:
    """Digests of a day with so many more lines that was landed in one go."""
    with tempfile.TemporaryDirectory() as folder:
        return _undisturbed(Settings(data=Path(folder)), MORE[:count])


def _undisturbed(other: Settings, lines: list[str]) -> dict[str, str]:
    landing = Landing(other)
    landing.all_three()
    landing.smsc(lines, number=2)
    night = Night(other)
    land(night, DAY)
    build(night, DAY)
    return digests(night.lake)


def test_a_full_disk_leaves_the_day_as_it_was(night: Night, landing: Landing) -> None:
    landing.all_three()
    land(night, DAY)
    build(night, DAY)
    before = digests(night.lake)
    landing.smsc(MORE, number=2)
    outcome = land_in_subprocess(night.settings, "bytes", 60_000)
    assert outcome.returncode == 1
    assert "LakeError" in outcome.stderr
    assert digests(night.lake) == before
    assert night.lake.scan(USAGE, [DAY]).collect().height == 60
    assert not list((night.lake.root / "_staging").iterdir())
    land(night, DAY)
    build(night, DAY)
    assert digests(night.lake) == undisturbed(len(MORE))


@pytest.mark.parametrize("table", [LANDED_USAGE, USAGE_QUARANTINE, USAGE_FILES, USAGE])
def test_a_folder_that_cannot_be_written_leaves_the_day_as_it_was(
    night: Night, landing: Landing, table: Table
) -> None:
    # root writes where permissions forbid it: a file where the day's folder belongs stops anyone
    landing.all_three()
    folder = night.lake.root / table.name / f"date={DAY}"
    folder.parent.mkdir()
    folder.write_text("in the way")
    with pytest.raises(LakeError, match=table.name):
        land_and_build(night)
    assert not night.lake.exists(table)
    folder.unlink()
    landed = land(night, DAY)
    assert landed.facts["rows_landed"] == build(night, DAY).facts["records"] == 60


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_landing_killed_at_any_commit_is_completed_by_landing_again(
    settings: Settings, lake: Lake, landing: Landing, number: int
) -> None:
    landing.all_three()
    landing.smsc(MORE[:200], number=2)
    outcome = land_in_subprocess(settings, "commits", number)
    assert outcome.returncode == -signal.SIGKILL
    night = Night(settings)
    with night.lock():
        land(night, DAY)
        build(night, DAY)
    assert lake.scan(USAGE, [DAY]).collect().height == 260
    assert digests(lake) == undisturbed(200)
