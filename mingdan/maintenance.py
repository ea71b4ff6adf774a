"""Retention: what the lake forgets, and when.

Here: dropping days older than the policy and the files no version lists. Not
here: the order store (its records have their own legal terms).
"""

from __future__ import annotations

from datetime import date, timedelta

from mingdan.night import Night
from mingdan.steps import TABLES

LASTING = ("partner_entries",)
"""Tables whose rows end by their own term (up to years), not by the lake's retention."""
KEEP_UNLISTED = timedelta(days=7)
"""A file no version lists stays this long: a reader of an old version may be at work."""


def retain(night: Night, today: date, keep_days: int | None = None) -> dict[str, int]:
    """Drop days older than `keep_days` (default: the setting) from every table.

    Returns per table how many days were dropped; files are freed by a vacuum.
    """
    before = today - timedelta(days=keep_days or night.settings.retention_days)
    dropped: dict[str, int] = {}
    for name, table in TABLES.items():
        dropped[name] = 0 if name in LASTING else night.lake.prune(table, before)
        night.lake.vacuum(table, KEEP_UNLISTED)
    return dropped
