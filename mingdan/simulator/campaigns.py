"""Who is malicious, since when, and on which days: the planted truth.

Here: the malicious rows of the roster and each one's campaign. Not here: what
is sent on such a day (`archetypes.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mingdan.simulator.personas import ARCHETYPE_NAMES, ARCHETYPES, ORDINARY, archetype
from mingdan.simulator.roster import Draft, Ints, Roster
from mingdan.simulator.spec import DAY, HOUR, NEVER, World

FARM_SIZE = 14
DEVICES_PER_FARM = 4
_CARDS = 4
"""Cards a straw holder of a farm has: one below the cap of five a document."""
_AGE = {
    "burst_advertiser": (0, 15),
    "slow_pacer": (15, 200),
    "rotation_farm": (5, 60),
    "number_walker": (0, 10),
    "one_ring": (1, 20),
    "call_bomber": (5, 90),
}
"""Days the subscription is old when it begins."""
_LIFE = {
    "burst_advertiser": (4, 10, 0.7),
    "slow_pacer": (10, 24, 0.92),
    "rotation_farm": (8, 20, 0.7),
    "number_walker": (4, 10, 0.85),
    "turned_bad": (5, 14, 0.85),
    "returning_person": (5, 14, 0.85),
    "one_ring": (4, 12, 0.85),
    "call_bomber": (4, 10, 0.8),
}
"""Campaign length in days (least, most) and the chance that one of its days is active."""
_SIZE = {
    "burst_advertiser": (200, 900),
    "slow_pacer": (65, 140),
    "rotation_farm": (16, 60),
    "number_walker": (80, 400),
    "turned_bad": (50, 250),
    "returning_person": (60, 300),
    "one_ring": (60, 450),
    "call_bomber": (120, 420),
}
"""Events on an average active day (least, most), drawn once a campaign."""
_ENDED = 0.2
"""Chance that the operator's own desk ends a campaign that has lasted four active days."""


@dataclass(frozen=True)
class Campaign:
    """One malicious subscription's plan."""

    subscription: int
    archetype: str
    days: tuple[int, ...]
    """Active days, as positions in the window."""
    size: float
    ended_at: int
    """Instant the operator suspends and ends the subscription; `NEVER` mostly."""


def recruit(world: World, rows: Draft) -> None:
    """Add the malicious rows to the draft."""
    rng = world.rng("recruits")
    for kind in ARCHETYPES:
        code = archetype(kind.name)
        count = world.share(kind.share)
        starts = _starts(rng, world.days, count)
        party = np.arange(count)
        if kind.name == "turned_bad":
            starts = np.maximum(starts, min(8, world.days // 2))
            rows.add(count, ORDINARY, party, archetype=code, starts=starts, settled=1)
            continue
        if kind.name == "returning_person":
            _recruit_returning(world, rng, rows, count)
            continue
        group: Ints = np.full(count, -1)
        if kind.name == "rotation_farm":
            count = max(4, count)
            place = np.arange(count)
            group = place // min(FARM_SIZE, count)
            party = group * FARM_SIZE + place % FARM_SIZE // _CARDS
            starts = _starts(rng, world.days, int(group.max()) + 1)[group]
        opened = _before(rng, world, starts, *_AGE[kind.name])
        rows.add(count, ORDINARY, party, archetype=code, starts=starts, opened=opened, group=group)


def plan(world: World, roster: Roster) -> list[Campaign]:
    """The campaign of every malicious subscription, in roster order."""
    rng = world.rng("campaigns")
    replaced = {int(roster.returns[i]): int(i) for i in np.flatnonzero(roster.returns >= 0)}
    result = []
    for position in np.flatnonzero(roster.archetype > 0).tolist():
        name = ARCHETYPE_NAMES[roster.archetype[position]]
        least, most, chance = _LIFE[name]
        start = int(roster.starts[position])
        stop = min(world.days, start + int(rng.integers(least, most + 1)))
        days = [start] + [day for day in range(start + 1, stop) if rng.random() < chance]
        ended_at = NEVER
        if position in replaced:
            back = int((roster.opened[replaced[position]] - world.begin) // DAY)
            days = [day for day in days if day < back][:4]
            ended_at = world.start(days[-1] + 1) + 9 * HOUR + int(rng.integers(0, HOUR))
        elif len(days) > 4 and rng.random() < _ENDED:
            days = days[: int(rng.integers(4, len(days)))]
            ended_at = world.start(days[-1] + 1) + 9 * HOUR + int(rng.integers(0, HOUR))
        low, high = _SIZE[name]
        size = float(np.exp(rng.uniform(np.log(low), np.log(high))))
        result.append(Campaign(position, name, tuple(days), size, ended_at))
    return result


def _recruit_returning(world: World, rng: np.random.Generator, rows: Draft, count: int) -> None:
    """Pairs of one person's two lives: a burst advertiser ended, then back again."""
    earlier = _starts(rng, max(4, world.days // 2), count)
    again = np.minimum(earlier + rng.integers(6, 18, count), world.days - 3)
    again = np.maximum(again, earlier + 2)
    opened = world.begin + (again - 1) * DAY + rng.integers(13 * HOUR, 18 * HOUR, count)
    rows.add(
        2 * count,
        ORDINARY,
        np.tile(np.arange(count), 2),
        archetype=np.repeat([archetype("burst_advertiser"), archetype("returning_person")], count),
        starts=np.concatenate([earlier, again]),
        opened=np.concatenate([_before(rng, world, earlier, 3, 40), opened]),
        pair=np.tile(np.arange(count), 2),
        returning=np.repeat([0, 1], count),
    )


def _starts(rng: np.random.Generator, days: int, count: int) -> Ints:
    """Campaign starts over the window, nearly half of them in its last ten days."""
    if days < 14:
        return rng.integers(1, max(2, days - 3), count)
    late = -(-count * 45 // 100)
    early = np.linspace(1, days - 11, count - late).round().astype(np.int64)
    return rng.permutation(np.concatenate([early, days - 10 + rng.integers(0, 8, late)]))


def _before(
    rng: np.random.Generator, world: World, starts: Ints, youngest: int, oldest: int
) -> Ints:
    """Opening instants `youngest` to `oldest` days before the campaigns, in the morning."""
    age = rng.integers(youngest, oldest + 1, starts.size)
    return world.begin + (starts - age) * DAY + rng.integers(8 * HOUR, 9 * HOUR, starts.size)
