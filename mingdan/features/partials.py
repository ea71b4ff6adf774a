"""The night's step `daily partials`: a day's usage as sums, pairs, devices and places.

Here: which days are built again, and how much of them. Not here: what a partial
holds (`tables.py`) and how it is counted (`sql/features/`).

The night's own day is made whole. Of a re-opened day only the subscriptions
whose records changed are counted again, told by a fingerprint; the others' rows
are kept, which gives the bytes of the whole day made again.
"""

from __future__ import annotations

from datetime import date

from mingdan.calendar import day_start, naive_utc
from mingdan.engine import Job, Read, Result
from mingdan.errors import MissingInput
from mingdan.features.tables import (
    DAILY_DEVICES,
    DAILY_PAIRS,
    DAILY_PLACES,
    DAILY_USAGE,
    PARTIALS,
)
from mingdan.guiding.guide import reopened
from mingdan.guiding.tables import GUIDED_USAGE
from mingdan.lake import Partition
from mingdan.night import Night, Report


def build(night: Night, day: date) -> Report:
    """Build the partials of every day the night of `day` guided.

    Facts: event days and the rows of each table. Raises MissingInput if a day
    has not been guided, LakeError if the disk refuses.
    """
    event_days = reopened(night, day)
    missing = sorted(set(event_days) - set(night.lake.days(GUIDED_USAGE)))
    if missing:
        raise MissingInput(
            f"guided_usage of {', '.join(map(str, missing))} is missing: "
            f"run step guided_usage for {day} first"
        )
    partitions: list[Partition] = []
    with night.engine.connect() as connection:
        for event_day in event_days:
            partitions += night.engine.make(
                _job(event_day, known=[event_day] if event_day < day else []),
                event_day,
                {
                    "day_start": naive_utc(day_start(event_day)),
                    "pepper": night.pepper.hex(),
                },
                connection=connection,
            )
    rows = {table.name: 0 for table in PARTIALS}
    for partition in partitions:
        rows[partition.table] += partition.rows
    return Report(tuple(partitions), {"event days": len(event_days), **rows})


def _job(event_day: date, known: list[date]) -> Job:
    return Job(
        inputs=[
            Read(GUIDED_USAGE, [event_day]),
            Read(DAILY_USAGE, known, alias="old_usage"),
            Read(DAILY_PAIRS, known, alias="old_pairs"),
            Read(DAILY_DEVICES, known, alias="old_devices"),
            Read(DAILY_PLACES, known, alias="old_places"),
        ],
        each=[
            Result(name, f"features/{name}")
            for name in (
                "fingerprints",
                "touched",
                "segments",
                "events",
                "pairs",
                "conversations",
            )
        ],
        outputs=[(table, f"features/{table.name}") for table in PARTIALS],
    )
