"""Fixtures every test folder may use.

Here: an empty installation in a temporary folder and small simulated worlds.
Not here: fixtures of one stage (its own conftest).
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
from collections.abc import Callable, Iterator
from datetime import date, timedelta
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


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> None:
    from tests.engines import share

    share()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", lock_wait_seconds=0.2)


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return Lake(settings.lake, buckets=4)


@pytest.fixture
def night(settings: Settings, lake: Lake) -> Iterator[Night]:
    """An installation with an empty lake of four buckets."""
    from tests.orders.support import put_store

    assert lake.buckets == 4
    put_store(settings.data)
    opened = Night(settings)
    yield opened
    if "orders" in opened.__dict__:
        opened.orders.close()


@pytest.fixture(scope="session")
def fresh_world(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A simulated operator on which no night has run; copy it before writing."""
    # imported late: a unit test need not pay for the whole night's packages
    from tests.worlds import install

    return _made_once(tmp_path_factory, "fresh", install)


@pytest.fixture(scope="session")
def world_before_last_night(
    fresh_world: Installed, tmp_path_factory: pytest.TempPathFactory
) -> Installed:
    """The same operator with every night but the last one run; copy it before writing."""

    def make(folder: Path) -> Installed:
        copy = fresh_world.copy(folder)
        copy.run(copy.last - timedelta(days=1))
        return copy

    return _made_once(tmp_path_factory, "before", make)


@pytest.fixture(scope="session")
def finished_world(
    world_before_last_night: Installed, tmp_path_factory: pytest.TempPathFactory
) -> Installed:
    """The same operator with every night run; read only."""

    def make(folder: Path) -> Installed:
        copy = world_before_last_night.copy(folder)
        copy.run(copy.last)
        return copy

    return _made_once(tmp_path_factory, "finished", make)


def _made_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Installed]
) -> Installed:
    """A world made by whichever worker needs it first; each worker has a copy of its own."""
    from tests.worlds import Installed

    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        return make(factory.mktemp(name) / "data")
    shared = factory.getbasetemp().parent / f"world-{name}"
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        note = shared.with_suffix(".json")
        if not note.exists():
            made = make(shared)
            note.write_text(json.dumps([made.first.isoformat(), made.last.isoformat()]))
    first, last = map(date.fromisoformat, json.loads(note.read_text()))
    return Installed(shared, first, last).copy(factory.mktemp(name) / "data")


LONGEST_FIRST = ("tests/pipelines", "tests/scenarios", "tests/features", "tests/cli/test_runs")
"""Begun last, one of these would keep one worker busy while the other has nothing to do."""


def pytest_collection_finish() -> None:
    """What was collected stays until the end: the garbage collector need not look at it again."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Or what libraries clean up at exit would be told of as lost."""
    gc.unfreeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest stories first; otherwise in order."""
    root = Path(__file__).parent.parent

    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(root).as_posix()
        found = [i for i, start in enumerate(LONGEST_FIRST) if name.startswith(start)]
        return found[0] if found else len(LONGEST_FIRST)

    items.sort(key=place)
