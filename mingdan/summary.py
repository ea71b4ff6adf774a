"""What a night came to, in a page a person can read.

Here: the numbers of one night, gathered from the lake's own tables and the
release folder. Not here: how they are printed (`cli/runs.py`) and what was
planted by a simulator (only the command that prints knows of it).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date

import polars as pl

from mingdan.classes.tables import LABEL_EVENTS, LABELS
from mingdan.guiding.tables import GUIDED_USAGE, REJECTED_USAGE
from mingdan.lake import Lake
from mingdan.lists.manifest import Release, release
from mingdan.lists.tables import LIST_ENTRIES
from mingdan.orders.tables import SUBSCRIPTIONS
from mingdan.settings import Settings
from mingdan.tables import Table
from mingdan.usage.tables import LANDED_USAGE, USAGE, USAGE_FILES


@dataclass(frozen=True)
class Balance:
    """What became of every record of a night, in two sums that come out.

    `received = quarantined + copies + other_days + own`, and
    `own + elsewhere = guided + rejected`: the usage of the day itself.
    """

    received: int
    quarantined: int
    copies: int
    """Delivered twice: within the delivery, or before it."""
    other_days: int
    """Landed, but of other days than the delivery's (late, mostly): re-opened there."""
    own: int
    """Of the day itself."""
    elsewhere: int
    """Of the day, but come with other deliveries."""


@dataclass(frozen=True)
class NightSummary:
    """One night. Frames: `files(source, files, received, ...)`,

    `classes(class_code, reason_code, state, subjects, in_force)`,
    `changes(change, class_code, reason_code, level, subjects, because)`, the last the rules and
    sources that decided it.
    """

    day: date
    files: pl.DataFrame
    balance: Balance
    guided: int
    rejected: pl.DataFrame
    active_subscriptions: int
    active_parties: int
    ordinary_parties: int
    classes: pl.DataFrame
    changes: pl.DataFrame
    listed: int
    release: Release | None
    example: int | None
    """A subscription with a label in force, worth explaining: a blacklisted one if there is one."""

    @property
    def received(self) -> int:
        return int(self.files["received"].sum())

    @property
    def quarantined(self) -> int:
        return int(self.files["quarantined"].sum())


def nights(lake: Lake) -> list[date]:
    """The nights that came to labels, in order."""
    return lake.days(LABELS)


def summarise(settings: Settings, lake: Lake, day: date) -> NightSummary:
    """The summary of one night; tables a night has not reached count as empty."""
    labels = lake.scan(LABELS, [day]).filter(pl.col("state") != "fading")
    subscriptions = lake.scan(SUBSCRIPTIONS, [day]).filter(pl.col("status") == "active")
    counted = subscriptions.select(
        subscriptions=pl.len(), parties=pl.col("party_id").n_unique()
    ).collect()
    labelled = (
        labels.filter(pl.col("effective") & (pl.col("subject_type") == "party"))
        .select(party_id="subject_id")
        .unique()
    )
    ordinary = (
        subscriptions.select("party_id").unique().join(labelled, on="party_id", how="anti")
    ).select(pl.len())
    files = _files(lake, day)
    return NightSummary(
        day=day,
        files=files,
        balance=_balance(lake, day, files),
        guided=_rows(lake, GUIDED_USAGE, day),
        rejected=_counted(lake.scan(REJECTED_USAGE, [day]), "reason"),
        active_subscriptions=int(counted["subscriptions"][0]),
        active_parties=int(counted["parties"][0]),
        ordinary_parties=int(ordinary.collect().item()),
        classes=labels.group_by("class_code", "reason_code", "state")
        .agg(subjects=pl.len(), in_force=pl.col("effective").sum())
        .sort("class_code", "reason_code", "state")
        .collect(),
        changes=_changes(lake, day),
        listed=_rows(lake, LIST_ENTRIES, day),
        release=_released(settings, day),
        example=_example(labels, subscriptions),
    )


def _released(settings: Settings, day: date) -> Release | None:
    """The newest release made for `day`, if any."""
    channel = settings.releases / settings.partner
    found = [release(path.parent) for path in sorted(channel.glob("[0-9]*/manifest.json"))]
    return next((r for r in reversed(found) if r.manifest["day"] == day.isoformat()), None)


def _files(lake: Lake, day: date) -> pl.DataFrame:
    return (
        lake.scan(USAGE_FILES, [day])
        .group_by("source")
        .agg(
            files=pl.len(),
            received=pl.col("rows_received").sum(),
            landed=pl.col("rows_landed").sum(),
            quarantined=pl.col("rows_quarantined").sum(),
            duplicate=pl.col("rows_duplicate").sum(),
            late=pl.col("rows_late").sum(),
            not_loaded=(pl.col("status") != "loaded").sum(),
        )
        .sort("source")
        .collect()
    )


def _balance(lake: Lake, day: date, files: pl.DataFrame) -> Balance:
    landed = int(files["landed"].sum())
    of_the_day = int(
        lake.scan(LANDED_USAGE, [day]).filter(pl.col("event_day") == day).select(pl.len())
        .collect().item()
    )  # fmt: skip
    kept = lake.scan(USAGE, [day]).select(own=pl.col("delivered") == day).collect()["own"]
    own = int(kept.sum())
    return Balance(
        received=int(files["received"].sum()),
        quarantined=int(files["quarantined"].sum()),
        copies=int(files["duplicate"].sum()) + of_the_day - own,
        other_days=landed - of_the_day,
        own=own,
        elsewhere=kept.len() - own,
    )


def _example(labels: pl.LazyFrame, subscriptions: pl.LazyFrame) -> int | None:
    known = set(subscriptions.select("subscription_id").collect()["subscription_id"])
    found = labels.filter("effective").sort(
        pl.col("class_code") != "blacklist", pl.col("state") != "published", "subject_id"
    )
    for row in found.select("subject_type", "subject_id", "evidence").collect().iter_rows():
        kind, subject, evidence = row
        about = [subject] if kind == "subscription" else json.loads(evidence)["subscriptions"]
        if here := [key for key in about if key in known]:
            return int(here[0])
    return None


def _changes(lake: Lake, day: date) -> pl.DataFrame:
    withdrawn = pl.col("action").is_in(["revoke", "expire", "appeal_upheld"])
    return (
        lake.scan(LABEL_EVENTS, [day])
        .group_by(
            pl.when(withdrawn).then(pl.lit("withdrawn")).otherwise(pl.lit("new")).alias("change"),
            "class_code",
            "reason_code",
            "level",
        )
        .agg(
            subjects=pl.len(),
            because=pl.col("source_ref").str.split(",").explode().unique().sort().str.join(", "),
        )
        .sort("change", "class_code", "reason_code", "level")
        .collect()
    )


def _counted(frame: pl.LazyFrame, by: str) -> pl.DataFrame:
    return frame.group_by(by).agg(records=pl.len()).sort(by).collect()


def _rows(lake: Lake, table: Table, day: date) -> int:
    return lake.partition(table, day).rows
