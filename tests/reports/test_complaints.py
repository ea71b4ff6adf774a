"""Complaints: what is taken, what is set aside, and whose number it was."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mingdan.errors import InputRefused, MissingInput
from mingdan.identifiers import pseudonym
from mingdan.night import Night
from mingdan.reports.intake import take
from mingdan.reports.tables import COMPLAINTS, REPORT_ASSERTIONS, REPORTS_QUARANTINE
from tests.reports.world import DAY, World, at, complaint, iso


def rows(night: Night, table: object = COMPLAINTS, day: date = DAY) -> list[dict[str, object]]:
    return night.lake.scan(table, [day]).collect().to_dicts()  # type: ignore[arg-type]


def reasons(night: Night, day: date = DAY) -> dict[int, tuple[str, str | None]]:
    return {
        int(str(row["line"])): (str(row["reason"]), row["field"])  # type: ignore[misc]
        for row in rows(night, REPORTS_QUARANTINE, day)
    }


def test_a_complaint_is_bound_to_who_held_the_number_then(night: Night, world: World) -> None:
    """8613800000009 was party 3's until the 5th and is party 4's since the 8th."""
    world.number("8613800000009", 13, date(2026, 1, 1), date(2026, 11, 5))
    world.party(3, 13, date(2026, 1, 1), date(2026, 11, 5))
    world.number("8613800000009", 14, date(2026, 11, 8))
    world.party(4, 14, date(2026, 11, 8))
    world.write()
    world.complaints(
        complaint("13800000009", ref="before", occurred=date(2026, 11, 4)),
        complaint("13800000009", ref="ageing", occurred=date(2026, 11, 6)),
        complaint("13800000009", ref="after", occurred=date(2026, 11, 9)),
        complaint("13700000000", ref="not_ours"),
    )
    take(night, DAY)
    found = {
        row["complaint_id"]: (row["subscription_id"], row["party_id"], row["same_holder"])
        for row in rows(night)
    }
    assert found == {
        "before": (13, 3, "no"),
        "ageing": (None, None, "no_data"),
        "after": (14, 4, "yes"),
        "not_ours": (None, None, "no_data"),
    }


def test_the_first_and_last_instant_of_a_holding(night: Night, world: World) -> None:
    """Holdings are half-open: at the very end the number is already the next holder's."""
    end = date(2026, 11, 5)
    world.number("8613800000009", 13, date(2026, 1, 1), end)
    world.party(3, 13, date(2026, 1, 1))
    world.number("8613800000009", 14, end)
    world.party(4, 14, date(2026, 1, 1))
    world.write()
    midnight = iso(end, "00:00:00")
    just_before = iso(end - timedelta(days=1), "23:59:59")
    world.complaints(
        f"A,12321,fraud,{iso(DAY)},{midnight},13800000009,",
        f"B,12321,fraud,{iso(DAY)},{just_before},13800000009,",
    )
    take(night, DAY)
    assert {r["complaint_id"]: r["party_id"] for r in rows(night)} == {"A": 4, "B": 3}


def test_only_pseudonyms_reach_the_lake(night: Night, world: World) -> None:
    world.write()
    world.complaints(complaint("+86 138-0000-0001", reporter="１３９００００００２２"))
    take(night, DAY)
    (row,) = rows(night)
    assert row["reported_number"] == pseudonym(night.pepper, "number", "8613800000001")
    assert row["reporter_number"] == pseudonym(night.pepper, "number", "8613900000022")
    kept = " ".join(str(value) for value in row.values())
    assert "13800000001" not in kept
    assert "13900000022" not in kept


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("10690001234", "10690001234"),
        ("10086", "10086"),
        ("075588889999", "8675588889999"),
        ("00447700900123", "447700900123"),
        ("8613800000001", "8613800000001"),
    ],
)
def test_any_kind_of_number_can_be_complained_of(
    night: Night, world: World, written: str, kept: str
) -> None:
    world.write()
    world.complaints(complaint(written))
    take(night, DAY)
    assert rows(night)[0]["reported_number"] == pseudonym(night.pepper, "number", kept)


