"""Who held which number, SIM and device when, and who was in service: the truth.

Here: look-ups by instant, vectorised. Not here: why anything changed
(`lives.py`) and what the order store knows of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mingdan.simulator.roster import Bools, Ints

_SPAN = 1 << 33
"""Instants are below this, so key and instant share one sortable 64-bit integer."""


class Timeline:
    """Which value a key had at an instant: the latest row at or before it, else -1."""

    def __init__(self, keys: npt.ArrayLike, since: npt.ArrayLike, values: npt.ArrayLike) -> None:
        key = np.asarray(keys, dtype=np.int64)
        combined = key * _SPAN + np.asarray(since, dtype=np.int64)
        # stable: of two rows at one instant the later given one counts
        order = np.argsort(combined, kind="stable")
        self.key = key[order]
        self.since = combined[order] % _SPAN
        self.value: Ints = np.asarray(values, dtype=np.int64)[order]
        self._rows = combined[order]

    def at(self, keys: Ints, instants: Ints) -> Ints:
        """Value of each key at the instant beside it."""
        place = np.searchsorted(self._rows, keys * _SPAN + instants, side="right") - 1
        found = (place >= 0) & (self.key[place] == keys)
        return np.where(found, self.value[place], -1)


@dataclass(frozen=True)
class Directory:
    """Holdings over all time. Keys are roster positions, or places in `numbers`."""

    numbers: Ints
    """Every number of ours, ascending."""
    number: Timeline
    """Subscription -> number; goes on after its end, as other people's address books do."""
    holder: Timeline
    """Place in `numbers` -> subscription; -1 while nobody has it."""
    imsi: Timeline
    """Subscription -> IMSI; 0 for ports, which have none."""
    device: Timeline
    """Subscription -> IMEI; 0 for none."""
    service: Timeline
    """Subscription -> 1 in service, 0 suspended or ended."""

    def number_of(self, subscriptions: Ints, instants: Ints) -> Ints:
        """Number of each subscription (the last one after its end; -1 before its first)."""
        return self.number.at(subscriptions, instants)

    def holder_of(self, numbers: Ints, instants: Ints) -> Ints:
        """Subscription that held each number at the instant; -1 if none of ours did."""
        place = np.minimum(np.searchsorted(self.numbers, numbers), self.numbers.size - 1)
        ours = self.numbers[place] == numbers
        return np.where(ours, self.holder.at(place, instants), -1)

    def in_service(self, subscriptions: Ints, instants: Ints) -> Bools:
        return np.equal(self.service.at(subscriptions, instants), 1)
