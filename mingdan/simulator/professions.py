"""People who reach many others for a living, legitimately: the hard negatives.

Here: couriers, drivers, agents, shop owners, teachers, organisers, heads of
associations. Not here: devices and ports (`machines.py`).
"""

from __future__ import annotations

import numpy as np

from mingdan.simulator.events import SMS, VOICE, Events, flatten, join, running
from mingdan.simulator.rhythm import instants, works
from mingdan.simulator.roster import Floats, Ints
from mingdan.simulator.scene import Scene

_SPREAD = 0.28
"""How far (lognormal) single persons' habits lie around their profession's."""


def day(scene: Scene, index: int) -> Events:
    """Everything people do for a living on a day of the window."""
    return join(
        [
            _rounds(scene, index, "courier", calls=44, texts=11, profile="rounds"),
            _rounds(scene, index, "takeaway_driver", calls=26, texts=3, profile="meals"),
            _agents(scene, index),
            _shops(scene, index),
            _teachers(scene, index),
            _organisers(scene, index),
            _associations(scene, index),
        ]
    )


def _rounds(scene: Scene, index: int, name: str, *, calls: int, texts: int, profile: str) -> Events:
    """Short calls to people on the round; who does not pick up gets a text."""
    rng = scene.rng(name, index)
    lines = scene.roster.of(name)
    habit = _habits(scene, name, lines.size)
    out = rng.random(lines.size) < 0.86
    many = np.where(out, rng.poisson(calls * habit), 0)
    owner, _ = flatten(many)
    # a third of the parcels go to addresses of the round's regular customers
    book = _book(scene, name, 260)
    known = rng.random(owner.size) < 0.34
    end = np.where(
        known,
        book[owner, rng.integers(0, 260, owner.size)],
        scene.contacts.strangers(rng, owner.size),
    )
    at = instants(rng, scene.world.start(index), owner.size, profile)
    missed = rng.random(owner.size) < 0.2
    talk = 4 + rng.exponential(16, owner.size).astype(np.int64)
    seconds = np.where(missed, rng.integers(0, 3, owner.size), talk)
    called = scene.reach(VOICE, lines[owner], end, at, seconds=seconds)

    written = missed & (rng.random(owner.size) < texts / calls / 0.2)
    told = scene.reach(SMS, lines[owner][written], end[written], at[written] + 45)
    thanks = np.flatnonzero(written)[rng.random(int(written.sum())) < 0.13]
    asked = np.flatnonzero(missed)[rng.random(int(missed.sum())) < 0.3]
    later = at[thanks] + np.exp(rng.normal(6.2, 0.9, thanks.size)).astype(np.int64)
    back = at[asked] + np.exp(rng.normal(6.0, 1.0, asked.size)).astype(np.int64)
    return join(
        [
            called,
            told,
            scene.answer(SMS, end[thanks], lines[owner][thanks], later),
            scene.answer(
                VOICE, end[asked], lines[owner][asked], back, seconds=10 + talk[asked] * 2
            ),
        ]
    )


def _agents(scene: Scene, index: int) -> Events:
    """Insurance agents: clients and leads in sittings of a dozen texts, and calls."""
    if not works(scene.date(index)):
        return _nothing(scene)
    rng = scene.rng("insurance_agent", index)
    lines = scene.roster.of("insurance_agent")
    many = rng.poisson(28 * _habits(scene, "insurance_agent", lines.size))
    many = np.where(rng.random(lines.size) < 0.85, many, 0)
    owner, place = flatten(many)
    book = _book(scene, "insurance_agent", 320)
    lead = rng.random(owner.size) < 0.3
    end = np.where(
        lead,
        scene.contacts.strangers(rng, owner.size),
        book[owner, (rng.random(owner.size) ** 2 * 320).astype(np.int64)],
    )
    sitting = place // 12
    starts = instants(rng, scene.world.start(index), lines.size * 8, "office")
    gap = (15 + rng.exponential(35, owner.size)).astype(np.int64)
    run = owner * 8 + sitting
    at = starts.reshape(lines.size, 8)[owner, np.minimum(sitting, 7)] + running(gap, run)
    parts = 1 + (rng.random(owner.size) < 0.3)
    texts = scene.reach(SMS, lines[owner], end, at, parts=parts)
    answers = _answers(scene, rng, lines[owner], end, at, np.where(lead, 0.16, 0.36))

    calls, _ = flatten(rng.poisson(np.minimum(many, 11)))
    reached = np.where(
        rng.random(calls.size) < 0.35,
        scene.contacts.strangers(rng, calls.size),
        book[calls, (rng.random(calls.size) ** 2 * 320).astype(np.int64)],
    )
    when = instants(rng, scene.world.start(index), calls.size, "office")
    talk = np.where(rng.random(calls.size) < 0.18, 0, 20 + rng.exponential(80, calls.size))
    return join(
        [texts, answers, scene.reach(VOICE, lines[calls], reached, when, seconds=_whole(talk))]
    )


