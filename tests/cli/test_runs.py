"""`mingdan runs` as a person and as a script use it, and its exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.worlds import Installed

NUMBER = re.compile(r"(?<!\d)(?:86)?1[3-9]\d{9}(?!\d)")


def mingdan(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from mingdan.cli.main import app; app()", *arguments],
        env={"MINGDAN_DATA": str(data), "PATH": "/usr/bin:/bin", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_summary_of_a_night_says_what_came_and_what_left(finished_world: Installed) -> None:
    done = mingdan(finished_world.data, "runs", "--last")
    assert done.returncode == 0, done.stderr
    for said in (
        f"The night of {finished_world.last}", "records in", "quarantined", "guided",
        "Classes", "New and withdrawn tonight", "Release", "bank_demo", "Found vs planted",
        "make ui",
    ):  # fmt: skip
        assert said in done.stdout
    assert not NUMBER.search(done.stdout)


def test_a_script_gets_numbers_that_add_up(finished_world: Installed) -> None:
    done = mingdan(finished_world.data, "runs", finished_world.last.isoformat(), "--json")
    night = json.loads(done.stdout)
    assert night["day"] == finished_world.last.isoformat()
    for source in night["files"]:
        assert source["received"] == (
            source["landed"] + source["quarantined"] + source["duplicate"]
        )
    assert night["release"]["seq"] == 6
    assert night["found_vs_planted"]["planted"] > 0
    nights = json.loads(mingdan(finished_world.data, "runs", "--json").stdout)
    assert len(nights) == 6
    assert nights[-1]["guided"] == night["guided"]


def test_make_nightly_learns_what_is_due_and_what_was_missed(
    fresh_world: Installed, world_before_last_night: Installed, finished_world: Installed
) -> None:
    last = finished_world.last.isoformat()
    assert mingdan(fresh_world.data, "runs", "--due").stdout.strip() == last
    missed = mingdan(fresh_world.data, "runs", "--missed-before", last).stdout.split()
    before = (finished_world.last - timedelta(days=1)).isoformat()
    assert missed == [fresh_world.first.isoformat(), before]
    assert mingdan(world_before_last_night.data, "runs", "--missed-before", last).stdout == ""


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["runs", "yesterday"], 2, "write it like 2026-11-01"),
        (["runs", "1999-01-01"], 1, "no night of 1999-01-01 has run"),
        (["runs", "--nonsense"], 2, "No such option"),
        (["nonsense"], 2, "No such command"),
    ],
)
def test_what_is_wrong_is_said_with_its_exit_code(
    finished_world: Installed, arguments: list[str], code: int, said: str
) -> None:
    done = mingdan(finished_world.data, *arguments)
    assert done.returncode == code
    assert said in " ".join((done.stdout + done.stderr).split())


def test_without_an_installation_it_says_how_to_get_one(tmp_path: Path) -> None:
    done = mingdan(tmp_path / "none", "runs")
    assert done.returncode == 1
    assert "make nightly" in " ".join(done.stderr.split())


def test_every_command_has_help_with_an_example() -> None:
    whole = mingdan(Path("none"), "--help")
    assert whole.returncode == 0
    for command in ("simulate", "ingest", "order", "explain", "partner", "runs"):
        assert command in whole.stdout
        shown = mingdan(Path("none"), command, "--help")
        assert shown.returncode == 0
        if command not in ("order", "partner"):
            assert "Example" in shown.stdout, command
