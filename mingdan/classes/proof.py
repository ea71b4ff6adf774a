"""Deriving a night again and holding it against what was recorded.

Here: whether the stored inputs and rules still give the recorded labels of
some subjects. Not here: telling a person (`explain.py`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from mingdan.classes import inputs as night_inputs
from mingdan.classes.derive import derive
from mingdan.classes.policy import Policy, from_document
from mingdan.classes.tables import LABEL_EVENTS, LABELS
from mingdan.engine import Engine
from mingdan.errors import MingdanError
from mingdan.features.tables import FEATURES
from mingdan.lake import Lake
from mingdan.rules.archive import recall
from mingdan.rules.ruleset import Ruleset
from mingdan.senders import rules as sender_rules
from mingdan.senders.flag import assertions
from mingdan.senders.tables import SENDER_ASSERTIONS
from mingdan.tables import Table

SUBJECT = ("subject_type", "subject_id")
Subject = tuple[str, int]
"""`party` or `subscription`, and its key."""


@dataclass(frozen=True)
class Proof:
    """What came of deriving a night again for some subjects."""

    outcome: str
    """`equal`, `differs` or `impossible`."""
    details: tuple[str, ...] = ()
    """What differs, or why it cannot be derived any more."""


@dataclass(frozen=True)
class Basis:
    """The rules a night decided by, from the archive."""

    policy: Policy
    senders: Ruleset
    ruleset_hash: str


def basis(lake: Lake, day: date) -> Basis | None:
    """The rules of the night of `day`; None if it gave nobody a label.

    Raises LakeError if the archive lost them, BadRules if the present feature
    table no longer has a column they name.
    """
    hashes = lake.scan(LABELS, [day]).select("ruleset_hash").unique().collect()["ruleset_hash"]
    if hashes.is_empty():
        return None
    document = recall(lake, hashes[0])
    return Basis(
        policy=from_document(document),
        senders=sender_rules.checked(recall(lake, document["senders"][0])),
        ruleset_hash=hashes[0],
    )


def prove(engine: Engine, day: date, subjects: Collection[Subject]) -> Proof:
    """Derive the night of `day` from its recorded inputs and compare these subjects' rows."""
    lake = engine.lake
    try:
        found = basis(lake, day)
        if found is None:
            return Proof("equal")
        read = night_inputs.recall(lake, day)
        snapshot_hash = night_inputs.snapshot_hash(read)
        files = night_inputs.files_then(lake, read)
        derived = derive(
            engine,
            files,
            found.policy,
            found.senders,
            day=day,
            ruleset_hash=found.ruleset_hash,
            snapshot_hash=snapshot_hash,
        )
        flagged = assertions(engine, files[FEATURES.name], found.senders, day)
    except MingdanError as error:
        return Proof("impossible", (str(error),))
    details = [
        difference
        for table, again in (
            (LABELS, derived.labels),
            (LABEL_EVENTS, derived.events),
            (SENDER_ASSERTIONS, flagged),
        )
        for difference in _differences(lake, table, day, again, subjects)
    ]
    return Proof("differs" if details else "equal", tuple(details))


def _differences(
    lake: Lake, table: Table, day: date, again: pl.DataFrame, subjects: Collection[Subject]
) -> list[str]:
    keys = (*SUBJECT, "class_code", "reason_code", *table.key[4:])
    recorded = _keyed(lake.scan(table, [day]).collect(), table, keys, subjects)
    derived = _keyed(again.cast(lake.schema(table)), table, keys, subjects)  # type: ignore[arg-type]
    found = []
    for key in sorted(recorded.keys() | derived.keys()):
        name = f"{table.name} {' '.join(str(part) for part in key[2:])}"
        if key not in derived:
            found.append(f"{name}: recorded, but does not follow from the inputs")
        elif key not in recorded:
            found.append(f"{name}: follows from the inputs, but is not recorded")
        else:
            found += [
                f"{name}: {column} is recorded as {was!r} and derived as {now!r}"
                for column in table.names
                if (was := recorded[key][column]) != (now := derived[key][column])
            ]
    return found


def _keyed(
    frame: pl.DataFrame, table: Table, keys: tuple[str, ...], subjects: Collection[Subject]
) -> dict[tuple[Any, ...], dict[str, Any]]:
    wanted = set(subjects)
    return {
        tuple(row[name] for name in keys): row
        for row in frame.select(table.names).iter_rows(named=True)
        if (row["subject_type"], row["subject_id"]) in wanted
    }
