"""Which device (IMEI) a subscription is used in, over time.

Here: handsets, shared phones, shop test phones, modem pools of the malicious.
Not here: orders (a device needs none).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mingdan.simulator import identities
from mingdan.simulator.campaigns import DEVICES_PER_FARM, Campaign
from mingdan.simulator.directory import Timeline
from mingdan.simulator.lives import Lives
from mingdan.simulator.personas import archetype, persona
from mingdan.simulator.roster import Ints, Roster
from mingdan.simulator.spec import HOUR, World

_SHARED_PHONE = 0.5
"""Chance that a person's second card sits in the same phone."""
_SHOP_HOURS = 2
"""A new card's first hours, in every other case, pass in the shop's test phone."""


def plan(world: World, roster: Roster, lives: Lives, campaigns: Sequence[Campaign]) -> Timeline:
    """Subscription -> IMEI over time; 0 for service ports."""
    rng = world.rng("devices")
    handsets = [change for change in lives.changes if change.kind == "handset"]
    spare = len(handsets) + 2 * len(campaigns) + 64
    imeis = identities.imeis(rng, roster.size + spare)
    modems = identities.imeis(rng, roster.size, modem=True)
    stock: list[int] = imeis[roster.size :].tolist()

    own = np.where(roster.persona == persona("m2m"), modems, imeis[: roster.size])
    own = np.where(roster.persona == persona("service_port"), 0, own)
    own = _shared(rng, roster, own)
    own = _pooled(rng, roster, own)
    back = (roster.returns >= 0) & (rng.random(roster.size) < 0.6)
    own[back] = own[roster.returns[back]]

    rows: list[tuple[int, int, int]] = [
        (change.subscription, change.at, stock.pop()) for change in handsets
    ]
    shops = [stock.pop() for _ in range(max(1, world.subscribers // 2_500))]
    fresh = (roster.opened >= world.begin) & (roster.archetype == 0) & roster.human
    for line in np.flatnonzero(fresh & (rng.random(roster.size) < 0.5)).tolist():
        since = int(lives.opened[line])
        rows.append((line, since, shops[line % len(shops)]))
        rows.append((line, since + _SHOP_HOURS * HOUR, int(own[line])))
    rows += _campaign_rows(rng, world, roster, campaigns, stock)
    return Timeline(
        np.concatenate([np.arange(roster.size), [row[0] for row in rows]]),
        np.concatenate([lives.opened, [row[1] for row in rows]]),
        np.concatenate([own, [row[2] for row in rows]]),
    )


def _shared(rng: np.random.Generator, roster: Roster, own: Ints) -> Ints:
    """Second cards in the first one's phone (benign people only)."""
    first: dict[int, int] = {}
    result = own.copy()
    benign = (roster.archetype == 0) & roster.human
    draws = rng.random(roster.size)
    for line in np.flatnonzero(benign).tolist():
        holder = int(roster.party[line])
        if holder not in first:
            first[holder] = int(own[line])
        elif draws[line] < _SHARED_PHONE:
            result[line] = first[holder]
    return result


def _pooled(rng: np.random.Generator, roster: Roster, own: Ints) -> Ints:
    """Blast senders buy SIMs faster than modems: three SIMs in ten meet another in one."""
    result = own.copy()
    for name in ("burst_advertiser", "number_walker"):
        lines = np.flatnonzero(roster.archetype == archetype(name))
        pool = own[lines[: max(1, round(lines.size * 0.7))]]
        result[lines] = pool[rng.permutation(lines.size) % pool.size]
    return result


def _campaign_rows(
    rng: np.random.Generator,
    world: World,
    roster: Roster,
    campaigns: Sequence[Campaign],
    stock: list[int],
) -> list[tuple[int, int, int]]:
    """Rotation of farm SIMs through the farm's devices; new phones of taken-over accounts."""
    rows = []
    farms: dict[int, list[int]] = {}
    for place, campaign in enumerate(campaigns):
        line = campaign.subscription
        if campaign.archetype == "turned_bad" and rng.random() < 0.7:
            rows.append((line, world.start(campaign.days[0]) + 6 * HOUR, stock.pop()))
        if campaign.archetype != "rotation_farm":
            continue
        farm = int(roster.group[line])
        if farm not in farms:
            farms[farm] = [stock.pop() for _ in range(DEVICES_PER_FARM)]
        for day in campaign.days:
            for half, hour in enumerate((8, 14)):
                device = farms[farm][(place * 3 + day * 2 + half) % DEVICES_PER_FARM]
                rows.append((line, world.start(day) + hour * HOUR, device))
    return rows