def _shops(scene: Scene, index: int) -> Events:
    """Shop owners: an offer to the regulars about once a week."""
    rng = scene.rng("shop_owner", index)
    lines = scene.roster.of("shop_owner")
    size = (40 + 80 * scene.world.rng("shops").random(lines.size)).astype(np.int64)
    weekday = scene.world.rng("shop days").integers(0, 7, lines.size)
    today = (weekday == scene.date(index).weekday()) & (rng.random(lines.size) < 0.85)
    many = np.where(today, (size * rng.uniform(0.75, 1.0, lines.size)).astype(np.int64), 0)
    return _round(
        scene, rng, index, "shop_owner", many, 120, "office", gap=14, answered=0.12, fresh=0.04
    )


def _teachers(scene: Scene, index: int) -> Events:
    """Teachers: a note to the parents of the class on some school days."""
    rng = scene.rng("teacher", index)
    lines = scene.roster.of("teacher")
    size = 28 + scene.world.rng("classes").integers(0, 24, lines.size)
    school = works(scene.date(index))
    many = np.where(rng.random(lines.size) < (0.55 if school else 0.04), size, 0)
    return _round(
        scene, rng, index, "teacher", many, 52, "evening", gap=6, answered=0.42, fresh=0.0
    )


def _organisers(scene: Scene, index: int) -> Events:
    """Event organisers: invitations on one to three days of five weeks."""
    rng = scene.rng("event_organiser", index)
    lines = scene.roster.of("event_organiser")
    size = 60 + scene.world.rng("events").integers(0, 120, lines.size)
    many = np.where(rng.random(lines.size) < 0.06, size, 0)
    return _round(
        scene, rng, index, "event_organiser", many, 180, "evening", gap=20, answered=0.46, fresh=0.2
    )


def _associations(scene: Scene, index: int) -> Events:
    """Protected heads of associations: a circular to a part of the members twice a week.

    By behaviour alone nobody could tell them from an advertiser.
    """
    rng = scene.rng("vip_sender", index)
    lines = scene.roster.of("vip_sender")
    today = scene.date(index).weekday() in (1, 4)
    many = np.where(today, rng.integers(150, 351, lines.size), 0)
    return _round(
        scene,
        rng,
        index,
        "vip_sender",
        many,
        1_500,
        "office",
        gap=9,
        answered=0.03,
        fresh=0.3,
        turn=index * 137,
    )


def _round(
    scene: Scene,
    rng: np.random.Generator,
    index: int,
    name: str,
    many: Ints,
    book_size: int,
    profile: str,
    *,
    gap: float,
    answered: float,
    fresh: float,
    turn: int = 0,
) -> Events:
    """One text to `many` of each person's book from `turn` on, in one go, and the answers."""
    lines = scene.roster.of(name)
    owner, place = flatten(np.minimum(many, book_size))
    book = _book(scene, name, book_size)
    end = np.where(
        rng.random(owner.size) < fresh,
        scene.contacts.strangers(rng, owner.size),
        book[owner, (place + turn) % book_size],
    )
    start = instants(rng, scene.world.start(index), lines.size, profile)
    pause = (gap * (0.4 + rng.exponential(0.6, owner.size))).astype(np.int64)
    at = start[owner] + running(np.where(place == 0, 0, pause), owner)
    sent = scene.reach(SMS, lines[owner], end, at, parts=1 + (rng.random(owner.size) < 0.25))
    chance = np.full(owner.size, answered)
    return join([sent, _answers(scene, rng, lines[owner], end, at, chance)])


def _answers(
    scene: Scene, rng: np.random.Generator, lines: Ints, end: Ints, at: Ints, chance: Floats
) -> Events:
    """Answers by text, a fifth of them by call, minutes to hours later."""
    who = np.flatnonzero(rng.random(at.size) < chance)
    later = at[who] + np.exp(rng.normal(np.log(1_100), 1.2, who.size)).astype(np.int64)
    by_call = rng.random(who.size) < 0.2
    seconds = np.where(by_call, 15 + rng.exponential(70, who.size), 0).astype(np.int64)
    kind = np.where(by_call, VOICE, SMS)
    return scene.answer(kind, end[who], lines[who], later, seconds=seconds)


def _book(scene: Scene, name: str, size: int) -> Ints:
    """The people each member of a profession regularly deals with, a row a member."""
    rng = scene.world.rng("book", name)
    lines = scene.roster.of(name)
    return scene.contacts.strangers(rng, lines.size * size).reshape(lines.size, size)


def _habits(scene: Scene, name: str, count: int) -> Floats:
    return np.exp(scene.world.rng("habit", name).normal(0.0, _SPREAD, count))


def _whole(values: Floats) -> Ints:
    return values.astype(np.int64)


def _nothing(scene: Scene) -> Events:
    none = np.empty(0, dtype=np.int64)
    return scene.reach(SMS, none, none, none)
