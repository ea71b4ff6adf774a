"""Senders that are no persons: service ports, call centres, devices.

Here: passcodes and notices of our own and of other operators' 106 ports
(A2P), call centres, machine-to-machine reports. Not here: persons.
"""

from __future__ import annotations

import numpy as np

from mingdan.simulator.events import SMS, VOICE, Events, batch, flatten, join
from mingdan.simulator.rhythm import instants, works
from mingdan.simulator.roster import Ints
from mingdan.simulator.scene import Scene

_FOREIGN_A2P = 0.45
"""Messages a person and day from ports of other operators."""
_OWN_A2P = 0.11
"""The same from our own ports (each is two records, and some go outside)."""
_CUSTOMERS = 900
_BULK_SHARE = 0.04
"""Share of our persons one bulk notice goes to."""


def day(scene: Scene, index: int) -> Events:
    """Everything machines send on a day of the window."""
    return join(
        [
            _foreign_ports(scene, index),
            _own_ports(scene, index),
            _call_centres(scene, index),
            _devices(scene, index),
        ]
    )


def _foreign_ports(scene: Scene, index: int) -> Events:
    """Passcodes and notices from 60 ports of other operators."""
    rng = scene.rng("foreign ports", index)
    # who registers accounts by the dozen gets more passcodes than other people
    busy = np.repeat(np.flatnonzero(scene.roster.archetype > 0), 4)
    people = np.concatenate([scene.contacts.people, busy])
    count = rng.poisson(people.size * _FOREIGN_A2P)
    ports = 10_655_000_000 + np.arange(60) * 140_000 + 88
    # a few ports send most of it
    port = ports[(rng.random(count) ** 2.5 * ports.size).astype(np.int64)]
    to = people[rng.integers(0, people.size, count)]
    at = instants(rng, scene.world.start(index), count, "personal")
    number = scene.directory.number_of(to, at)
    return batch(SMS, sender_number=port, number=number, at=at, parts=1 + (rng.random(count) < 0.2))


def _own_ports(scene: Scene, index: int) -> Events:
    """Our own ports: two in three send passcodes all day, the others bulk notices."""
    rng = scene.rng("own ports", index)
    lines = scene.roster.of("service_port")
    bulk = np.arange(lines.size) % 3 == 2
    people = scene.contacts.people
    weight = scene.world.rng("port sizes").uniform(0.4, 1.6, lines.size)
    total = people.size * _OWN_A2P * np.where(bulk, 0.0, weight) / max(1, int((~bulk).sum()))
    many = rng.poisson(total)
    blast = bulk & (rng.random(lines.size) < 0.12) & works(scene.date(index))
    many = np.where(blast, round(people.size * _BULK_SHARE), many)
    owner, _ = flatten(many)
    end = scene.contacts.strangers(rng, owner.size, own=0.85)
    start = scene.world.start(index)
    spread = instants(rng, start, owner.size, "personal")
    window = start + 10 * 3_600 + rng.integers(0, 5_400, owner.size)
    at = np.where(bulk[owner], window, spread)
    return scene.reach(SMS, lines[owner], end, at)


def _call_centres(scene: Scene, index: int) -> Events:
    """Call centres: calls to customers, some again and again; a few call back."""
    rng = scene.rng("call centres", index)
    lines = scene.roster.of("call_centre")
    many = rng.poisson(118 if works(scene.date(index)) else 12, lines.size)
    owner, _ = flatten(many)
    book = scene.contacts.strangers(scene.world.rng("customers"), lines.size * _CUSTOMERS)
    regular = book[owner * _CUSTOMERS + rng.integers(0, _CUSTOMERS, owner.size)]
    new = scene.contacts.strangers(rng, owner.size)
    end = np.where(rng.random(owner.size) < 0.5, regular, new)
    at = instants(rng, scene.world.start(index), owner.size, "office")
    missed = rng.random(owner.size) < 0.3
    talk = 12 + rng.exponential(75, owner.size).astype(np.int64)
    called = scene.reach(VOICE, lines[owner], end, at, seconds=np.where(missed, 0, talk))
    who = np.flatnonzero(missed)[rng.random(int(missed.sum())) < 0.07]
    later = at[who] + np.exp(rng.normal(7.0, 1.0, who.size)).astype(np.int64)
    return join(
        [called, scene.answer(VOICE, end[who], lines[owner][who], later, seconds=talk[who])]
    )


def _devices(scene: Scene, index: int) -> Events:
    """Devices report to their fleet's server at fixed times; trackers every half hour."""
    rng = scene.rng("devices", index)
    lines = scene.roster.of("m2m")
    habits = scene.world.rng("reports")
    tracker = habits.random(lines.size) < 0.04
    many = np.where(tracker, 48, 1 + (habits.random(lines.size) < 0.3))
    phase = habits.integers(0, 1_800, lines.size)
    owner, place = flatten(many)
    step = np.where(tracker, 1_800, 43_200)[owner]
    jitter = rng.integers(0, 6, owner.size)
    at = scene.world.start(index) + phase[owner] + place * step + jitter
    fleet = scene.roster.group[lines][owner]
    server = _servers(scene)[fleet]
    down = rng.random(owner.size) < 0.1
    sent = batch(SMS, sender=lines[owner], number=server, at=at)
    told = lines[owner][down]
    number = scene.directory.number_of(told, at[down] + 20)
    return join([sent, batch(SMS, sender_number=server[down], number=number, at=at[down] + 20)])


def _servers(scene: Scene) -> Ints:
    """The one number each fleet reports to: a port of the platform."""
    fleets = int(scene.roster.group[scene.roster.of("m2m")].max()) + 1
    return 10_648_900_000 + np.arange(fleets) * 11