def test_a_missing_file_is_named(night: Night, world: World) -> None:
    world.write()
    with pytest.raises(MissingInput, match=r"complaints of 2026-11-10 .*complaints\.csv"):
        take(night, DAY)
    assert not night.lake.exists(COMPLAINTS)


def test_an_installation_without_complaints_runs(night: Night, world: World) -> None:
    world.write()
    night.settings.required_reports = []
    report = take(night, DAY)
    assert report.facts["complaints_received"] == 0
    assert [partition.rows for partition in report.partitions] == [0, 0, 0, 0, 0]


def test_no_order_snapshot_no_reports(night: Night, world: World) -> None:
    world.complaints(complaint("13800000001"))
    with pytest.raises(MissingInput, match="number_holdings of 2026-11-10"):
        take(night, DAY)


@pytest.mark.parametrize(
    ("line", "reason", "column"),
    [
        (complaint("13800000001", ref="=1+1"), "bad_id", "complaint_id"),
        (complaint("13800000001", category="诈骗"), "unknown_category", "category"),
        (complaint("13800000001", channel="12300"), "unknown_channel", "channel"),
        (complaint("1380000"[:2]), "bad_number", "reported_number"),
        (complaint("13800000001", reporter="+cmd|x"), "bad_number", "reporter_number"),
        (complaint("13800000001", reporter="13800000001"), "self_report", "reporter_number"),
        (complaint("13800000001", day=DAY + timedelta(2)), "future_time", "received_at"),
        (
            complaint("13800000001", occurred=DAY + timedelta(1)),
            "future_time",
            "occurred_at",
        ),
        (
            complaint("13800000001", occurred=DAY - timedelta(46)),
            "too_old",
            "occurred_at",
        ),
        (
            complaint("13800000001", day=DAY - timedelta(46)),
            "too_old",
            "received_at",
        ),
        ("C1,12321,fraud,2026-11-10 12:00:00,2026-11-10 12:00:00,13800000001,", "bad_time", None),
        ("C1,12321,fraud,2026-02-30T12:00:00+08:00,2026-11-10T09:00:00Z,1,", "bad_time", None),
        ("C1,12321,fraud", "too_few_fields", None),
        (complaint("13800000001") + ",more", "too_many_fields", None),
        ('C1,"12321,fraud', "bad_quoting", None),
        ("C1\x00,12321", "control_character", None),
        ("", "too_few_fields", None),
    ],
)
def test_bad_lines_are_set_aside_with_their_bytes(
    night: Night, world: World, line: str, reason: str, column: str | None
) -> None:
    world.write()
    world.complaints(complaint("13800000002", ref="fine"), line)
    report = take(night, DAY)
    (bad,) = rows(night, REPORTS_QUARANTINE)
    assert (bad["reason"], bad["line"], bad["source"]) == (reason, 3, "complaints")
    assert bad["file"] == "reports/complaints/2026-11-10/complaints.csv"
    assert bad["raw"] == line.encode()
    if column is not None:
        assert bad["field"] == column
    assert [row["complaint_id"] for row in rows(night)] == ["fine"]
    assert report.facts["complaints_received"] == 2
    assert report.facts["complaints_quarantined"] == 1


def test_repeated_ids(night: Night, world: World) -> None:
    """Equal lines count once; of two that differ neither can be believed."""
    world.write()
    world.complaints(
        complaint("13800000001", ref="same"),
        complaint("13800000001", ref="same"),
        complaint("13800000001", ref="differs"),
        complaint("13800000002", ref="differs"),
    )
    take(night, DAY)
    assert [row["complaint_id"] for row in rows(night)] == ["same"]
    assert reasons(night) == {
        3: ("duplicate_id", "complaint_id"),
        4: ("conflict", "complaint_id"),
        5: ("conflict", "complaint_id"),
    }


