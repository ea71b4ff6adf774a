"""A message or call between two ends, before anybody recorded it.

Here: the columns of events and how batches are made and joined. Not here: who
makes them (`everyday.py`, `professions.py`, `machines.py`, `archetypes.py`) and
the records both ends' network keeps (`records.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from mingdan.simulator.roster import Bools, Ints

SMS, VOICE = 0, 1


@dataclass(frozen=True)
class Events:
    """Equally long columns, one entry an event."""

    kind: Ints
    """SMS or VOICE."""
    sender: Ints
    """Roster position of who acts; -1 if not ours."""
    sender_number: Ints
    """Number of a sender that is not ours; 0 otherwise."""
    number: Ints
    """Number reached."""
    at: Ints
    """Instant."""
    seconds: Ints
    """Length of a call; 0 if nobody picked up, and for messages."""
    parts: Ints
    """Segments of a message; 1 for calls."""
    archetype: Ints
    """Archetype the sender acts as; 0 for everything benign, answers included."""

    def __len__(self) -> int:
        return int(self.at.size)

    def where(self, chosen: Bools | Ints) -> Events:
        return Events(*(getattr(self, column.name)[chosen] for column in fields(Events)))


def batch(
    kind: npt.ArrayLike,
    *,
    sender: npt.ArrayLike = -1,
    sender_number: npt.ArrayLike = 0,
    number: npt.ArrayLike,
    at: npt.ArrayLike,
    seconds: npt.ArrayLike = 0,
    parts: npt.ArrayLike = 1,
    archetype: npt.ArrayLike = 0,
) -> Events:
    """Events from columns or single values; `at` gives the length."""
    instants = np.asarray(at, dtype=np.int64)
    columns = (kind, sender, sender_number, number, instants, seconds, parts, archetype)
    return Events(
        *(
            np.broadcast_to(np.asarray(column).astype(np.int64), instants.shape)
            for column in columns
        )
    )


def join(batches: Sequence[Events]) -> Events:
    """All events of several batches."""
    return Events(
        *(
            np.concatenate([getattr(batch_, column.name) for batch_ in batches])
            for column in fields(Events)
        )
    )


def flatten(counts: Ints) -> tuple[Ints, Ints]:
    """Owner of each of `sum(counts)` items, and its place among its owner's items."""
    owner = np.repeat(np.arange(counts.size), counts)
    first = np.concatenate([[0], np.cumsum(counts)[:-1]]) if counts.size else counts
    return owner, np.arange(owner.size) - first[owner]


def running(values: Ints, owner: Ints) -> Ints:
    """Running sum of `values` within each run of equal `owner`s (itself included)."""
    total: Ints = np.cumsum(values)
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    before = np.where(starts > 0, total[starts - 1], 0)
    earlier: Ints = np.repeat(before, np.diff(np.append(starts, owner.size)))
    return total - earlier
