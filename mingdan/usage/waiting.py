"""Which files lie in the landing folder, by delivery day.

Here: looking at names, never into files. Not here: loading them (`intake.py`).
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from pathlib import Path

from mingdan.lake import Lake
from mingdan.settings import Settings
from mingdan.usage.delivery import is_delivery
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
    """Files of delivery days already landed that the ledger does not know.

    Only the last `late_days` landed days are looked at: older ones would not
    re-open any day.
    """
    landed = lake.days(USAGE_FILES)[-(settings.late_days + 1) :]
    known = set(lake.scan(USAGE_FILES, landed).select("file").collect()["file"].to_list())
    return {
        day: new
        for day, files in delivered_files(settings).items()
        if day in landed and (new := [file for file in files if file not in known])
    }


def _day(folder: Path) -> date | None:
    if not folder.is_dir() or folder.is_symlink() or folder.parent.is_symlink():
        return None
    try:
        return date.fromisoformat(folder.name)
    except ValueError:
        return None
