"""Fixtures every test folder may use.

Here: an empty installation in a temporary folder and small simulated worlds.
Not here: fixtures of one stage (its own conftest).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mingdan.lake import Lake
from mingdan.night import Night
from mingdan.settings import Settings

if TYPE_CHECKING:
    from tests.worlds import Installed


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the developer's installation or `.env`."""
    monkeypatch.delenv("MINGDAN_DATA", raising=False)
    monkeypatch.setenv("DAGSTER_DISABLE_TELEMETRY", "1")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", lock_wait_seconds=0.2)


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return Lake(settings.lake, buckets=4)


@pytest.fixture
def night(settings: Settings, lake: Lake) -> Iterator[Night]:
    """An installation with an empty lake of four buckets."""
    assert lake.buckets == 4
    opened = Night(settings)
    yield opened
    if "orders" in opened.__dict__:
        opened.orders.close()


@pytest.fixture(scope="session")
def fresh_world(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A simulated operator on which no night has run; copy it before writing."""
    # imported late: a unit test need not pay for the whole night's packages
    from tests.worlds import install

    return install(tmp_path_factory.mktemp("fresh") / "data")


@pytest.fixture(scope="session")
def world_before_last_night(
    fresh_world: Installed, tmp_path_factory: pytest.TempPathFactory
) -> Installed:
    """The same operator with every night but the last one run; copy it before writing."""
    copy = fresh_world.copy(tmp_path_factory.mktemp("before") / "data")
    copy.run(copy.last - timedelta(days=1))
    return copy


@pytest.fixture(scope="session")
def finished_world(
    world_before_last_night: Installed, tmp_path_factory: pytest.TempPathFactory
) -> Installed:
    """The same operator with every night run; read only."""
    copy = world_before_last_night.copy(tmp_path_factory.mktemp("finished") / "data")
    copy.run(copy.last)
    return copy
