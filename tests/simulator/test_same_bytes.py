"""Equal worlds give equal bytes, in any process and with any number of threads."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from mingdan.simulator.world import simulate

from .conftest import WORLD, Small, tree


def orders(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of an order store."""
    with sqlite3.connect(path) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)  # noqa: S608
            for (name,) in sorted(names)
            if not name.startswith("sqlite_")
        }


def test_the_same_world_in_another_process_with_one_thread(small: Small, tmp_path: Path) -> None:
    text = (
        "from datetime import date; from pathlib import Path; import sys\n"
        "from mingdan.simulator.world import World, simulate\n"
        f"simulate({WORLD!r}.__class__(subscribers={WORLD.subscribers}, days={WORLD.days}, "
        f"seed={WORLD.seed}, last_day=date(2026, 10, 20)), Path(sys.argv[1]))\n"
    ).replace(f"{WORLD!r}.__class__", "World")
    environment = os.environ | {"POLARS_MAX_THREADS": "1", "PYTHONHASHSEED": "77"}
    subprocess.run(
        [sys.executable, "-c", text, str(tmp_path / "data")], check=True, env=environment
    )
    assert tree(tmp_path / "data") == tree(small.out)
    assert orders(tmp_path / "data" / "orders.db") == orders(small.out / "orders.db")


def test_another_seed_is_another_world(small: Small, tmp_path: Path) -> None:
    simulate(replace(WORLD, seed=4), tmp_path / "data")
    mine, other = tree(small.out), tree(tmp_path / "data")
    usage = [name for name in mine.keys() & other.keys() if name.startswith("landing/usage")]
    assert usage
    assert all(mine[name] != other[name] for name in usage)
