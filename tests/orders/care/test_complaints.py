"""A day's complaints reach the label pipeline: once each, in the form its intake reads."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from mingdan.calendar import business_day
from mingdan.identifiers import digits
from mingdan.orders.access.actor import SYSTEM
from mingdan.orders.care import words
from mingdan.orders.care.complaints import HEADER, complaints_file, export_complaints
from mingdan.orders.care.ticket_forms import NewTicket
from mingdan.orders.care.tickets import TicketDesk
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from mingdan.reference import load
from mingdan.reports import complaints as intake
from mingdan.reports import fields
from mingdan.reports.delivered import Flaw
from mingdan.reports.policy import policy
from mingdan.settings import Settings
from tests.orders.care.support import COUNTER, HOTLINE, LI, complaint, fault, refused
from tests.orders.support import at, done, msisdn, opening

DAY = business_day(at(3))


@pytest.fixture
def desk(store: OrderStore) -> TicketDesk:
    done(store, opening(1), opening(2))
    return TicketDesk(store)


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return Settings(data=tmp_path / "data").landing


def taken(landing: Path, day: date) -> list[dict[str, object]]:
    """What the intake makes of the day's file: every line good."""
    found = intake.complaints_of(Settings(data=landing.parent), day, policy(), ())
    assert found.bad == []
    return [row.record for row in found.good]


def test_the_form_is_the_intake_s() -> None:
    rules = policy().complaints
    assert intake.HEADER == HEADER
    for row in load.rows("ticket_category"):
        assert row["report_category"] in ("", *rules.categories)
        assert bool(row["report_category"]) == (row["about"] == "other")
    for row in load.rows("care_channel"):
        assert row["report_channel"] in rules.channels


def test_a_day_of_complaints(store: OrderStore, desk: TicketDesk, landing: Path) -> None:
    asked: list[NewTicket] = [
        complaint(occurred_at=at(2)),
        complaint(number="10690001234", reporter_number=None, channel="12321"),
        complaint(category="nuisance_call", number="075512345678", channel="counter"),
        complaint(category="fraud", number="+852 2345 6789", received_at=at(1)),
        complaint(category="other_number", number="95588"),
        complaint(category="billing", number=msisdn(2), reporter_number=msisdn(2)),
        fault(),
        complaint(description="记错了"),
    ]
    refs = [desk.open(each, actor=HOTLINE, at=at(3)).ticket_ref for each in asked]
    desk.move(refs[-1], "cancelled", actor=LI, at=at(3, hours=1))
    desk.open(complaint(), actor=HOTLINE, at=at(4))
    done_ = export_complaints(store, landing, DAY, actor=SYSTEM, at=at(4))
    assert done_.complaints == 5
    assert done_.path == landing / "reports" / "complaints" / DAY.isoformat() / "complaints.csv"
    rows = taken(landing, DAY)
    assert [(row["complaint_id"], row["category"], row["channel"]) for row in rows] == [
        (refs[0], "spam_sms", "10086"),
        (refs[1], "spam_sms", "12321"),
        (refs[2], "nuisance_call", "10086"),
        (refs[3], "fraud", "10086"),
        (refs[4], "other", "10086"),
    ]
    assert [row["number"] for row in rows] == [
        msisdn(1), "10690001234", "8675512345678", "85223456789", "95588",
    ]  # fmt: skip
    assert rows[1]["reporter"] is None
    assert rows[0]["reporter"] == "8613900139000"


def test_again_gives_the_same_bytes_and_each_complaint_once(
    store: OrderStore, desk: TicketDesk, landing: Path
) -> None:
    first = desk.open(complaint(), actor=HOTLINE, at=at(3)).ticket_ref
    done_ = export_complaints(store, landing, DAY, actor=SYSTEM, at=at(4))
    content = done_.path.read_bytes()
    # written down late by a clock that lags, and a change of mind about the first
    late = desk.open(complaint(), actor=HOTLINE, at=at(3)).ticket_ref
    desk.move(first, "rejected", actor=LI, at=at(4))
    done_.path.unlink()
    again = export_complaints(store, landing, DAY, actor=SYSTEM, at=at(9))
    assert (again.repeated, again.digest) == (True, done_.digest)
    assert again.path.read_bytes() == content
    today = desk.open(complaint(), actor=HOTLINE, at=at(4)).ticket_ref
    export_complaints(store, landing, DAY + timedelta(days=1), actor=SYSTEM, at=at(5))
    ids = [row["complaint_id"] for row in taken(landing, DAY + timedelta(days=1))]
    assert ids == [late, today]
    assert [row["complaint_id"] for row in taken(landing, DAY)] == [first]


