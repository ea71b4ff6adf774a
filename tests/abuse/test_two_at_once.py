"""Two processes that want to write the same installation at the same time.

Here: real processes of the program and of the nightly job. Not here: the order store's
own writers (`test_orders_at_once.py`), kills.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mingdan.night import Night
from tests.scenarios.town import Town, chat, day
from tests.worlds import everything

PROGRAM = "import sys; from mingdan.cli.main import app; sys.argv[0] = 'mingdan'; app()"
ANN = "8613800001005"


@pytest.fixture
def town(tmp_path: Path) -> Town:
    town = Town(tmp_path / "data")
    town.data.mkdir()
    town.open("ann", 5, ANN)
    town.deliver(0, chat("ann", 5, ANN, 0))
    return town


def start(town: Town, *arguments: str, wait: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ
        | {"MINGDAN_DATA": str(town.data), "MINGDAN_LOCK_WAIT_SECONDS": wait, "COLUMNS": "200"},
    )


def test_two_ingests_of_one_day_take_turns_and_count_every_record_once(town: Town) -> None:
    both = [start(town, "ingest", day(0).isoformat(), wait="60") for _ in range(2)]
    ends = [process.communicate(timeout=100) for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    assert town.rows("usage", 0).height == town.rows("landed_usage", 0).height == 3
    assert town.rows("usage_files", 0).height == 3


def test_who_does_not_want_to_wait_is_refused_and_changes_nothing(town: Town) -> None:
    town.sleep(0)
    before = everything(town.data)
    with Night(town.settings).lock():
        second = start(town, "ingest", day(0).isoformat(), wait="0.1")
        _, told = second.communicate(timeout=60)
        assert second.returncode == 1
        assert "another run is writing" in told
        assert "Traceback" not in told
        # reading goes on meanwhile
        reader = start(town, "explain", ANN, "--json", wait="0.1")
        shown, told = reader.communicate(timeout=60)
        assert reader.returncode == 0, told
        assert '"equal"' in shown
    assert everything(town.data) == before
