"""Each archetype does what its name says; people whose work is texting do it as such."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mingdan.errors import WrongUsage
from mingdan.simulator import archetypes, orders, professions
from mingdan.simulator.campaigns import Campaign
from mingdan.simulator.events import SMS, VOICE, Events, join
from mingdan.simulator.personas import ARCHETYPES
from mingdan.simulator.scene import Scene
from mingdan.simulator.spec import DAY, NEVER
from mingdan.simulator.world import World, build

from .conftest import WORLD


@pytest.fixture(scope="module")
def scene() -> Scene:
    return build(replace(WORLD, subscribers=2_000, days=20))


def acts(scene: Scene, name: str) -> list[tuple[Campaign, int, Events]]:
    """What campaigns of an archetype send, a day at a time (answers left out)."""
    result = []
    for index in range(scene.world.days):
        today = archetypes.day(scene, index)
        if not today:
            continue
        events = join(today)
        for campaign in scene.campaigns:
            if campaign.archetype == name and index in campaign.days:
                mine = (events.sender == campaign.subscription) & (events.archetype > 0)
                result.append((campaign, index, events.where(mine)))
    assert result
    return result


@pytest.mark.parametrize("name", [kind.name for kind in ARCHETYPES])
def test_campaigns_act_on_their_days_within_the_day(scene: Scene, name: str) -> None:
    for _, index, events in acts(scene, name):
        assert len(events) >= 5
        assert events.at.min() >= scene.world.start(index)
        # a late blast may run past midnight, never far
        assert events.at.max() < scene.world.start(index + 1) + 7_200


def test_a_walker_walks(scene: Scene) -> None:
    for _, _, events in acts(scene, "number_walker"):
        steps = np.diff(events.number)
        assert (np.abs(steps) <= 10).mean() > 0.9


def test_one_rings_are_short_and_reach_many(scene: Scene) -> None:
    for _, _, events in acts(scene, "one_ring"):
        assert (events.kind == VOICE).all()
        assert (events.seconds <= 3).mean() > 0.85
        assert np.unique(events.number).size > 0.95 * len(events)


def test_a_bomber_has_few_victims(scene: Scene) -> None:
    for _, _, events in acts(scene, "call_bomber"):
        assert np.unique(events.number).size <= 4
        assert len(events) > 30


def test_a_pacer_is_uneven_and_spread(scene: Scene) -> None:
    variation = []
    for _, _, events in acts(scene, "slow_pacer"):
        assert (events.kind == SMS).all()
        gaps = np.diff(np.sort(events.at))
        variation.append(gaps.std() / gaps.mean())
        assert 30 <= len(events) <= 200
    assert np.median(variation) > 1.3


def test_a_farm_shares_few_devices_among_many_cards() -> None:
    scene = build(replace(WORLD, subscribers=8_000))
    members = [c for c in scene.campaigns if c.archetype == "rotation_farm"]
    assert len(members) > 14
    for farm in np.unique(scene.roster.group[[c.subscription for c in members]]):
        cards = [c for c in members if scene.roster.group[c.subscription] == farm]
        devices = {
            int(scene.directory.device.at(np.array([c.subscription]), np.array([at]))[0])
            for c in cards
            for day in c.days
            for at in (scene.world.start(day) + 36_000, scene.world.start(day) + 57_600)
        }
        assert len(devices) <= 4
        holders = np.bincount(scene.roster.party[[c.subscription for c in cards]])
        assert holders.max() <= 5, "no document carries more than five cards"


def test_a_shop_texts_its_regulars_again(scene: Scene) -> None:
    shops = scene.roster.of("shop_owner")
    seen: list[set[int]] = []
    for index in range(scene.world.days):
        events = professions.day(scene, index)
        mine = events.where((events.sender == shops[0]) & (events.kind == SMS))
        if len(mine) > 20:
            seen.append(set(mine.number.tolist()))
    assert len(seen) >= 2
    assert len(seen[0] & seen[1]) > 0.6 * min(len(seen[0]), len(seen[1]))


def test_campaigns_start_all_over_the_window(scene: Scene) -> None:
    starts = [c.days[0] for c in scene.campaigns]
    assert min(starts) <= 3
    assert sum(start >= scene.world.days - 10 for start in starts) >= len(starts) / 3
    assert max(c.days[-1] for c in scene.campaigns) == scene.world.days - 1


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(100, 700), days=st.integers(5, 40))
def test_lives_are_consistent_in_any_world(seed: int, size: int, days: int) -> None:
    """One holder a number and instant; ends after beginnings; orders unique and in order."""
    scene = build(World(subscribers=size, days=days, seed=seed, last_day=date(2026, 10, 20)))
    holder = scene.directory.holder
    given_away = (holder.value[:-1] >= 0) & (holder.key[1:] == holder.key[:-1])
    # before anybody gets a number its former holder has lost it
    assert (holder.value[1:][given_away] == -1).all()
    ended = scene.lives.closed < NEVER
    assert (scene.lives.closed[ended] > scene.lives.opened[ended]).all()
    assert (scene.lives.learnt >= scene.lives.opened).all()
    assert (scene.lives.learnt <= scene.lives.opened + 4 * DAY).all()

    commands = orders.commands(scene.world, scene.roster, scene.lives)
    assert [c.at for c in commands] == sorted(c.at for c in commands)
    assert len({c.order_ref for c in commands}) == len(commands)
    assert all(c.recorded_at is not None and c.recorded_at >= c.at for c in commands)
    assert {kind.name for kind in ARCHETYPES} <= {c.archetype for c in scene.campaigns}


@pytest.mark.parametrize("wrong", [{"subscribers": 50}, {"days": 4}, {"seed": -1}])
def test_a_world_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(WrongUsage, match=r"needs at least|0 or more"):
        World(**wrong)  # type: ignore[arg-type]
