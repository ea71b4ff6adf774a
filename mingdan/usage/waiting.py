"""Which files lie in the landing folder, by delivery day, and which of them wait.

Here: looking at names, never into files. Not here: loading them (`intake.py`).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from mingdan.calendar import known_at
from mingdan.errors import InputRefused, MissingInput
from mingdan.lake import Lake
from mingdan.landed import there
from mingdan.settings import Settings
from mingdan.usage.delivery import find, is_delivery, marker_of
from mingdan.usage.tables import USAGE_FILES


def delivered_files(settings: Settings) -> dict[date, list[str]]:
    """Names under the landing folder of every usage file, by delivery day, in order.

    A folder whose name is no day or that is a link, and folders within, are passed over.
    """
    found: dict[date, list[str]] = defaultdict(list)
    for folder in sorted((settings.landing / "usage").glob("*/*")):
        day = _day(folder)
        if day is None:
            continue
        for file in sorted(folder.iterdir()):
            if is_delivery(file):
                found[day].append(file.relative_to(settings.landing).as_posix())
    return dict(sorted(found.items()))


def delivered_days(settings: Settings) -> list[date]:
    """Every delivery day with at least one usage file, in order."""
    return list(delivered_files(settings))


def waiting_files(lake: Lake, settings: Settings) -> dict[date, list[str]]:
    """Files the ledger does not know of delivery days whose night is over.

    A day left out between landed ones counts once all it needs is there. Only the
    last `late_days` landed days are looked at: older ones would not re-open any day.
    """
    landed = lake.days(USAGE_FILES)[-(settings.late_days + 1) :]
    known = set(lake.scan(USAGE_FILES, landed).select("file").collect()["file"].to_list())
    return {
        day: new
        for day, files in delivered_files(settings).items()
        if landed and landed[0] <= day <= landed[-1]
        if (new := [file for file in files if file not in known])
        if day in landed or _complete(settings, day)
    }


@dataclass(frozen=True)
class Delivery:
    """The files of a day at a glance."""

    digest: str
    """Of their names, sizes and times: another as soon as one comes or is sent again."""
    newest: float
    """When the last of them, or of their skip markers, was written; POSIX seconds."""


def missed_nights(lake: Lake, settings: Settings, now: datetime) -> dict[date, Delivery]:
    """Nights that are due and not landed though all they need is there, in order.

    Only an installation that has landed a night before has
    missed one, and only the last `late_days` are looked at: what is older is history.
    """
    landed = lake.days(USAGE_FILES)
    missed: dict[date, Delivery] = {}
    for day, names in delivered_files(settings).items():
        recent = (now - known_at(day)).days <= settings.late_days
        if not landed or day <= landed[-1] or known_at(day) > now or not recent:
            continue
        if _complete(settings, day):
            missed[day] = _at_a_glance([settings.landing / name for name in names])
    return missed


def _complete(settings: Settings, day: date) -> bool:
    try:
        find(settings, day)
    except (InputRefused, MissingInput):
        return False
    return True


def _at_a_glance(files: Iterable[Path]) -> Delivery:
    stats = [(file, file.lstat()) for file in files]
    markers = [marker_of(file) for file, _ in stats]
    stats += [(marker, marker.lstat()) for marker in markers if there(marker)]
    seen = "\n".join(f"{file} {stat.st_size} {stat.st_mtime_ns}" for file, stat in stats)
    return Delivery(
        digest=hashlib.sha256(seen.encode()).hexdigest()[:16],
        newest=max(stat.st_mtime for _, stat in stats),
    )


def _day(folder: Path) -> date | None:
    if not folder.is_dir() or folder.is_symlink() or folder.parent.is_symlink():
        return None
    try:
        return date.fromisoformat(folder.name)
    except ValueError:
        return None
