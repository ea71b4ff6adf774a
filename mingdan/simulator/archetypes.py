"""What the malicious send on an active day of their campaign.

Here: one function an archetype, and the few answers they get. Not here: who is
malicious and when (`campaigns.py`), and the everyday life some of them keep
(`everyday.py`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mingdan.simulator.campaigns import Campaign
from mingdan.simulator.events import SMS, VOICE, Events, batch, join
from mingdan.simulator.personas import archetype
from mingdan.simulator.rhythm import instants
from mingdan.simulator.roster import Ints
from mingdan.simulator.scene import Scene
from mingdan.simulator.spec import HOUR

Maker = Callable[[Scene, np.random.Generator, Campaign, int, int], Events]
_OWN_TARGETS = 0.36
"""Share of a bought list that are subscribers of ours."""
_ANSWERED = 0.009
"""Chance that a text is answered at all: `TD`, 退订, or who are you."""


def day(scene: Scene, index: int) -> list[Events]:
    """Everything campaigns send on a day of the window."""
    result = []
    for campaign in scene.campaigns:
        if index in campaign.days:
            rng = scene.rng(f"campaign {campaign.subscription}", index)
            size = max(5, int(campaign.size * rng.uniform(0.75, 1.25) * _ramp(campaign, index)))
            result.append(_MAKERS[campaign.archetype](scene, rng, campaign, index, size))
    return result


def _ramp(campaign: Campaign, index: int) -> float:
    """An old account is tried out before it is used up."""
    if campaign.archetype != "turned_bad":
        return 1.0
    return (0.5, 0.8, 1.0)[min(2, campaign.days.index(index))]


def _blasts(
    scene: Scene, rng: np.random.Generator, campaign: Campaign, index: int, size: int
) -> Events:
    """One to three blasts in which a tool sends as fast as the network takes it."""
    blasts = int(rng.integers(1, 4))
    starts = scene.world.start(index) + (rng.uniform(9.5, 20.0, blasts) * HOUR).astype(np.int64)
    shares = rng.multinomial(size, np.full(blasts, 1 / blasts))
    at = np.concatenate(
        [
            start + np.cumsum(2 + rng.gamma(2.5, rng.uniform(1.5, 5.0), count)).astype(np.int64)
            for start, count in zip(starts.tolist(), shares.tolist(), strict=True)
        ]
    )
    return _texts(scene, rng, campaign, _bought(scene, rng, at), at)


def _paced(
    scene: Scene, rng: np.random.Generator, campaign: Campaign, index: int, size: int
) -> Events:
    """Spread over the waking day in little sittings, with uneven pauses, like a person."""
    sittings = max(3, size // int(rng.integers(6, 14)))
    start = instants(rng, scene.world.start(index), sittings, "personal")
    which = rng.integers(0, sittings, size)
    at = start[which] + np.abs(rng.normal(0, 420, size)).astype(np.int64)
    return _texts(scene, rng, campaign, _bought(scene, rng, at), np.sort(at))


def _rotated(
    scene: Scene, rng: np.random.Generator, campaign: Campaign, index: int, size: int
) -> Events:
    """A slot of two or three hours in one of the farm's devices, then the next SIM."""
    start = scene.world.start(index) + int(rng.choice([9, 11, 14, 16, 18])) * HOUR
    gap = np.exp(rng.normal(np.log(9_000 / size), 0.55, size))
    at = start + rng.integers(0, 1_200) + np.cumsum(gap).astype(np.int64)
    return _texts(scene, rng, campaign, _bought(scene, rng, at), at)


def _walked(
    scene: Scene, rng: np.random.Generator, campaign: Campaign, index: int, size: int
) -> Events:
    """Consecutive numbers of a segment, with small skips, several stretches a day."""
    stretches = int(rng.integers(2, 5))
    begin = scene.world.start(index) + int(rng.uniform(9.0, 13.0) * HOUR)
    at = begin + np.cumsum(8 + rng.gamma(1.5, rng.uniform(8, 30), size)).astype(np.int64)
    at = np.minimum(at, scene.world.start(index) + 22 * HOUR + np.arange(size))
    pick = rng.integers(0, scene.contacts.people.size, stretches)
    known = scene.directory.number_of(
        scene.contacts.people[pick], np.full(stretches, scene.world.begin)
    )
    other = scene.contacts.any_mobile(rng, stretches)
    base = np.where((rng.random(stretches) < 0.6) & (known > 0), known, other)
    base = base // 1_000 * 1_000 + rng.integers(0, 400, stretches)
    which = np.arange(size) * stretches // size
    step = 1 + (rng.random(size) < 0.25) * rng.integers(1, 4, size)
    number = base[which] + np.cumsum(step) - np.cumsum(step)[np.searchsorted(which, which)]
    return _texts(scene, rng, campaign, number, at)


