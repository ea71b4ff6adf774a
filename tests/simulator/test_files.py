"""Files are as the sources promise, but for the faults that were planted."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from datetime import date

import polars as pl
import pytest

from .conftest import WORLD, Line, Small

HEADER = {
    "smsc": "流水号,类型,用户号码,IMSI,IMEI,对端号码,时间,小区,区号,费用分,消息参考号",
    "msc": "record_id,calltype_id,served_msisdn,served_imsi,served_imei,opposite_no,"
    "start_datetime,call_dur,cell,area_code,fee_fen",
}
NAME = {
    "smsc": r"sms_\d{8}_\d\d\.csv\.gz",
    "msc": r"voc_\d{8}_\d\d\.csv",
    "ggsn": r"gprs_\d{8}_\d\d\.txt\.gz",
}
NUMBER = r"1[3-9]\d{9}|1440\d{9}|106\d{8}"
OTHER = NUMBER + r"|0755\d{8}|020\d{8}|07[56]\d{9}|00[1-9]\d{9,12}|\d{5}"
SIM, DEVICE, DIGITS, AREA = r"(460\d{12})?", r"(\d{15})?", r"\d+", r"0\d{2,3}"
REACHED = r"861\d{10}|86\d{10,11}|00[1-9]\d{9,12}|\d{5}"
CLOCK = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00"
WAY = "主叫发送|被叫接收"
GOOD = {
    "smsc": [r"\d{16}", WAY, NUMBER, SIM, DEVICE, OTHER, r"\d{14}", DIGITS, AREA, DIGITS, DIGITS],
    "msc": [r"V\d{16}", "1|2", r"861\d{10}", SIM, DEVICE, REACHED, CLOCK, DIGITS, DIGITS, AREA,
            DIGITS],
    "ggsn": [r"\d{16}", SIM, r"861\d{10}|861440\d{9}", DEVICE, ISO, *[DIGITS] * 5],
}  # fmt: skip
SOURCES = ("smsc", "msc", "ggsn")
BROKEN = {"bad_time", "bad_number", "cut_short", "unknown_code", "bad_bytes", "no_number"}


def is_good(line: Line) -> bool:
    forms = GOOD[line.source]
    return (
        line.decoded
        and len(line.fields) == len(forms)
        and all(re.fullmatch(form, field) for form, field in zip(forms, line.fields, strict=True))
    )


@pytest.mark.parametrize("source", SOURCES)
def test_every_delivery_day_has_well_named_files(small: Small, source: str) -> None:
    for index in range(WORLD.days):
        folder = small.out / "landing" / "usage" / source / WORLD.day(index).isoformat()
        files = sorted(folder.iterdir())
        own = [file for file in files if WORLD.day(index).strftime("%Y%m%d") in file.name]
        assert own
        assert len(files) <= 5
        for file in files:
            assert re.fullmatch(NAME[source], file.name)
            raw = file.read_bytes()
            if source != "msc":
                assert raw[4:8] == b"\0\0\0\0", "the gzip header carries a time"
                raw = gzip.decompress(raw)
            if source == "ggsn":
                assert raw.startswith(b"\xef\xbb\xbf")
            else:
                encoding = "gb18030" if source == "smsc" else "utf-8"
                assert raw.split(b"\n")[0].decode(encoding) == HEADER[source]


@pytest.mark.parametrize("source", SOURCES)
def test_lines_are_good_or_noted_as_broken(small: Small, source: str) -> None:
    noted = small.truth("faults").filter(
        (pl.col("source") == source) & pl.col("fault").is_in(BROKEN)
    )
    lines = list(small.lines(source))
    odd = [line for line in lines if not is_good(line)]
    names = set(noted["record"])
    assert odd
    assert all(line.fields[0] in names for line in odd)
    # a broken line may stand in a file that was delivered twice
    assert noted.height <= len(odd) <= 2 * noted.height
    assert len(odd) / len(lines) < 0.02


@pytest.mark.parametrize("source", SOURCES)
def test_each_record_arrives_once_but_for_planted_repeats(small: Small, source: str) -> None:
    seen = Counter(line.fields[0] for line in small.lines(source))
    never = small.truth("faults").filter(
        (pl.col("source") == source) & (pl.col("fault") == "never_delivered")
    )
    assert not seen.keys() & set(never["record"])
    again = sum(1 for count in seen.values() if count > 1)
    assert again
    days = Counter(name.removeprefix("V")[:8] for name in seen)
    assert set(days) == {WORLD.day(index).strftime("%Y%m%d") for index in range(WORLD.days)}


def test_late_records_come_one_to_three_days_late(small: Small) -> None:
    late = Counter[int]()
    for line in small.lines("smsc"):
        if is_good(line):
            event = date.fromisoformat(line.fields[6][:8])
            late[(date.fromisoformat(line.day) - event).days] += 1
    assert set(late) <= {0, 1, 2, 3, 9, 10}
    assert late[0] > late[1] > late[3]
    assert sum(late[lag] for lag in (1, 2, 3)) < late[0] * 0.2


def test_one_file_comes_twice_under_another_name(small: Small) -> None:
    digests = Counter(
        path.read_bytes() for path in (small.out / "landing" / "usage").rglob("*") if path.is_file()
    )
    assert max(digests.values()) == 2


def test_segments_of_a_message_share_its_reference(small: Small) -> None:
    legs = Counter(
        (line.fields[10], line.fields[1], line.fields[2])
        for line in small.lines("smsc")
        if is_good(line)
    )
    assert Counter(legs.values())[2] > 10


def test_complaints_come_every_day_and_in_form(small: Small) -> None:
    header = "complaint_id,channel,category,received_at,occurred_at,reported_number,reporter_number"
    rows = []
    for index in range(WORLD.days):
        folder = small.out / "landing" / "reports" / "complaints" / WORLD.day(index).isoformat()
        text = (folder / "complaints.csv").read_text("utf-8").splitlines()
        assert text[0] == header
        rows += [line.split(",") for line in text[1:]]
    assert rows
    assert {row[1] for row in rows} <= {"10086", "12321"}
    assert {row[2] for row in rows} <= {"spam_sms", "fraud", "nuisance_call", "other"}
    assert all(row[4] <= row[3] for row in rows)
    truth = small.truth("complaints")
    assert set(truth["complaint_id"]) == {row[0] for row in rows}


def test_the_partner_lists_numbers_in_form(small: Small) -> None:
    folder = small.out / "landing" / "reports" / "partners" / WORLD.partner
    rows = [
        line.split(",")
        for path in sorted(folder.rglob("entries.csv"))
        for line in path.read_text("utf-8").splitlines()[1:]
    ]
    assert {row[1] for row in rows} == {"add", "withdraw"}
    assert all(re.fullmatch(r"861\d{10}", row[3]) for row in rows)
    about = Counter(small.truth("partner")["about"])
    assert about.keys() >= {"outside", "stale", "legal", "wrong"}