def test_a_complaint_delivered_again_counts_once(night: Night, world: World) -> None:
    for day in (DAY, DAY + timedelta(1)):
        world.write(day)
        world.complaints(complaint("13800000001", day=DAY), day=day)
        take(night, day)
    assert rows(night, day=DAY + timedelta(1)) == []
    assert reasons(night, DAY + timedelta(1)) == {2: ("already_received", "complaint_id")}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty_file"),
        (b"id,channel\nC1,12321\n", "bad_header"),
        ("\ufeffid,渠道\n".encode("gb18030"), "bad_header"),
        (b"PK\x03\x04rest of a zip\n", "bad_header"),
    ],
)
def test_another_file_than_agreed_stops_the_night(
    night: Night, world: World, content: bytes, reason: str
) -> None:
    world.write()
    world.complaints().write_bytes(content)
    with pytest.raises(InputRefused, match=rf"complaints\.csv: {reason}; expected complaint_id,"):
        take(night, DAY)
    assert not night.lake.exists(COMPLAINTS)


def test_a_byte_order_mark_is_still_utf8(night: Night, world: World) -> None:
    world.write()
    path = world.complaints(complaint("13800000001"))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert take(night, DAY).facts["complaints_taken"] == 1


def test_too_many_bad_lines_stop_the_night_and_leave_the_lake(night: Night, world: World) -> None:
    world.write()
    world.complaints(complaint("13800000001", ref="kept"))
    take(night, DAY)
    before = night.lake.partition(COMPLAINTS, DAY)
    good = [complaint("13800000001", ref=f"G{i}") for i in range(150)]
    bad = [complaint("13800000001", ref=f"B{i}", category="?") for i in range(20)]
    world.complaints(*good, *bad)
    with pytest.raises(InputRefused, match=r"20 of 170 lines are bad, more than 10%.*line 152"):
        take(night, DAY)
    assert night.lake.partition(COMPLAINTS, DAY) == before
    world.complaints(*good, *bad[:-1])
    assert take(night, DAY).facts["complaints_quarantined"] == 19


def test_the_same_day_again_gives_the_same_bytes(night: Night, world: World) -> None:
    world.write()
    world.complaints(
        complaint("13800000001", ref="A"), complaint("13800000002", ref="B"), "not a line"
    )
    first = take(night, DAY)
    assert take(night, DAY) == first
    assert [p.version for p in first.partitions] == [0, 0, 0, 0, 0]


LINE = st.one_of(
    st.builds(
        complaint,
        st.sampled_from(["13800000001", "13800000002", "110", "x"]),
        ref=st.sampled_from(["A", "B", "C", "D", "=E"]),
        category=st.sampled_from(["spam_sms", "fraud", "no such"]),
    ).map(str.encode),
    st.binary(max_size=40).filter(lambda raw: b"\n" not in raw),
)


@given(lines=st.lists(LINE, max_size=15))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_line_is_taken_or_set_aside_exactly_once(
    night: Night, world: World, lines: list[bytes]
) -> None:
    if not night.lake.exists(REPORT_ASSERTIONS):
        world.write()
    path: Path = world.complaints()
    path.write_bytes(b"\n".join([path.read_bytes().strip(), *lines, b""]))
    facts = take(night, DAY).facts
    assert facts["complaints_received"] == len(lines)
    taken, aside = rows(night), rows(night, REPORTS_QUARANTINE)
    assert len(taken) + len(aside) == len(lines)
    numbers = [int(str(row["line"])) for row in aside]
    assert len(set(numbers)) == len(numbers)
    for row in aside:
        sent = lines[int(str(row["line"])) - 2]
        assert row["raw"] == sent.removesuffix(b"\r")


def test_times_are_utc(night: Night, world: World) -> None:
    world.write()
    world.complaints(complaint("13800000001"))
    take(night, DAY)
    (row,) = night.lake.scan(COMPLAINTS, [DAY]).select(pl.col("occurred_at")).collect().rows()
    assert row == (at(DAY, 9),)
