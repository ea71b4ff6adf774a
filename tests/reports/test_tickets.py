"""Complaint tickets count the night they are opened, once, and not once taken back."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from mingdan.calendar import day_start, known_at
from mingdan.night import Night
from mingdan.orders.access.actor import SYSTEM
from mingdan.orders.care.complaints import export_complaints
from mingdan.orders.care.tickets import TicketDesk
from mingdan.orders.store import OrderStore
from mingdan.reports.intake import take
from mingdan.reports.tables import (
    COMPLAINTS,
    COMPLAINTS_WITHDRAWN,
    REPORT_ASSERTIONS,
    REPORTS_QUARANTINE,
)
from mingdan.settings import Settings
from mingdan.tables import Table
from tests.orders.care.support import HOTLINE, LI, fault
from tests.orders.care.support import complaint as taken_down
from tests.orders.support import emptied_postgresql_url, sqlite_url
from tests.reports.world import DAY, World, complaint

NEXT = DAY + timedelta(days=1)
NUMBER = "8613800000001"


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    (tmp_path / "data").mkdir()
    url = sqlite_url(tmp_path) if request.param == "sqlite" else emptied_postgresql_url()
    return Settings(data=tmp_path / "data", orders_url=url, lock_wait_seconds=0.2)


@pytest.fixture
def desk(night: Night, world: World) -> TicketDesk:
    """The hotline; nights and empty files of two days are ready."""
    for day in (DAY, NEXT):
        world.write(day)
        world.complaints(day=day)
    return TicketDesk(night.orders)


def noon(day: date, hours: float = 0) -> datetime:
    return day_start(day) + timedelta(hours=12 + hours)


def opened(desk: TicketDesk, reporter: int, when: datetime, **values: object) -> str:
    asked = taken_down(number=NUMBER, reporter_number=f"861390000000{reporter}", **values)
    return desk.open(asked, actor=HOTLINE, at=when).ticket_ref


def ids(night: Night, day: date, table: Table = COMPLAINTS) -> list[str]:
    return night.lake.scan(table, [day]).collect()["complaint_id"].to_list()


def said(night: Night, day: date) -> list[tuple[int, dict[str, object]]]:
    rows = night.lake.scan(REPORT_ASSERTIONS, [day]).collect().to_dicts()
    return [(row["score"], json.loads(row["evidence"])) for row in rows]


def digests(night: Night, day: date) -> list[str]:
    tables = (COMPLAINTS, COMPLAINTS_WITHDRAWN, REPORT_ASSERTIONS, REPORTS_QUARANTINE)
    return [night.lake.partition(table, day).digest for table in tables]


def test_a_ticket_of_the_day_speaks_the_same_night(night: Night, desk: TicketDesk) -> None:
    refs = [opened(desk, n, noon(DAY, n)) for n in (1, 2)]
    desk.open(fault(number=NUMBER), actor=HOTLINE, at=noon(DAY))
    after = opened(desk, 3, known_at(DAY) + timedelta(minutes=1))
    report = take(night, DAY)
    assert ids(night, DAY) == refs
    assert report.facts["complaint_tickets"] == report.facts["complaints_taken"] == 2
    ((score, evidence),) = said(night, DAY)
    assert score == 40
    assert evidence["tickets"] == refs
    assert evidence["subscriptions"] == [11]
    assert NUMBER[2:] not in json.dumps(evidence)
    take(night, NEXT)
    assert ids(night, NEXT) == [after], "each counts in one night"
    assert said(night, NEXT)[0][1]["complainants_30d"] == 3


def test_a_ticket_beside_files(night: Night, desk: TicketDesk, world: World) -> None:
    opened(desk, 1, noon(DAY))
    world.complaints(complaint(NUMBER, "8613900000002", ref="F1"))
    take(night, DAY)
    assert ids(night, DAY) == ["F1", "TT00000001"]
    assert said(night, DAY)[0][1]["complainants_30d"] == 2


def test_an_exported_ticket_counts_once(night: Night, desk: TicketDesk, settings: Settings) -> None:
    refs = [opened(desk, n, noon(DAY)) for n in (1, 2)]
    file = settings.landing / "reports" / "complaints" / DAY.isoformat() / "complaints.csv"
    file.unlink()
    export_complaints(night.orders, settings.landing, DAY, actor=SYSTEM, at=noon(NEXT))
    report = take(night, DAY)
    assert ids(night, DAY) == refs
    assert (report.facts["complaints_received"], report.facts["complaint_tickets"]) == (2, 0)
    # what was counted in the night before and comes as a file afterwards
    late = settings.landing / "reports" / "complaints" / NEXT.isoformat() / "complaints.csv"
    late.write_bytes(file.read_bytes())
    take(night, NEXT)
    assert ids(night, NEXT) == []
    rows = night.lake.scan(REPORTS_QUARANTINE, [NEXT]).collect()
    assert rows["reason"].to_list() == ["already_received"] * 2


def test_a_file_cannot_speak_for_a_ticket(night: Night, desk: TicketDesk, world: World) -> None:
    first = opened(desk, 1, noon(DAY))
    gone = opened(desk, 2, noon(DAY))
    desk.move(gone, "cancelled", actor=LI, at=noon(DAY, 1))
    world.complaints(
        complaint("8613800000002", ref=first), complaint(NUMBER, "8613900000002", ref=gone)
    )
    take(night, DAY)
    rows = night.lake.scan(REPORTS_QUARANTINE, [DAY]).collect()
    assert rows["reason"].to_list() == ["conflict", "withdrawn"]
    ((_, evidence),) = said(night, DAY)
    assert (evidence["tickets"], evidence["complained_of"]) == ([first], [11])


@pytest.mark.parametrize("state", ["rejected", "cancelled"])
def test_what_is_taken_back_does_not_count(night: Night, desk: TicketDesk, state: str) -> None:
    before, after = (opened(desk, n, noon(DAY)) for n in (1, 2))
    desk.move(before, state, actor=LI, at=noon(DAY, 1))
    take(night, DAY)
    assert ids(night, DAY) == [after]
    desk.move(after, state, actor=LI, at=noon(NEXT))
    take(night, NEXT)
    assert ids(night, NEXT, COMPLAINTS_WITHDRAWN) == [before, after]
    assert said(night, NEXT) == [], "neither as remembered from the night before"
    assert len(said(night, DAY)) == 1


def test_a_past_night_again_gives_the_same_bytes(night: Night, desk: TicketDesk) -> None:
    first = opened(desk, 1, noon(DAY))
    take(night, DAY)
    before = digests(night, DAY)
    # recorded by a clock that lags, after the night
    late = opened(desk, 2, noon(DAY, 2))
    opened(desk, 3, noon(NEXT))
    take(night, NEXT)
    assert late in ids(night, NEXT), "counted by the next night"
    later = opened(desk, 4, noon(DAY, 3))
    desk.move(first, "rejected", actor=LI, at=noon(NEXT, 15))
    take(night, DAY)
    assert digests(night, DAY) == before
    take(night, NEXT)
    assert later in ids(night, NEXT), "nothing rests on it yet"


def test_the_answer_is_that_of_the_instant(night: Night, desk: TicketDesk) -> None:
    """Without a night on record, the store alone gives a past night's tickets."""
    refs = [opened(desk, n, noon(DAY, n)) for n in (1, 2)]
    desk.move(refs[0], "rejected", actor=LI, at=noon(NEXT))
    # spoken that day, written down the day after: nobody could know
    written = opened(desk, 3, noon(NEXT), received_at=noon(DAY))
    take(night, DAY)
    assert ids(night, DAY) == refs
    take(night, NEXT)
    assert ids(night, NEXT) == [written]


def test_words_the_policy_does_not_know_are_said_once(
    night: Night, desk: TicketDesk, settings: Settings, world: World
) -> None:
    policy = Path("mingdan/reports/policy.toml").read_text("utf-8")
    own = settings.data / "policy" / "reports" / "policy.toml"
    own.parent.mkdir(parents=True)
    own.write_text(policy.replace('channels = ["10086", "12321"]', 'channels = ["12321"]'), "utf-8")
    opened(desk, 1, noon(DAY))
    take(night, DAY)
    row = night.lake.scan(REPORTS_QUARANTINE, [DAY]).collect().to_dicts()[0]
    assert (row["source"], row["line"], row["reason"]) == ("tickets", 1, "unknown_channel")
    take(night, NEXT)
    assert night.lake.scan(REPORTS_QUARANTINE, [NEXT]).collect().is_empty()


def test_the_store_is_asked_before_it_is_read(
    night: Night, desk: TicketDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ticket still being written when the night begins is waited for."""
    asked: list[str] = []
    monkeypatch.setattr(OrderStore, "settle", lambda _: asked.append("settled"))
    take(night, DAY)
    assert asked == ["settled"]
