"""What a night's decision reads, and the proof of it.

Here: which partitions a decision needs, what they held (version and digest),
and finding the same bytes again later. Not here: deciding (`decide.py`).

The `snapshot_hash` of a label is SHA-256 over table, day and digest of every
partition read; last night's labels are among them, so each night's hash covers
all nights before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from mingdan.classes.tables import INPUTS, LABELS
from mingdan.errors import LakeError, MissingInput
from mingdan.features.tables import FEATURES
from mingdan.lake import Lake
from mingdan.orders.tables import APPEALS, PROTECTIONS, SUBSCRIPTION_HOLDINGS, SUBSCRIPTIONS
from mingdan.reports.tables import REPORT_ASSERTIONS
from mingdan.rules.ruleset import digest
from mingdan.senders.tables import SENDER_ASSERTIONS
from mingdan.tables import Table

OF_THE_DAY = (
    FEATURES,
    SUBSCRIPTIONS,
    SUBSCRIPTION_HOLDINGS,
    PROTECTIONS,
    APPEALS,
    SENDER_ASSERTIONS,
    REPORT_ASSERTIONS,
)
TABLES: dict[str, Table] = {table.name: table for table in (*OF_THE_DAY, LABELS)}
_NOTHING = hashlib.sha256(b"").hexdigest()
"""Digest of a day without files; a day without rows still has one."""


@dataclass(frozen=True, order=True)
class Input:
    """One partition as it was read."""

    table: str
    day: date
    version: int
    digest: str


def gather(lake: Lake, day: date) -> list[Input]:
    """The partitions a decision of `day` reads, as they are now.

    A partition that still holds the bytes an earlier decision of the same day
    recorded keeps that version, so a repeated night writes the same rows.
    Raises MissingInput if a partition is missing, or last night's labels are
    although earlier ones exist: labels then stay as they are.
    """
    before = day - timedelta(days=1)
    decided = [known for known in lake.days(LABELS) if known < day]
    if decided and before not in decided:
        raise MissingInput(
            f"no labels of {before}, but of {decided[-1]}: run the nights in between first"
        )
    wanted = [(table, day) for table in OF_THE_DAY]
    if decided:
        wanted.append((LABELS, before))
    now = [lake.partition(table, of) for table, of in wanted]
    missing = [partition.table for partition in now if partition.digest == _NOTHING]
    if missing:
        raise MissingInput(
            f"no {', '.join(missing)} of {day}: nothing is decided and labels stay as they are"
        )
    recorded = {(known.table, known.digest): known.version for known in recall(lake, day)}
    return sorted(
        Input(
            partition.table,
            partition.day,
            recorded.get((partition.table, partition.digest), partition.version),
            partition.digest,
        )
        for partition in now
    )


def recall(lake: Lake, day: date) -> list[Input]:
    """The partitions the decision of `day` read, as recorded; empty if there was none."""
    rows = lake.scan(INPUTS, [day]).collect().rows(named=True)
    return sorted(
        Input(row["table_name"], row["day"], row["version"], row["digest"]) for row in rows
    )


def files_now(lake: Lake, inputs: Sequence[Input]) -> dict[str, list[str]]:
    """The Parquet files of inputs just gathered, by table name."""
    return {known.table: lake.files(TABLES[known.table], [known.day]) for known in inputs}


def files_then(lake: Lake, inputs: Sequence[Input]) -> dict[str, list[str]]:
    """The Parquet files of inputs recorded earlier, by table name.

    Taken from the present version if it still holds the same bytes, else from
    the recorded one. Raises LakeError if neither does.
    """
    found = {}
    for known in inputs:
        table = TABLES[known.table]
        for version in (None, known.version):
            if _digest(lake, table, known.day, version) != known.digest:
                continue
            listed = lake.files(table, [known.day], version=version)
            # an old version still lists files that retention has removed
            if all(Path(file).exists() for file in listed):
                found[known.table] = listed
                break
        else:
            raise LakeError(
                f"{known.table} of {known.day} is no longer stored as it was "
                f"(version {known.version}, digest {known.digest[:12]})"
            )
    return found


def snapshot_hash(inputs: Sequence[Input]) -> str:
    """SHA-256 over what was read: tables, days and digests, not versions."""
    return digest([[known.table, known.day.isoformat(), known.digest] for known in sorted(inputs)])


def frame(inputs: Sequence[Input]) -> pl.DataFrame:
    """The inputs as rows of the table `inputs`."""
    columns: Mapping[str, list[object]] = {
        "table_name": [known.table for known in inputs],
        "day": [known.day for known in inputs],
        "version": [known.version for known in inputs],
        "digest": [known.digest for known in inputs],
    }
    return pl.DataFrame(columns, schema=Lake.schema(INPUTS))


def _digest(lake: Lake, table: Table, day: date, version: int | None) -> str:
    try:
        return lake.partition(table, day, version=version).digest
    except Exception as error:
        raise LakeError(f"{table.name}: version {version} cannot be read: {error}") from error
