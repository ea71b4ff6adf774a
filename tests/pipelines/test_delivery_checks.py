"""The checks of a delivery: every line has an outcome, and no source was quiet unnoticed."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from assets.build import CHECKS
from mingdan.guiding.guide import guide
from mingdan.guiding.tables import GUIDED_USAGE
from mingdan.night import Night
from mingdan.settings import Settings
from mingdan.usage.days import build
from mingdan.usage.intake import land
from mingdan.usage.tables import USAGE_FILES
from pipelines.definitions import ASSETS
from tests.guiding.rows import at as instant
from tests.guiding.rows import put_orders
from tests.usage.feeds import DAY, Landing, at, smsc_line

HELD = 8613800138000
NEXT = DAY + timedelta(days=1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", required_sources=[], bad_rows_limit=0.5)


@pytest.fixture
def night(settings: Settings) -> Night:
    return Night(settings)


@pytest.fixture
def landing(settings: Settings) -> Landing:
    return Landing(settings)


def checked(night: Night, step: str, name: str, day: date) -> tuple[bool, dict[str, object]]:
    assert ASSETS
    (check,) = [check for check in CHECKS[step] if check.name == name]
    result = check.result(night, day.isoformat())
    metadata = {key: value.value for key, value in (result.metadata or {}).items()}
    return bool(result.passed), metadata


def run(night: Night, day: date) -> None:
    land(night, day)
    build(night, day)
    begin = instant(date(2026, 1, 1))
    put_orders(night.lake, day, [("msisdn", HELD, 1, begin, None)], [(1, 10, begin, None)])
    guide(night, day)


def test_received_is_guided_rejected_quarantined_and_duplicate(
    night: Night, landing: Landing
) -> None:
    """Two nights: the second brings late records, copies of the first, and one from tomorrow."""
    lost = {"served": "13700137000", "imsi": ""}
    landing.smsc([smsc_line(f"a{n}", imsi="") for n in range(5)] + [smsc_line("b", **lost)])
    landing.smsc(
        [
            *(smsc_line(f"c{n}", imsi="", time=at(NEXT, n)) for n in range(6)),
            *(smsc_line(f"d{n}", imsi="", time=at(DAY, n)) for n in range(2)),
            smsc_line("late and nobody's", time=at(DAY, 4), **lost),
            smsc_line("a0", imsi=""),
            smsc_line("c0", imsi="", time=at(NEXT, 0)),
            smsc_line("e", imsi="", time=at(NEXT + timedelta(days=1), 0, 1)),
            "broken",
        ],
        day=NEXT,
    )
    for day in (DAY, NEXT):
        run(night, day)
    assert checked(night, "guided_usage", "every_line_accounted", DAY) == (
        True,
        {"failing": 0, "received": 6, "guided": 5, "rejected": 1, "quarantined": 0,
         "duplicate": 0, "waiting": 0},
    )  # fmt: skip
    assert checked(night, "guided_usage", "every_line_accounted", NEXT) == (
        True,
        {"failing": 0, "received": 13, "guided": 8, "rejected": 1, "quarantined": 1,
         "duplicate": 2, "waiting": 1},
    )  # fmt: skip


@pytest.mark.parametrize("late", [False, True])
def test_a_record_lost_on_its_way_is_found(night: Night, landing: Landing, late: bool) -> None:
    landing.smsc([smsc_line(n, imsi="") for n in range(5)])
    landing.smsc([smsc_line("x", imsi="", time=at(DAY, 3))], day=NEXT)
    for day in (DAY, NEXT):
        run(night, day)
    if late:
        night.lake.replace(GUIDED_USAGE, DAY, [])
    else:
        ledger = night.lake.scan(USAGE_FILES, [NEXT]).drop("date").collect()
        ledger = ledger.with_columns(pl.col("rows_received") + 1)
        night.lake.write(USAGE_FILES, NEXT, ledger)
    passed, metadata = checked(night, "guided_usage", "every_line_accounted", NEXT)
    assert not passed
    assert metadata["failing"] == (6 if late else 1)


def test_a_source_that_delivers_less_than_usual_is_pointed_out(
    settings: Settings, night: Night, landing: Landing
) -> None:
    folder = settings.data.parent / "sources"
    folder.mkdir()
    shipped = Path("mingdan/usage/sources/smsc.toml").read_text(encoding="utf-8")
    spec = shipped.replace("required = true", "required = true\nfiles_a_day = 2")
    (folder / "smsc.toml").write_text(spec, encoding="utf-8")
    night = Night(settings.model_copy(update={"sources": folder}))

    def told(day: date, *counts: int) -> tuple[bool, object]:
        for number, count in enumerate(counts, start=1):
            lines = [smsc_line(f"{day}-{number}-{n}", time=at(day)) for n in range(count)]
            landing.smsc(lines, number=number, day=day)
        land(night, day)
        passed, metadata = checked(night, "landed_usage", "deliveries_complete", day)
        return passed, metadata.get("incomplete")

    week = timedelta(weeks=1)
    # the first of its kind: nothing to compare it with
    assert told(DAY, 10, 10) == (True, None)
    # another weekday is another matter
    assert told(DAY + timedelta(days=1), 1, 1) == (True, None)
    assert told(DAY + week, 10, 12) == (True, None)
    assert told(DAY + 2 * week, 30) == (False, "smsc: 1 of 2 files, 30 lines, usually 21")
    assert told(DAY + 3 * week, 4, 5) == (False, "smsc: 2 of 2 files, 9 lines, usually 22")
    assert told(DAY + 4 * week, 30, 20) == (False, "smsc: 2 of 2 files, 50 lines, usually 21")
    landing.put("ggsn", "readme.txt", b"no usage", DAY + 5 * week)
    # a file that was not read is no delivery
    assert told(DAY + 5 * week) == (False, "smsc: 0 of 2 files, 0 lines, usually 26")
