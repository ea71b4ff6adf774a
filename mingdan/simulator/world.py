"""A whole world: built, lived day by day, delivered as files.

Here: `simulate`, the one entry point, and its order of work. Not here: any of
the parts. Everything is built in a folder beside and moved into place at the
end, so that a simulation that was stopped leaves nothing that looks complete.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mingdan.errors import InputRefused, MingdanError
from mingdan.lake import SUBSCRIPTIONS_PER_BUCKET, Lake
from mingdan.orders.policy import Policy
from mingdan.orders.store import OrderStore
from mingdan.settings import make_private
from mingdan.simulator import (
    archetypes,
    campaigns,
    contacts,
    devices,
    everyday,
    incidents,
    lives,
    machines,
    orders,
    partner,
    professions,
    records,
    roster,
    truth,
)
from mingdan.simulator.complaints import Complaints
from mingdan.simulator.events import Events, join
from mingdan.simulator.landing import Landing
from mingdan.simulator.scene import Scene
from mingdan.simulator.spec import World

__all__ = ["Simulated", "World", "build", "simulate"]

Progress = Callable[[str, int, int], None]
"""Told the step (`orders`, `days`), how much of it is done and how much there is."""
_PARTS = ("landing", "truth", "orders.db", "lake")
_WRITERS = 2


@dataclass(frozen=True)
class Simulated:
    """What came of a simulation."""

    world: World
    subscriptions: int
    malicious: int
    orders: int
    records: int
    complaints: int


def build(world: World) -> Scene:
    """A world before its first day."""
    rows = roster.draft(world)
    campaigns.recruit(world, rows)
    people = roster.settle(world, rows)
    plans = campaigns.plan(world, people)
    lived = incidents.plan(world, people, plans)
    device = devices.plan(world, people, lived, plans)
    return Scene(
        world=world,
        roster=people,
        lives=lived,
        directory=lives.directory(people, lived, device),
        contacts=contacts.build(world, people),
        campaigns=tuple(plans),
    )


def simulate(world: World, out: Path, progress: Progress | None = None) -> Simulated:
    """Write the world into `out`: `landing/`, `orders.db`, `truth/` and an empty `lake/`.

    The same world gives the same bytes of every file, and the same content of
    the order store. Raises InputRefused if `out` already holds any of them.
    """
    refuse_unless_free(out)
    tell = progress or (lambda _step, _done, _total: None)
    partial = out / ".simulating"
    shutil.rmtree(partial, ignore_errors=True)
    make_private(out)
    partial.mkdir()
    try:
        scene = build(world)
        done = _live(scene, partial, tell)
        ordered = _order(scene, partial, tell)
        buckets = buckets_for(scene.roster.size)
        Lake(partial / "lake", buckets=buckets)
        # the lake comes last: who finds it finds everything
        for part in _PARTS:
            target = out / part
            if target.is_dir():
                target.rmdir()
            (partial / part).replace(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    malicious = int((scene.roster.archetype > 0).sum())
    return Simulated(world, scene.roster.size, malicious, ordered, *done)


def refuse_unless_free(out: Path) -> None:
    """Raise InputRefused if `out` holds anything a simulation would write."""
    for part in _PARTS:
        path = out / part
        if path.is_file() or (path.is_dir() and any(path.iterdir())):
            raise InputRefused(
                f"{path} exists: a simulation never overwrites data; name another folder or "
                "remove this one first"
            )


def buckets_for(subscriptions: int) -> int:
    """Buckets of a lake: a power of two from 2 to 64, about 12,000 subscriptions each."""
    buckets = 2
    while buckets < 64 and buckets * SUBSCRIPTIONS_PER_BUCKET < subscriptions:
        buckets *= 2
    return buckets


def _live(scene: Scene, folder: Path, tell: Progress) -> tuple[int, int]:
    """Live every day and deliver its files; returns records and complaints written."""
    world = scene.world
    heard = Complaints(scene, folder / "landing")
    activity = truth.Activity(scene)
    left: list[Events] = []
    with ThreadPoolExecutor(_WRITERS) as pool:
        landing = Landing(scene, folder / "landing", pool)
        for index in range(world.days):
            tell("days", index, world.days)
            events = join([*left, *_happen(scene, index)])
            today = events.at < world.start(index + 1)
            left = [events.where(~today)]
            events = events.where(today)
            texts, calls = records.legs(scene, index, events)
            data = records.data_legs(scene, index, everyday.sessions(scene, index))
            bad = events.where(events.archetype > 0)
            acting = np.unique(bad.sender[scene.directory.in_service(bad.sender, bad.at)])
            activity.see(index, [texts, calls, data], acting)
            heard.hear(index, events)
            heard.write(index)
            landing.deliver(index, {"smsc": texts, "msc": calls, "ggsn": data})
        landing.wait()
    tell("days", world.days, world.days)
    listed = partner.write(scene, folder / "landing")
    place = folder / "truth"
    truth.write(world, scene, activity, place)
    heard.frame().write_parquet(place / "complaints.parquet")
    listed.write_parquet(place / "partner.parquet")
    landing.notes.frame().write_parquet(place / "faults.parquet")
    return landing.records, len(heard.truth)


def _happen(scene: Scene, index: int) -> list[Events]:
    """Every event that begins on a day (some go on after midnight)."""
    return [
        everyday.conversations(scene, index),
        everyday.calls(scene, index),
        everyday.round_robins(scene, index),
        professions.day(scene, index),
        machines.day(scene, index),
        *archetypes.day(scene, index),
    ]


def _order(scene: Scene, folder: Path, tell: Progress) -> int:
    """Carry out all orders in a new order store. Raises MingdanError if one is refused."""
    commands = orders.commands(scene.world, scene.roster, scene.lives)
    # numbers come back within the window, which no real operator allows
    policy = Policy.shipped().with_values(ageing_days=0)
    store = OrderStore.open(f"sqlite:///{folder / 'orders.db'}", policy=policy)
    try:
        applied = store.apply(commands, progress=lambda done: tell("orders", done, len(commands)))
    finally:
        store.close()
    if applied.refused:
        first = applied.refused[0]
        raise MingdanError(
            f"the order store refused {len(applied.refused)} of {len(commands)} simulated orders; "
            f"first {first.order_ref}: {first.reason}"
        )
    return applied.completed
