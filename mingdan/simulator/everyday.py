"""Everyday life of persons: conversations, calls, passing strangers, data sessions.

Here: what everybody does, the malicious included as far as they have a life.
Not here: what people do for a living (`professions.py`).
"""

from __future__ import annotations

import numpy as np

from mingdan.simulator.contacts import FIXED_AREAS
from mingdan.simulator.events import SMS, VOICE, Events, batch, flatten, join, running
from mingdan.simulator.rhythm import bursts, instants, leisure
from mingdan.simulator.roster import Bools, Ints
from mingdan.simulator.scene import Scene
from mingdan.simulator.spec import HOUR

_STRANGER_SMS = 0.09
_STRANGER_CALL = 0.13
_OTHER_BEGINS = 0.42
"""Chance that the contact begins: in our files that is an incoming event."""
_ROUND_ROBIN = 0.009
"""Chance that a texting day holds one message to several contacts at once."""
_NOTICE = 0.5
"""Chance that somebody with a new number tells the address book by text."""


def conversations(scene: Scene, index: int) -> Events:
    """Texts between people, in conversations with answers and pauses."""
    rng = scene.rng("conversations", index)
    roster, contacts = scene.roster, scene.contacts
    rate = roster.texting * leisure(scene.date(index)) * bursts(rng, roster.contacts, 1.5)
    owner = np.repeat(np.arange(roster.size), rng.poisson(rate))
    size = owner.size
    line = contacts.pick(rng, owner)
    stranger = rng.random(size) < _STRANGER_SMS
    end = np.where(stranger, contacts.strangers(rng, size), contacts.end[line])
    answered = rng.random(size) < np.where(stranger, 0.35, contacts.responsive[line])
    begun_by_other = rng.random(size) < _OTHER_BEGINS
    start = instants(rng, scene.world.start(index), size, "personal", roster.shift[owner])

    mood = np.exp(rng.normal(0.0, 0.9, size))
    length = np.where(
        answered, 2 + rng.exponential(2.0 * mood), 1 + (rng.random(size) < 0.15)
    ).astype(np.int64)
    talk, place = flatten(length)
    turns = (place == 1) | (rng.random(talk.size) < 0.72)
    turns &= (place > 0) & answered[talk]
    by_other = (running(turns.astype(np.int64), talk) % 2 == 1) ^ begun_by_other[talk]
    pause = np.exp(rng.normal(np.where(turns, np.log(45), np.log(15)), 1.3))
    offset = running(np.where(place == 0, 0, np.minimum(pause, 3 * HOUR)).astype(np.int64), talk)
    at = start[talk] + offset
    parts = 1 + (rng.random(talk.size) < 0.02)
    return _two_way(scene, SMS, owner[talk], end[talk], at, by_other, parts=parts)


def calls(scene: Scene, index: int) -> Events:
    """Calls between people; some are missed, half of those returned."""
    rng = scene.rng("calls", index)
    roster, contacts = scene.roster, scene.contacts
    rate = roster.calling * leisure(scene.date(index)) * bursts(rng, roster.contacts, 0.5)
    owner = np.repeat(np.arange(roster.size), rng.poisson(rate))
    size = owner.size
    stranger = rng.random(size) < _STRANGER_CALL
    end = np.where(stranger, contacts.strangers(rng, size), contacts.end[contacts.pick(rng, owner)])
    by_other = rng.random(size) < 0.48
    at = instants(rng, scene.world.start(index), size, "personal", roster.shift[owner])
    missed = rng.random(size) < 0.11
    talk = np.clip(np.exp(rng.normal(np.log(48), 1.1, size)), 1, 5_400).astype(np.int64)
    first = _two_way(scene, VOICE, owner, end, at, by_other, seconds=np.where(missed, 0, talk))
    back = missed & (rng.random(size) < 0.5)
    later = at[back] + np.exp(rng.normal(np.log(900), 1.0, int(back.sum()))).astype(np.int64)
    returned = _two_way(
        scene, VOICE, owner[back], end[back], later, ~by_other[back], seconds=talk[back]
    )
    return join([first, returned, _hotlines(scene, rng, index)])


