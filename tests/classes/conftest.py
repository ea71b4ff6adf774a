"""Fixtures of the class tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.classes.world import World, three_nights


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes installations that a test fills; `policy`: files in place of those shipped."""
    made: list[World] = []

    def make(**policy: str) -> World:
        files = {f"{name.replace('__', '/')}.toml": text for name, text in policy.items()}
        world = World(tmp_path / f"data{len(made)}", files)
        made.append(world)
        return world

    yield make
    for world in made:
        if "orders" in world.night.__dict__:
            world.night.orders.close()


@pytest.fixture(scope="session")
def _decided(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("decided") / "data")
    three_nights(world)
    world.night.orders.close()
    return world


@pytest.fixture
def decided(_decided: World, tmp_path: Path) -> Iterator[World]:
    """`three_nights` have been decided; a copy of its own for each test."""
    world = _decided.copy(tmp_path / "decided")
    yield world
    if "orders" in world.night.__dict__:
        world.night.orders.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()
