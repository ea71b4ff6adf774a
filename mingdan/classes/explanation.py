"""The parts of an explanation: labels, their sources, appeals, history, proof.

Here: the records, with masked or coded values alone. Not here: filling them
(`explain.py`) and printing (`mingdan.cli.explain`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from mingdan.classes.inputs import Input
from mingdan.classes.proof import Proof
from mingdan.classes.whom import Holder
from mingdan.rules.hits import Condition


@dataclass(frozen=True)
class Source:
    """One source of a label and what it saw; a rule with its conditions."""

    source: str
    ref: str
    level: str
    score: int
    subscriptions: tuple[int, ...]
    meaning: str
    conditions: tuple[Condition, ...]
    values: dict[str, Any]


@dataclass(frozen=True)
class Label:
    """One label of one subject, with the words of the dictionary."""

    subject_type: str
    subject_id: int
    code: str
    name: str
    state: str
    effective: bool
    suppressed_by: str | None
    since: datetime
    first_seen: datetime
    last_seen: datetime
    valid_to: datetime | None
    hits: int
    confidence: int
    subscriptions: tuple[int, ...]
    protected: tuple[int, ...]
    sources: tuple[Source, ...]
    """What is said of it tonight, or was when it was last observed."""
    grounds: tuple[Source, ...]
    """What published it, where tonight's sources alone would not have."""
    ruleset_hash: str
    snapshot_hash: str


@dataclass(frozen=True)
class Event:
    """One change in a label's history."""

    night: date
    code: str
    subject_type: str
    action: str
    level: str | None
    recorded_at: datetime
    source_ref: str
    maker: str
    checker: str | None


@dataclass(frozen=True)
class Refuted:
    """A label an upheld appeal (申诉) was against: what was seen until then does not count."""

    ticket: str
    code: str
    subject_type: str
    finding: str
    decided_at: datetime
    holds_until: datetime
    maker: str
    checker: str


@dataclass(frozen=True)
class Explanation:
    """All there is to say of a subscription and its holder after one night."""

    night: date
    holder: Holder
    ordinary: str | None
    """The default class's name if no label is in force."""
    labels: tuple[Label, ...]
    appeals: tuple[Refuted, ...]
    history: tuple[Event, ...]
    inputs: tuple[Input, ...]
    proof: Proof
