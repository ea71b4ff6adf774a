"""`mingdan runs` as a person and as a script use it, and its exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from mingdan.cli.main import app
from mingdan.lake import Lake
from mingdan.summary import nights, summarise
from tests.worlds import Installed

ROOT = Path(__file__).parent.parent.parent

# Not within a digest: enough of them hold eleven such digits by chance.
NUMBER = re.compile(r"(?<![0-9a-f])(?:86)?1[3-9]\d{9}(?![0-9a-f])")


@dataclass(frozen=True)
class Done:
    """What a call of the program gave."""

    returncode: int
    stdout: str
    stderr: str


Call = Callable[..., Done]


@pytest.fixture
def mingdan(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """`mingdan(data, "runs", "--last")`; as a process of its own: `test_main.py`."""
    monkeypatch.setenv("COLUMNS", "120")

    def call(data: Path, *arguments: str) -> Done:
        monkeypatch.setenv("MINGDAN_DATA", str(data))
        monkeypatch.setattr(sys, "argv", ["mingdan", *arguments])
        with pytest.raises(SystemExit) as ended:
            app()
        shown = capsys.readouterr()
        return Done(int(ended.value.code or 0), shown.out, shown.err)

    return call


def test_the_summary_of_a_night_says_what_came_and_what_left(
    mingdan: Call, finished_world: Installed
) -> None:
    done = mingdan(finished_world.data, "runs", "--last")
    assert done.returncode == 0, done.stderr
    for said in (
        f"The night of {finished_world.last}", "records in", "quarantined", "guided",
        "Classes", "New and withdrawn tonight", "Release", "bank_demo", "Found vs planted",
        "make ui",
    ):  # fmt: skip
        assert said in done.stdout
    assert not NUMBER.search(done.stdout)


def test_the_numbers_of_the_summary_add_up(mingdan: Call, finished_world: Installed) -> None:
    shown = " ".join(mingdan(finished_world.data, "runs", "--last").stdout.split())
    came = re.search(
        r"Usage: ([\d,]+) records in = ([\d,]+) quarantined \+ ([\d,]+) delivered twice \+ "
        r"([\d,]+) of other days \+ ([\d,]+) of the day",
        shown,
    )
    went = re.search(
        r"The day: ([\d,]+) \+ ([\d,]+) from other deliveries = ([\d,]+) guided \+ "
        r"([\d,]+) rejected",
        shown,
    )
    assert came is not None
    assert went is not None
    received, *parts = (int(number.replace(",", "")) for number in came.groups())
    own, elsewhere, guided, rejected = (int(n.replace(",", "")) for n in went.groups())
    assert received == sum(parts) > 0
    assert own == parts[-1]
    assert own + elsewhere == guided + rejected > 0


def test_the_numbers_of_every_night_add_up(finished_world: Installed) -> None:
    """Also of nights that later deliveries re-opened."""
    lake = Lake(finished_world.settings.lake)
    elsewhere = 0
    for day in nights(lake):
        night = summarise(finished_world.settings, lake, day)
        sums = night.balance
        assert sums.received == sums.quarantined + sums.copies + sums.other_days + sums.own
        assert sums.own + sums.elsewhere == night.guided + int(night.rejected["records"].sum())
        elsewhere += sums.elsewhere
    assert elsewhere > 0


def test_what_was_found_late_is_told_apart(mingdan: Call, finished_world: Installed) -> None:
    shown = " ".join(mingdan(finished_world.data, "runs", "--last").stdout.split())
    said = re.search(
        r"Found vs planted: (\d+) of (\d+) malicious senders by their 3rd active day \(\d+%\), "
        r"(\d+) later \(column `found later`\), (\d+) not yet",
        shown,
    )
    assert said is not None
    found, planted, later, missing = map(int, said.groups())
    assert found + later + missing == planted


def test_the_summary_ends_with_a_command_that_explains_somebody(
    mingdan: Call, finished_world: Installed
) -> None:
    shown = mingdan(finished_world.data, "runs", "--last").stdout
    command = shown.strip().splitlines()[-1].partition(": mingdan ")[2].split()
    assert command[0] == "explain"
    done = mingdan(finished_world.data, *command)
    assert done.returncode == 0, done.stderr
    assert "blacklist:" in done.stdout
    assert "re-derived: equal" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--due", "--last"], "--last and --due do not go together"),
        (["2026-11-20", "--last"], "DAY and --last do not go together"),
        (["--due", "--json"], "--json does not go with --due"),
        (["--missed-before", "2026-11-20", "--json"], "--json does not go with --missed-before"),
    ],
)
def test_questions_that_contradict_each_other_are_wrong_usage(
    mingdan: Call, finished_world: Installed, arguments: list[str], words: str
) -> None:
    done = mingdan(finished_world.data, "runs", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""


def nightly(tmp_path: Path, **settings: str) -> str:
    """What deploy/nightly.sh says, its tools replaced by ones that do nothing."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("mingdan", "dg"):
        (tools / tool).write_text("#!/bin/sh\n")
        (tools / tool).chmod(0o755)
    done = subprocess.run(
        ["sh", "deploy/nightly.sh"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "BIN": str(tools), "MINGDAN_DATA": str(tmp_path / "data"),
             "SUBSCRIBERS": "50", "DAYS": "35", "SEED": "7", "DAY": "2026-11-20", **settings},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize(("asked", "said"), [("command", True), ("", False)])
def test_make_nightly_says_that_it_keeps_the_operator(
    tmp_path: Path, asked: str, said: bool
) -> None:
    (tmp_path / "data" / "lake").mkdir(parents=True)
    assert ("Keeping the operator in" in nightly(tmp_path, ASKED=asked)) is said


def test_make_knows_what_was_asked_for() -> None:
    for given, asked in ((["SUBSCRIBERS=50"], "command"), ([], "")):
        done = subprocess.run(
            ["make", "-n", "nightly", *given],
            cwd=ROOT, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert f'ASKED="{asked}"' in done.stdout


def test_a_script_gets_numbers_that_add_up(mingdan: Call, finished_world: Installed) -> None:
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
    mingdan: Call,
    fresh_world: Installed,
    world_before_last_night: Installed,
    finished_world: Installed,
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
    mingdan: Call, finished_world: Installed, arguments: list[str], code: int, said: str
) -> None:
    done = mingdan(finished_world.data, *arguments)
    assert done.returncode == code
    assert said in " ".join((done.stdout + done.stderr).split())


def test_without_an_installation_it_says_how_to_get_one(mingdan: Call, tmp_path: Path) -> None:
    done = mingdan(tmp_path / "none", "runs")
    assert done.returncode == 1
    assert "make nightly" in " ".join(done.stderr.split())


def test_help_names_every_command(mingdan: Call) -> None:
    shown = mingdan(Path("none"), "--help")
    assert shown.returncode == 0
    for command in ("simulate", "ingest", "order", "explain", "partner", "runs"):
        assert command in shown.stdout