def _mixed(
    scene: Scene, rng: np.random.Generator, campaign: Campaign, index: int, size: int
) -> Events:
    """Half in a blast, half spread over the day."""
    blast = _blasts(scene, rng, campaign, index, size - size // 2)
    return join([blast, _paced(scene, rng, campaign, index, max(1, size // 2))])


def _one_ring(
    scene: Scene, rng: np.random.Generator, campaign: Campaign, index: int, size: int
) -> Events:
    """Calls cut after a ring; curious people call back and talk to a paid line."""
    begin = scene.world.start(index) + int(rng.uniform(8.5, 12.0) * HOUR)
    gap = 6 + rng.gamma(1.8, max(4.0, 26_000 / size / 2.2), size)
    at = begin + np.cumsum(gap).astype(np.int64)
    at = np.minimum(at, scene.world.start(index) + 23 * HOUR - size + np.arange(size))
    number = _bought(scene, rng, at)
    seconds = np.where(rng.random(size) < 0.06, rng.integers(4, 30, size), rng.integers(0, 4, size))
    called = _acts(VOICE, campaign, number, at, seconds=seconds)
    who = np.flatnonzero(rng.random(size) < rng.uniform(0.04, 0.1))
    later = at[who] + np.exp(rng.normal(np.log(500), 1.2, who.size)).astype(np.int64)
    talk = np.where(rng.random(who.size) < 0.5, 0, 5 + rng.exponential(50, who.size))
    return join([called, _back(scene, VOICE, campaign, number[who], later, talk.astype(np.int64))])


def _bombs(
    scene: Scene, rng: np.random.Generator, campaign: Campaign, index: int, size: int
) -> Events:
    """A few victims, each rung without pause for an hour or two."""
    victims = int(rng.integers(2, 5))
    start = scene.world.start(index) + (rng.uniform(9.0, 20.5, victims) * HOUR).astype(np.int64)
    which = np.sort(rng.integers(0, victims, size))
    length = rng.uniform(0.7, 2.0, victims) * HOUR
    at = start[which] + (rng.random(size) * length[which]).astype(np.int64)
    number = _bought(scene, rng, start)[which]
    answered = rng.random(size) < 0.12
    seconds = np.where(answered, rng.integers(1, 9, size), 0)
    return _acts(VOICE, campaign, number, at, seconds=seconds)


def _bought(scene: Scene, rng: np.random.Generator, at: Ints) -> Ints:
    """Numbers of a bought list: people of ours and of others, none of them acquainted."""
    people = scene.contacts.people
    own = scene.directory.number_of(people[rng.integers(0, people.size, at.size)], at)
    other = scene.contacts.any_mobile(rng, at.size)
    return np.where((rng.random(at.size) < _OWN_TARGETS) & (own > 0), own, other)


def _texts(
    scene: Scene, rng: np.random.Generator, campaign: Campaign, number: Ints, at: Ints
) -> Events:
    """The texts and the rare answers to them."""
    parts = 1 + (rng.random(at.size) < 0.15)
    sent = _acts(SMS, campaign, number, at, parts=parts)
    who = np.flatnonzero(rng.random(at.size) < _ANSWERED)
    later = at[who] + np.exp(rng.normal(np.log(400), 1.3, who.size)).astype(np.int64)
    return join([sent, _back(scene, SMS, campaign, number[who], later, np.zeros(who.size, int))])


def _acts(
    kind: int,
    campaign: Campaign,
    number: Ints,
    at: Ints,
    *,
    seconds: Ints | int = 0,
    parts: Ints | int = 1,
) -> Events:
    return batch(
        kind,
        sender=campaign.subscription,
        number=number,
        at=at,
        seconds=seconds,
        parts=parts,
        archetype=archetype(campaign.archetype),
    )


def _back(
    scene: Scene, kind: int, campaign: Campaign, number: Ints, at: Ints, seconds: Ints
) -> Events:
    """Victims reach the sender."""
    holder = scene.directory.holder_of(number, at)
    line = np.full(at.size, campaign.subscription)
    return batch(
        kind,
        sender=holder,
        sender_number=np.where(holder >= 0, 0, number),
        number=scene.directory.number_of(line, at),
        at=at,
        seconds=seconds,
    )


_MAKERS: dict[str, Maker] = {
    "burst_advertiser": _blasts,
    "slow_pacer": _paced,
    "rotation_farm": _rotated,
    "number_walker": _walked,
    "turned_bad": _mixed,
    "returning_person": _mixed,
    "one_ring": _one_ring,
    "call_bomber": _bombs,
}
