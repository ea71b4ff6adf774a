"""What happens to subscriptions, and when the order store learns of it.

Here: the record of a change, the lives of all subscriptions and the directory
they make. Not here: which incidents there are (`incidents.py`) and the commands
an ordering system makes of them (`orders.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from mingdan.simulator.directory import Directory, Timeline
from mingdan.simulator.personas import persona
from mingdan.simulator.roster import Ints, Roster
from mingdan.simulator.spec import DAY, HOUR, NEVER, World

Kind = Literal[
    "number", "swap", "replace", "transfer", "suspend", "resume", "terminate", "charge", "pay",
    "protect", "handset",
]  # fmt: skip
_ORDERS = ("number", "swap", "replace", "transfer", "suspend", "resume", "terminate")
_LATE = 0.12
"""Share of the window's orders that the order store learns of hours or days afterwards."""


@dataclass(frozen=True)
class Change:
    """One thing that happens to a subscription at `at`; the store learns of it at `recorded`."""

    subscription: int
    at: int
    kind: Kind
    value: int = -1
    """New number, IMSI or holder; fen of a bill or payment; 1 for an approved protection."""
    reason: str = ""
    until: int = 0
    recorded: int = 0


@dataclass(frozen=True)
class Lives:
    """Everything that happens to the subscriptions of a roster."""

    opened: Ints
    learnt: Ints
    """When the store learns of each opening."""
    numbers: Ints
    """First number of each subscription."""
    imsis: Ints
    """First IMSI; ports get one in the order store but show none in usage."""
    closed: Ints
    """Instant of the end; `NEVER` while it lasts."""
    changes: tuple[Change, ...]
    """In order of (at, subscription)."""
    parties: int
    """Number of parties, later holders included."""


def close(
    world: World,
    roster: Roster,
    *,
    opened: Ints,
    numbers: Ints,
    imsis: Ints,
    changes: Sequence[Change],
    parties: int,
) -> Lives:
    """The lives made of all changes, with late recordings drawn."""
    rng = world.rng("recordings")
    ordered = sorted(changes, key=lambda change: (change.at, change.subscription))
    last = {change.subscription: change.at for change in ordered}
    reissued = set(numbers[roster.heir].tolist())
    result = []
    for change in ordered:
        recorded = change.at
        # a later order on the same line or number must find this one recorded
        final = last[change.subscription] == change.at
        freed = change.kind == "terminate" and int(numbers[change.subscription]) in reissued
        timely = change.kind not in _ORDERS or not final or freed
        if not timely and world.begin <= change.at < world.end and rng.random() < _LATE:
            recorded += _delay(rng)
        result.append(replace(change, recorded=recorded))
    learnt = opened.copy()
    for line in np.flatnonzero((opened >= world.begin) & (opened < world.end)).tolist():
        if line not in last and rng.random() < _LATE:
            learnt[line] += _delay(rng)
    closed = np.full(roster.size, NEVER)
    for change in result:
        if change.kind == "terminate":
            closed[change.subscription] = change.at
    return Lives(opened, learnt, numbers, imsis, closed, tuple(result), parties)


def directory(roster: Roster, lives: Lives, device: Timeline) -> Directory:
    """Holdings and service states that follow from the lives."""
    every = np.arange(roster.size)
    number = Timeline(*_rows(every, lives.opened, lives.numbers, lives.changes, ("number",)))
    imsis = np.where(roster.persona == persona("service_port"), 0, lives.imsis)
    imsi = Timeline(*_rows(every, lives.opened, imsis, lives.changes, ("swap", "replace")))
    numbers = np.unique(number.value)

    place = np.searchsorted(numbers, number.value)
    given = [place, number.since, number.key]
    moved = number.key[1:] == number.key[:-1]
    left = [place[:-1][moved], number.since[1:][moved], np.full(int(moved.sum()), -1)]
    ended = np.flatnonzero(lives.closed < NEVER)
    finals = number.at(ended, lives.closed[ended])
    gone = [np.searchsorted(numbers, finals), lives.closed[ended], np.full(ended.size, -1)]
    holder = Timeline(*(np.concatenate(parts) for parts in zip(left, gone, given, strict=True)))
    return Directory(numbers, number, holder, imsi, device, _service(roster, lives))


def _rows(
    keys: Ints, since: Ints, values: Ints, changes: Sequence[Change], kinds: Sequence[Kind]
) -> tuple[Ints, Ints, Ints]:
    chosen = [change for change in changes if change.kind in kinds]
    return (
        np.concatenate([keys, [change.subscription for change in chosen]]).astype(np.int64),
        np.concatenate([since, [change.at for change in chosen]]).astype(np.int64),
        np.concatenate([values, [change.value for change in chosen]]).astype(np.int64),
    )


def _service(roster: Roster, lives: Lives) -> Timeline:
    """In service or not: blocks of several reasons stack, each lifted by its own way."""
    blocks: dict[int, set[str]] = {}
    rows: list[tuple[int, int, int]] = []
    for change in lives.changes:
        held = blocks.setdefault(change.subscription, set())
        match change.kind:
            case "suspend":
                held.add(change.reason)
            case "resume":
                held.discard(change.reason)
            case "replace":
                held.discard("lost")
            case "pay":
                held.discard("arrears")
            case "terminate":
                held.add("ended")
            case _:
                continue
        rows.append((change.subscription, change.at, 0 if held else 1))
    keys = np.array([row[0] for row in rows], dtype=np.int64)
    since = np.array([row[1] for row in rows], dtype=np.int64)
    values = np.array([row[2] for row in rows], dtype=np.int64)
    return Timeline(
        np.concatenate([np.arange(roster.size), keys]),
        np.concatenate([lives.opened, since]),
        np.concatenate([np.ones(roster.size, dtype=np.int64), values]),
    )


def _delay(rng: np.random.Generator) -> int:
    """Seconds from an order to its record: hours, up to four days."""
    return int(min(4 * DAY, max(HOUR, rng.lognormal(np.log(9), 1.0) * HOUR)))