def test_days_may_be_given_out_in_any_order(
    store: OrderStore, desk: TicketDesk, landing: Path
) -> None:
    desk.open(complaint(), actor=HOTLINE, at=at(3))
    desk.open(complaint(), actor=HOTLINE, at=at(4))
    counts = {
        day: export_complaints(store, landing, day, actor=SYSTEM, at=at(9)).complaints
        for day in (DAY + timedelta(days=1), DAY, DAY + timedelta(days=2))
    }
    assert list(counts.values()) == [1, 1, 0]
    assert taken(landing, DAY + timedelta(days=2)) == [], "an empty day has a file, too"


def test_no_day_before_it_is_over(store: OrderStore, landing: Path) -> None:
    called = lambda when: export_complaints(store, landing, DAY, actor=SYSTEM, at=when)  # noqa: E731
    assert refused(lambda: called(at(3))) == "complaint_day_open"
    assert not complaints_file(landing, DAY).exists()


@pytest.mark.parametrize("given_before", [False, True])
def test_a_file_of_somebody_else_is_left_alone(
    store: OrderStore, desk: TicketDesk, landing: Path, given_before: bool
) -> None:
    desk.open(complaint(), actor=HOTLINE, at=at(3))
    path = complaints_file(landing, DAY)
    if given_before:
        export_complaints(store, landing, DAY, actor=SYSTEM, at=at(4))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("theirs\n")
    called = lambda: export_complaints(store, landing, DAY, actor=SYSTEM, at=at(5))  # noqa: E731
    assert refused(called) == "complaint_file_foreign"
    assert path.read_text() == "theirs\n"
    with store.database.reading() as connection:
        fixed = connection.execute(text("SELECT count(*) FROM complaint_export")).scalar()
    assert fixed == int(given_before), "nothing was fixed by what was refused"
    path.unlink()
    assert called().complaints == 1
    assert sorted(each.name for each in path.parent.iterdir()) == ["complaints.csv"]


def test_what_stops_between_commit_and_file_is_mended(
    store: OrderStore, desk: TicketDesk, landing: Path
) -> None:
    desk.open(complaint(), actor=HOTLINE, at=at(3))
    landing.mkdir(parents=True)
    (landing / "reports").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="reports"):
        export_complaints(store, landing, DAY, actor=SYSTEM, at=at(4))
    (landing / "reports").unlink()
    again = export_complaints(store, landing, DAY, actor=SYSTEM, at=at(5))
    assert (again.repeated, again.complaints) == (True, 1)
    assert len(taken(landing, DAY)) == 1


def test_a_counter_may_not_give_complaints_out(store: OrderStore, landing: Path) -> None:
    called = lambda: export_complaints(store, landing, DAY, actor=COUNTER, at=at(5))  # noqa: E731
    assert refused(called) == "business_not_permitted"


NUMBERS = st.one_of(
    st.text(alphabet="0123456789+ -()０１a", max_size=20),
    st.from_regex(r"(\+86|0086|86|0)?1[3-9]\d{9}", fullmatch=True),
    st.from_regex(r"0(10|2\d|[3-9]\d\d)\d{7,8}", fullmatch=True),
)


@settings(max_examples=300, deadline=None)
@given(NUMBERS)
def test_a_number_taken_down_is_a_number_taken_in(typed: str) -> None:
    try:
        ours = words.number("number", typed)
    except Refused:
        # an empty text is refused before it is looked at
        if digits(typed):
            with pytest.raises(Flaw):
                fields.any_number(typed, "number")
        return
    assert fields.any_number(typed, "number") == ours
    assert fields.any_number(ours, "number") == ours, "as the file writes it"
