"""Small simulated operators for tests of whole nights.

Here: making one world a session and copying it. Not here: what a test expects.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from mingdan.calendar import days
from mingdan.classes.tables import LABELS
from mingdan.lake import Lake
from mingdan.night import Night
from mingdan.settings import Settings
from mingdan.simulator.spec import World
from mingdan.simulator.world import simulate
from mingdan.steps import TABLES, run_night

LAST_DAY = date(2026, 11, 20)
SUBSCRIBERS = 300
DAYS = 6
BUCKETS = 2


@dataclass(frozen=True)
class Installed:
    """A data folder with its first and last delivered day."""

    data: Path
    first: date
    last: date

    @property
    def settings(self) -> Settings:
        return Settings(data=self.data, lock_wait_seconds=1.0)

    def copy(self, target: Path) -> Installed:
        shutil.copytree(self.data, target)
        return Installed(target, self.first, self.last)

    def run(self, until: date) -> None:
        """Every night not yet run, up to `until`, in order."""
        night = Night(self.settings)
        with night.lock():
            done = set(night.lake.days(LABELS))
            for day in days(self.first, until):
                if day not in done:
                    run_night(night, day)
        night.orders.close()


def install(folder: Path) -> Installed:
    """A world of 300 subscribers and six days, nothing run yet."""
    world = World(subscribers=SUBSCRIBERS, days=DAYS, seed=1, last_day=LAST_DAY)
    simulate(world, folder)
    # The default is for millions of subscribers: here a night would be all overhead.
    Lake(folder / "lake", buckets=BUCKETS)
    return Installed(folder, world.first_day, world.last_day)


def lake_digests(data: Path) -> dict[str, str]:
    """The digest of every day of every table."""
    lake = Lake(data / "lake")
    return {
        f"{name} {day}": lake.partition(table, day).digest
        for name, table in TABLES.items()
        for day in lake.days(table)
    }


def file_digests(folder: Path, suffixes: Iterable[str] = ()) -> dict[str, str]:
    """SHA-256 of every file under a folder, by relative name."""
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and (not suffixes or file.suffix in suffixes)
    }


def everything(data: Path) -> dict[str, str]:
    """All a night leaves behind: the lake's days and the release folders' bytes."""
    return lake_digests(data) | file_digests(data / "releases")