def round_robins(scene: Scene, index: int) -> Events:
    """One text to several contacts: invitations, and notices of a new number."""
    rng = scene.rng("round robins", index)
    roster, contacts = scene.roster, scene.contacts
    begin = scene.world.start(index)
    chance = _ROUND_ROBIN * np.minimum(roster.texting * 4, 1.0)
    tells = np.flatnonzero(rng.random(roster.size) < chance)
    many = np.minimum(4 + rng.geometric(0.1, tells.size), roster.contacts[tells])
    when = instants(rng, begin, tells.size, "evening")

    moved = [
        (change.subscription, change.at)
        for change in scene.lives.changes
        if change.kind == "number" and begin <= change.at < begin + 86_400
    ]
    moved = [entry for entry in moved if rng.random() < _NOTICE]
    tells = np.concatenate([tells, [line for line, _ in moved]]).astype(np.int64)
    when = np.concatenate([when, [at + 1_200 for _, at in moved]]).astype(np.int64)
    book = roster.contacts[[line for line, _ in moved]] if moved else np.empty(0, dtype=np.int64)
    many = np.concatenate([many, np.minimum(book, 60)]).astype(np.int64)

    first_line = np.cumsum(roster.contacts) - roster.contacts
    owner, place = flatten(many)
    line = first_line[tells[owner]] + place
    gap = np.where(place == 0, 0, 4 + rng.exponential(9, owner.size)).astype(np.int64)
    at = when[owner] + running(gap, owner)
    sent = scene.reach(SMS, tells[owner], contacts.end[line], at)
    replies = rng.random(owner.size) < 0.55 * contacts.responsive[line]
    later = at[replies] + np.exp(rng.normal(np.log(500), 1.2, int(replies.sum()))).astype(np.int64)
    back = scene.answer(SMS, contacts.end[line][replies], tells[owner][replies], later)
    return join([sent, back])


def sessions(scene: Scene, index: int) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Data sessions: subscription, instant, seconds, octets, fen."""
    rng = scene.rng("sessions", index)
    roster = scene.roster
    owner = np.repeat(np.arange(roster.size), rng.poisson(roster.data))
    at = instants(rng, scene.world.start(index), owner.size, "personal", roster.shift[owner])
    seconds = np.clip(np.exp(rng.normal(np.log(700), 1.1, owner.size)), 5, 20_000)
    octets = seconds * np.exp(rng.normal(np.log(9_000), 1.3, owner.size))
    fee = roster.session_fee[owner] * rng.uniform(0.6, 1.4, owner.size)
    return owner, at, seconds.astype(np.int64), octets.astype(np.int64), fee.astype(np.int64)


def _hotlines(scene: Scene, rng: np.random.Generator, index: int) -> Events:
    """Calls to short numbers, fixed lines and abroad."""
    roster = scene.roster
    owner = np.flatnonzero(rng.random(roster.size) < 0.02 * np.minimum(roster.calling * 2, 1.5))
    fixed = rng.choice(FIXED_AREAS, owner.size) + rng.integers(2 * 10**7, 9 * 10**7, owner.size)
    short = np.array([10086, 95588, 12306, 10010, 96110])[rng.integers(0, 5, owner.size)]
    far = scene.contacts.abroad[rng.integers(0, scene.contacts.abroad.size, owner.size)]
    pick = rng.random(owner.size)
    number = np.select([pick < 0.6, pick < 0.95], [fixed, short], far)
    at = instants(rng, scene.world.start(index), owner.size, "office")
    seconds = np.exp(rng.normal(np.log(80), 0.9, owner.size)).astype(np.int64)
    return batch(VOICE, sender=owner, number=number, at=at, seconds=seconds)


def _two_way(
    scene: Scene,
    kind: int,
    owner: Ints,
    end: Ints,
    at: Ints,
    by_end: Bools,
    *,
    seconds: Ints | None = None,
    parts: Ints | None = None,
) -> Events:
    """Events between owners and ends, each begun by one side."""
    seconds = np.zeros(owner.size, dtype=np.int64) if seconds is None else seconds
    parts = np.ones(owner.size, dtype=np.int64) if parts is None else parts
    out, back = ~by_end, by_end
    return join(
        [
            scene.reach(
                kind, owner[out], end[out], at[out], seconds=seconds[out], parts=parts[out]
            ),
            scene.answer(kind, end[back], owner[back], at[back], seconds=seconds[back]),
        ]
    )
