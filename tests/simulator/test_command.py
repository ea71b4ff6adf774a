"""`mingdan simulate` and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from mingdan.errors import InputRefused
from mingdan.simulator.world import World, buckets_for, simulate

from .conftest import WORLD, Small


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = (
        "import typer; from mingdan.cli.simulate import command; from mingdan.errors import *\n"
        "import sys\n"
        "try: typer.run(command)\n"
        "except InputRefused as error: print(error, file=sys.stderr); sys.exit(1)\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"TERM": "dumb"},
    )


def test_it_fills_a_folder_once(tmp_path: Path) -> None:
    out = tmp_path / "data"
    arguments = ["--subscribers", "200", "--days", "5", "--out", str(out)]
    first = run(*arguments, "--last-day", "2026-10-20", "--json")
    assert first.returncode == 0, first.stderr
    summary = json.loads(first.stdout)
    assert summary["first_day"] == "2026-10-16"
    assert {path.name for path in out.iterdir()} == {"lake", "landing", "orders.db", "truth"}
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    second = run(*arguments)
    assert second.returncode == 1
    assert "never overwrites" in second.stderr
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_empty_folders_do_not_hinder(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "landing").mkdir()
    simulate(World(subscribers=150, days=5, seed=1, last_day=date(2026, 10, 20)), tmp_path)
    assert (tmp_path / "lake" / "lake.json").exists()


@pytest.mark.parametrize("part", ["lake", "landing", "truth"])
def test_a_folder_in_use_is_refused(tmp_path: Path, part: str) -> None:
    (tmp_path / part).mkdir()
    (tmp_path / part / "something").write_text("mine")
    with pytest.raises(InputRefused, match=part):
        simulate(WORLD, tmp_path)
    assert (tmp_path / part / "something").read_text() == "mine"


def test_a_simulation_stopped_on_its_way_leaves_nothing(tmp_path: Path) -> None:
    def stop(step: str, done: int, _total: int) -> None:
        if step == "orders" or done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(World(subscribers=150, days=5, seed=1), tmp_path, stop)
    assert list(tmp_path.iterdir()) == []


def test_a_world_without_faults_has_only_good_lines(tmp_path: Path) -> None:
    from .test_files import SOURCES, is_good

    done = simulate(
        World(subscribers=150, days=5, seed=1, last_day=date(2026, 10, 20), faults=False), tmp_path
    )
    lines = [line for source in SOURCES for line in Small(tmp_path, done).lines(source)]
    assert len(lines) == done.records
    assert all(is_good(line) for line in lines)
    assert len({(line.source, line.fields[0]) for line in lines}) == len(lines)


@pytest.mark.parametrize(
    ("subscriptions", "buckets"),
    [(1, 2), (24_000, 2), (24_001, 4), (48_001, 8), (1_000_000, 64), (90_000_000, 64)],
)
def test_the_lake_is_sized_by_subscriptions(subscriptions: int, buckets: int) -> None:
    assert buckets_for(subscriptions) == buckets
