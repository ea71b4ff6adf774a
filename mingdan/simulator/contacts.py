"""Whom people know: contact lists inside and outside the network, and strangers.

Here: address books and the numbers behind them. Not here: when anybody is
reached (`everyday.py`). An end is a roster position, or the roster's size plus a
place among the numbers of other operators.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mingdan.simulator import identities
from mingdan.simulator.directory import Directory
from mingdan.simulator.events import flatten
from mingdan.simulator.roster import Floats, Ints, Roster
from mingdan.simulator.spec import World

FIXED_AREAS = np.array([86_755, 8_620, 86_769, 86_752]) * 10**8
"""Fixed numbers of the region: area code with country code, eight digits to follow."""
_ABROAD = np.array([852, 853, 1_415, 65, 8_190, 4_479]) * 10**8
_OWN = 0.45
"""Share of people's contacts that are subscribers of ours."""
_NEAR = 0.7
"""Share of contacts that belong to the same community."""


@dataclass(frozen=True)
class Contacts:
    """Address books of all subscriptions (empty for those without a life)."""

    size: int
    """Roster size: ends from here on are other operators' numbers."""
    outside: Ints
    """Numbers of other operators' subscribers."""
    segments: Ints
    """Other operators' number segments of the region."""
    abroad: Ints
    """Some foreign numbers, country code first."""
    people: Ints
    """Roster positions of our own persons."""
    end: Ints
    """Flat list of all contacts, owner by owner, nearest first."""
    responsive: Floats
    """Chance that this contact answers a message."""
    _edges: Floats
    """Upper edge of each contact in its owner's share of the unit interval, plus the owner."""

    def pick(self, rng: np.random.Generator, owners: Ints) -> Ints:
        """A place in `end` for each owner, near contacts more often."""
        drawn = owners + rng.random(owners.size)
        return np.minimum(np.searchsorted(self._edges, drawn, side="right"), self.end.size - 1)

    def strangers(self, rng: np.random.Generator, count: int, own: float = _OWN) -> Ints:
        """Ends nobody in particular knows."""
        inside = self.people[rng.integers(0, self.people.size, count)]
        other = self.size + rng.integers(0, self.outside.size, count)
        return np.where(rng.random(count) < own, inside, other)

    def numbers(self, directory: Directory, ends: Ints, at: Ints) -> Ints:
        """The number each end is reached under at the instant."""
        own = directory.number_of(np.minimum(ends, self.size - 1), at)
        outside = self.outside[np.maximum(ends - self.size, 0)]
        return np.where(ends < self.size, own, outside)

    def senders(self, ends: Ints) -> tuple[Ints, Ints]:
        """`sender` and `sender_number` of events these ends begin."""
        ours = ends < self.size
        outside = self.outside[np.maximum(ends - self.size, 0)]
        return np.where(ours, ends, -1), np.where(ours, 0, outside)

    def any_mobile(self, rng: np.random.Generator, count: int) -> Ints:
        """Numbers of other operators as a bought list has them: half local, half anywhere."""
        local = self.segments[rng.integers(0, self.segments.size, count)]
        prefixes = identities.OTHER_PREFIXES
        far = prefixes[rng.integers(0, prefixes.size, count)] * 10_000
        far = far + rng.integers(1_000, 10_000, count)
        segment = np.where(rng.random(count) < 0.5, local, far)
        return identities.COUNTRY + segment * 10_000 + rng.integers(0, 10_000, count)


def build(world: World, roster: Roster) -> Contacts:
    """The address books of a world."""
    rng = world.rng("contacts")
    people = np.flatnonzero(roster.human & ((roster.archetype == 0) | (roster.contacts > 0)))
    none = np.empty(0, dtype=np.int64)
    near = identities.segments(rng, identities.OTHER_PREFIXES, max(20, roster.size // 150), none)
    far = identities.segments(rng, identities.OTHER_PREFIXES, 2_000, near)
    count = 3 * roster.size
    segment = np.where(
        rng.random(count) < 0.7,
        near[rng.integers(0, near.size, count)],
        far[rng.integers(0, far.size, count)],
    )
    outside = identities.COUNTRY + segment * 10_000 + rng.integers(0, 10_000, count)

    owner, rank = flatten(roster.contacts)
    closeness = 1.0 / (rank + 1.0) ** 0.8
    end = _acquaintances(rng, roster, people, owner, count)
    total = np.bincount(owner, closeness, minlength=roster.size)
    share = np.cumsum(closeness / total[owner])
    before = np.concatenate([[0.0], share[:-1]])
    first = np.flatnonzero(rank == 0)
    base = np.repeat(before[first], roster.contacts[roster.contacts > 0])
    # close contacts answer nearly always, distant ones often not at all; people differ
    habit = np.clip(rng.normal(0.0, 0.26, roster.size), -0.7, 0.3)
    responsive = np.clip(0.86 - 0.11 * np.log1p(rank) + habit[owner], 0.04, 0.98)
    responsive *= np.where(rng.random(owner.size) < 0.14, 0.15, 1.0)
    return Contacts(
        size=roster.size,
        outside=outside,
        segments=near,
        abroad=(_ABROAD + rng.integers(2 * 10**7, 9 * 10**7, (40, 1))).ravel(),
        people=people,
        end=end,
        responsive=responsive,
        _edges=owner + np.minimum(share - base, 1.0),
    )


def _acquaintances(
    rng: np.random.Generator, roster: Roster, people: Ints, owner: Ints, outside: int
) -> Ints:
    """Who stands in each line of the address books."""
    lines = owner.size
    # people ordered by community: a neighbour is somebody of the same stretch
    ordered = people[np.argsort(roster.community[people], kind="stable")]
    homes = roster.community[ordered]
    low = np.searchsorted(homes, roster.community[owner], side="left")
    high = np.searchsorted(homes, roster.community[owner], side="right")
    width = np.maximum(high - low, 1)
    place = np.minimum(low, ordered.size - 1) + (rng.random(lines) * width).astype(np.int64)
    neighbour = ordered[np.minimum(place, ordered.size - 1)]
    # the further ones are found where many meet: active people are known to more
    fame = np.cumsum(roster.contacts[people].astype(np.float64) + 1.0)
    known = people[np.searchsorted(fame, rng.random(lines) * fame[-1])]
    inside = np.where(rng.random(lines) < _NEAR, neighbour, known)

    stretch = max(1, outside // max(1, int(roster.community.max()) + 1))
    local = roster.community[owner] * stretch + (rng.random(lines) * stretch).astype(np.int64)
    anywhere = rng.integers(0, outside, lines)
    other = np.where(rng.random(lines) < _NEAR, np.minimum(local, outside - 1), anywhere)
    chosen = np.where(rng.random(lines) < _OWN, inside, roster.size + other)
    return np.where(chosen == owner, roster.size + other, chosen)
