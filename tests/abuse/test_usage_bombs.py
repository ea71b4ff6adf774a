"""Usage files that unpack to far more than they are: refused early, in little memory."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mingdan.errors import InputRefused
from mingdan.night import Night
from mingdan.settings import Settings
from mingdan.usage.intake import land
from mingdan.usage.tables import USAGE_QUARANTINE
from tests.usage.feeds import DAY, SMSC_HEADER, Landing, msc_line, smsc_file, smsc_line, tree

BOMB = "sms_20261101_02.csv.gz"
HEADER = SMSC_HEADER.encode("gb18030") + b"\n"
LAND = """
import sys
from pathlib import Path
from mingdan.errors import InputRefused
from mingdan.night import Night
from mingdan.settings import Settings
from mingdan.usage.intake import land
from tests.usage.feeds import DAY

try:
    land(Night(Settings(data=Path(sys.argv[1]), bad_rows_limit=float(sys.argv[2]))), DAY)
except InputRefused as refused:
    print(refused)
with open("/proc/self/status", encoding="ascii") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", lock_wait_seconds=0.2)


@pytest.fixture
def landing(settings: Settings) -> Landing:
    landing = Landing(settings)
    landing.all_three()
    return landing


def landed_apart(settings: Settings, bad_rows_limit: float = 0.1) -> tuple[str, int]:
    """What landing in a process of its own says, and that process's peak memory in MB."""
    done = subprocess.run(
        [sys.executable, "-c", LAND, str(settings.data), str(bad_rows_limit)],
        capture_output=True, text=True, timeout=120, check=True, env=os.environ,
    )  # fmt: skip
    *said, peak = done.stdout.splitlines()
    return "\n".join(said), int(peak) // 1024


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"x,\n", "of the first"),
        (b"\n", "more lines than max_file_lines = 50000000"),
        (
            smsc_line(1).encode("gb18030") + b"\n",
            "unpacks to more than max_unpack_ratio = 100 times its size",
        ),
    ],
    ids=["bad lines", "blank lines", "copies of a good line"],
)
def test_a_bomb_of_lines_is_refused_soon_and_in_little_memory(
    settings: Settings, landing: Landing, line: bytes, words: str
) -> None:
    lines = 120 * 2**20 // len(line)
    path = landing.put("smsc", BOMB, gzip.compress(HEADER + line * lines, 6))
    assert path.stat().st_size < 2**20
    said, peak = landed_apart(settings)
    assert words in said
    assert BOMB in said
    assert peak < 1000


def test_bad_rows_that_are_taken_do_not_fill_memory(settings: Settings, landing: Landing) -> None:
    path = settings.landing / "usage" / "msc" / DAY.isoformat() / "voc_20261101_01.csv"
    with path.open("ab") as file:
        file.write(b",,,,,,,,,,,x\n" * 1_000_000)
    said, peak = landed_apart(settings, bad_rows_limit=1)
    assert said == ""
    assert peak < 750
    assert Night(settings).lake.partition(USAGE_QUARANTINE, DAY).rows == 1_000_000


LIMITS = {
    "bytes": ({"max_file_bytes": 3000}, "larger than max_file_bytes = 3000"),
    "lines": ({"max_file_lines": 50}, "more lines than max_file_lines = 50"),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_the_limits_can_be_set(settings: Settings, landing: Landing, limit: str) -> None:
    changes, words = LIMITS[limit]
    landing.put("smsc", BOMB, smsc_file([smsc_line(f"x{n}") for n in range(50)]))
    night = Night(settings.model_copy(update=changes))
    before = tree(night.lake.root)
    with pytest.raises(InputRefused, match=words):
        land(night, DAY)
    assert tree(night.lake.root) == before


def test_a_file_at_its_limits_is_taken(settings: Settings, landing: Landing) -> None:
    content = "".join(line + "\n" for line in [SMSC_HEADER, *(smsc_line(n) for n in range(50))])
    landing.put("smsc", BOMB, gzip.compress(content.encode("gb18030")))
    exact = {"max_file_bytes": len(content.encode("gb18030")), "max_file_lines": 51}
    assert land(Night(settings.model_copy(update=exact)), DAY).facts["rows_landed"] == 110


def test_a_file_whose_good_rows_come_last_is_read_to_its_end(
    settings: Settings, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mingdan.usage.text.BLOCK_LINES", 10)
    bad, good = [msc_line("b", time="soon")] * 12, [msc_line(f"x{n}") for n in range(108)]
    landing.msc([*bad, *good], number=2)
    assert land(Night(settings), DAY).facts["rows_quarantined"] == 12
