"""Usage files gone wrong: each fault by name, one clear error, the lake as it was.

A fault of the file stops the landing; a fault of a line sets that line aside.
"""

from __future__ import annotations

import gzip
import io
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from mingdan.calendar import day_start, naive_utc
from mingdan.errors import InputRefused
from mingdan.lake import Lake
from mingdan.night import Night
from mingdan.reference.numbers import digest_id
from mingdan.settings import Settings
from mingdan.usage import packed
from mingdan.usage.days import build
from mingdan.usage.intake import land
from mingdan.usage.specs import shipped
from mingdan.usage.tables import LANDED_USAGE, USAGE, USAGE_FILES, USAGE_QUARANTINE
from tests.usage.feeds import (
    DAY,
    MSC_HEADER,
    SMSC_HEADER,
    Landing,
    ggsn_line,
    msc_file,
    msc_line,
    smsc_file,
    smsc_line,
    tree,
)

SMS = "sms_20261101_02.csv.gz"
VOICE = "voc_20261101_02.csv"
DATA = "gprs_20261101_02.txt.gz"
GOOD_SMS = [smsc_line(f"x{n}") for n in range(100)]
GOOD_CALLS = [msc_line(f"x{n}") for n in range(100)]
SHUFFLED = ",".join(["类型", "流水号", *SMSC_HEADER.split(",")[2:]])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", lock_wait_seconds=0.2)


@pytest.fixture
def landing(settings: Settings) -> Landing:
    return Landing(settings)


@pytest.fixture(scope="module")
def landed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose day has been landed before a fault arrives; copy it."""
    data = tmp_path_factory.mktemp("landed") / "data"
    Lake(data / "lake", buckets=4)
    settings = Settings(data=data)
    Landing(settings).all_three()
    night = Night(settings)
    land(night, DAY)
    build(night, DAY)
    return data


@pytest.fixture
def landed(landed_once: Path, settings: Settings) -> Night:
    shutil.copytree(landed_once, settings.data)
    return Night(settings)


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


def gb_without_declaring() -> bytes:
    """GB18030 where UTF-8 is declared; the header is plain ASCII and says nothing."""
    lines = [line.replace("1234567", "小区") for line in GOOD_CALLS]
    return "\n".join([MSC_HEADER, *lines]).encode("gb18030")


REFUSED: dict[str, tuple[str, str, Callable[[], bytes], str]] = {
    "truncated gzip": ("smsc", SMS, lambda: smsc_file(GOOD_SMS)[:-20], "truncated gzip"),
    "truncated in its head": ("smsc", SMS, lambda: smsc_file(GOOD_SMS)[:6], "truncated gzip"),
    "corrupt gzip": ("smsc", SMS, lambda: flipped(smsc_file(GOOD_SMS)), "corrupt gzip"),
    "not gzip at all": ("smsc", SMS, lambda: SMSC_HEADER.encode("gb18030"), "corrupt gzip"),
    "garbage after gzip": (
        "smsc", SMS, lambda: smsc_file(GOOD_SMS) + b"garbage", "corrupt gzip"),
    "empty file": ("msc", VOICE, lambda: b"", "empty file"),
    "gzip of nothing": ("smsc", SMS, lambda: gzip.compress(b""), "empty file"),
    "header column renamed": (
        "msc", VOICE, lambda: msc_file(GOOD_CALLS, header=MSC_HEADER.replace("cell", "cell_id")),
        "the header changed: missing cell; unexpected cell_id"),
    "header column added": (
        "msc", VOICE, lambda: msc_file(GOOD_CALLS, header=MSC_HEADER + ",vendor"),
        "the header changed: unexpected vendor"),
    "header in another order": (
        "smsc", SMS, lambda: smsc_file(GOOD_SMS, header=SHUFFLED), "same names in another order"),
    "header lost": (
        "msc", VOICE, lambda: msc_file(GOOD_CALLS[1:], header=GOOD_CALLS[0]), "the header changed"),
    "UTF-8 where GB18030 is declared": (
        "smsc", SMS, lambda: gzip.compress("\n".join([SMSC_HEADER, *GOOD_SMS]).encode()),
        "reads as expected in utf-8: the declared encoding is wrong"),
    "GB18030 where UTF-8 is declared": (
        "msc", VOICE, gb_without_declaring, "the declared encoding utf-8 looks wrong"),
    "UTF-16": ("msc", VOICE, lambda: msc_file(GOOD_CALLS).decode().encode("utf-16"), "NUL byte"),
    "byte order mark not declared": (
        "msc", VOICE, lambda: b"\xef\xbb\xbf" + msc_file(GOOD_CALLS), "byte order mark"),
    "more than 10 % bad rows": (
        "msc", VOICE, lambda: msc_file([*GOOD_CALLS[:88], *[msc_line("b", time="soon")] * 12]),
        "12 of 100 rows are bad (12.0%), the limit is 10%: 12 bad_time (start_datetime)"),
    "NUL bytes": (
        "msc", VOICE, lambda: msc_file([*GOOD_CALLS[:3], "\0" * 100]), "NUL byte in line 5"),
    "a line of 10 MB": (
        "msc", VOICE, lambda: msc_file([*GOOD_CALLS, "9" * 10_000_000]), "max_line_bytes = 65536"),
    "another source's file": (
        "ggsn", DATA, lambda: gzip.compress(msc_file(GOOD_CALLS)), "too_few_fields"),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_a_file_gone_wrong_is_refused_and_the_lake_left_alone(
    landed: Night, landing: Landing, fault: str
) -> None:
    source, name, content, words = REFUSED[fault]
    landing.put(source, name, content())
    landing.smsc([smsc_line("fresh")], number=3)
    before = tree(landed.lake.root)
    with pytest.raises(InputRefused) as refused:
        land(landed, DAY)
    message = str(refused.value)
    assert words in message
    assert f"usage/{source}/{DAY}/{name}" in message
    assert "nothing of 2026-11-01 was landed" in message
    assert f"mingdan ingest {DAY} --skip" in message
    assert "13800138000" not in message
    assert tree(landed.lake.root) == before


def test_a_day_is_landed_once_the_refused_file_is_gone(landed: Night, landing: Landing) -> None:
    path = landing.put("smsc", SMS, b"")
    landing.smsc([smsc_line("fresh")], number=3)
    with pytest.raises(InputRefused):
        land(landed, DAY)
    path.unlink()
    assert land(landed, DAY).facts["rows_landed"] == 61


def test_every_refused_file_is_named_at_once(night: Night, landing: Landing) -> None:
    landing.all_three()
    landing.put("smsc", SMS, b"")
    landing.put("msc", VOICE, b"")
    with pytest.raises(InputRefused) as refused:
        land(night, DAY)
    assert SMS in str(refused.value)
    assert VOICE in str(refused.value)
    assert not night.lake.exists(LANDED_USAGE)
    assert not night.lake.exists(USAGE_FILES)


def test_ten_per_cent_of_bad_rows_are_still_taken(night: Night, landing: Landing) -> None:
    landing.all_three()
    bad = [msc_line(f"b{n}", time="soon") for n in range(10)]
    landing.msc([*GOOD_CALLS[:90], *bad], number=2)
    assert land(night, DAY).facts["rows_quarantined"] == 10


def test_the_limit_of_bad_rows_can_be_set(settings: Settings, landing: Landing) -> None:
    landing.all_three()
    landing.msc([*GOOD_CALLS[:98], *[msc_line("b", time="soon")] * 2], number=2)
    strict = settings.model_copy(update={"bad_rows_limit": 0.01})
    with pytest.raises(InputRefused, match=r"2 of 100 rows are bad \(2\.0%\), the limit is 1%"):
        land(Night(strict), DAY)


SET_ASIDE: dict[str, tuple[str, str, str | None]] = {
    "too few fields": ("b,1,8613800138000", "too_few_fields", None),
    "too many fields": (msc_line("b") + ",x", "too_many_fields", None),
    "an unterminated quote": ('"' + msc_line("b").replace(",", ";", 1), "too_few_fields", None),
    "an unknown code": (msc_line("b", kind="9"), "unknown_code", "calltype_id"),
    "an empty code": (msc_line("b", kind=""), "missing_value", "calltype_id"),
    "no id": (msc_line(""), "missing_value", "record_id"),
    "a negative duration": (msc_line("b", seconds="-5"), "negative_value", "call_dur"),
    "no duration": (msc_line("b", seconds=""), "missing_value", "call_dur"),
    "a duration of letters": (msc_line("b", seconds="5s"), "bad_integer", "call_dur"),
    "a duration of a century": (msc_line("b", seconds="3155760000"), "too_large", "call_dur"),
    "a negative charge": (msc_line("b", fee="-1"), "negative_value", "fee_fen"),
    "a charge with a point": (msc_line("b", fee="0.3"), "bad_charge", "fee_fen"),
    "a date in 1970": (msc_line("b", time="1970-01-01 00:00:00"), "too_late", "start_datetime"),
    "a date in 2070": (msc_line("b", time="2070-01-01 00:00:00"), "in_future", "start_datetime"),
    "30 February": (msc_line("b", time="2026-02-30 00:00:00"), "bad_time", "start_datetime"),
    "no time": (msc_line("b", time=""), "missing_value", "start_datetime"),
    "a served number of letters": (msc_line("b", served="CMCC"), "bad_number", "served_msisdn"),
    "a call to nobody": (msc_line("b", other=""), "missing_value", "opposite_no"),
    "a SIM of ten digits": (
        msc_line("b").replace("460001234567890", "4600012345"), "bad_imsi", "served_imsi"),
    "a device of letters": (
        msc_line("b").replace("861234567890123", "unknown"), "bad_imei", "served_imei"),
}  # fmt: skip


def test_a_line_gone_wrong_is_set_aside_with_reason_and_bytes(
    settings: Settings, landing: Landing
) -> None:
    night = Night(settings.model_copy(update={"bad_rows_limit": 0.5}))
    landing.all_three()
    landing.msc([*GOOD_CALLS, *(line for line, _, _ in SET_ASIDE.values())], number=2)
    facts = land(night, DAY).facts
    rows = night.lake.scan(USAGE_QUARANTINE, [DAY]).sort("line").collect()
    found = rows.select("reason", "field").rows()
    assert dict(zip(SET_ASIDE, found, strict=True)) == {
        fault: (reason, field) for fault, (_, reason, field) in SET_ASIDE.items()
    }
    assert rows["raw"].to_list() == [line.encode() for line, _, _ in SET_ASIDE.values()]
    assert rows["line"].to_list() == list(range(102, 102 + len(SET_ASIDE)))
    assert set(rows["file"]) == {f"usage/msc/{DAY}/{VOICE}"}
    assert (facts["rows_received"], facts["rows_landed"]) == (160 + len(SET_ASIDE), 160)


def test_bytes_no_encoding_knows_are_set_aside_as_delivered(night: Night, landing: Landing) -> None:
    landing.all_three()
    garbled = smsc_line("b").encode("gb18030").replace("主叫".encode("gb18030"), b"\xd6\xff\x81")
    content = "\n".join([SMSC_HEADER, *GOOD_SMS]).encode("gb18030") + b"\n" + garbled + b"\n"
    landing.put("smsc", SMS, gzip.compress(content))
    land(night, DAY)
    (row,) = night.lake.scan(USAGE_QUARANTINE, [DAY]).collect().to_dicts()
    assert (row["reason"], row["line"], row["raw"]) == ("undecodable", 102, garbled)


def ids(lake: Lake) -> set[int]:
    return set(lake.scan(LANDED_USAGE, [DAY]).collect()["served_msisdn"])


def test_full_width_digits_are_digits(night: Night, landing: Landing) -> None:
    landing.all_three()
    landing.smsc(
        [
            smsc_line(
                "b",
                served="１３８００１３８０９９",
                time="２０２６１１０１１２００００",
                fee="１０",
            )
        ],
        number=2,
    )
    land(night, DAY)
    assert 8613800138099 in ids(night.lake)


def test_windows_line_ends_are_no_fault(night: Night, landing: Landing) -> None:
    landing.all_three()
    landing.put("msc", VOICE, msc_file(GOOD_CALLS, end="\r\n"))
    facts = land(night, DAY).facts
    assert (facts["rows_landed"], facts["rows_quarantined"]) == (160, 0)


def test_a_declared_byte_order_mark_is_no_fault(night: Night, landing: Landing) -> None:
    landing.all_three()
    for number, mark in ((2, b"\xef\xbb\xbf"), (3, b"")):
        lines = [ggsn_line(f"x{number}-{n}") for n in range(10)]
        content = gzip.compress(mark + "\n".join(lines).encode())
        landing.put("ggsn", f"gprs_20261101_{number:02d}.txt.gz", content)
    facts = land(night, DAY).facts
    assert (facts["rows_landed"], facts["rows_quarantined"]) == (80, 0)


def test_several_gzip_members_are_one_file(night: Night, landing: Landing) -> None:
    landing.all_three()
    lines = "\n".join([SMSC_HEADER, *GOOD_SMS, ""]).encode("gb18030")
    content = gzip.compress(lines[:500]) + gzip.compress(lines[500:])
    landing.put("smsc", SMS, content)
    assert land(night, DAY).facts["rows_landed"] == 160


def test_a_file_with_a_header_alone_is_a_quiet_day(night: Night, landing: Landing) -> None:
    landing.all_three()
    landing.put("msc", VOICE, msc_file([]))
    facts = land(night, DAY).facts
    assert (facts["files_loaded"], facts["rows_received"]) == (4, 60)


@pytest.mark.parametrize("moment", ["before it is opened", "between two blocks"])
def test_a_file_that_changes_while_it_is_read_is_refused(
    night: Night, landing: Landing, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Whoever writes into the landing folder without renaming may be caught at it."""
    landing.all_three()
    path = landing.msc(GOOD_CALLS, number=2)
    monkeypatch.setattr("mingdan.usage.text.BLOCK_BYTES", 4096)
    read, changed = packed.open_plain, False

    class Growing(io.BufferedReader):
        def read(self, size: int | None = -1, /) -> bytes:
            nonlocal changed
            if self.tell() >= (0 if moment == "before it is opened" else 4096) and not changed:
                changed = True
                with path.open("a", encoding="utf-8") as writer:
                    writer.write(msc_line("one more") + "\n")
            return super().read(size)

    def opened(each: Path) -> io.BufferedReader:
        return Growing(read(each).detach()) if each == path else read(each)

    monkeypatch.setattr(packed, "open_plain", opened)
    with pytest.raises(InputRefused, match=f"{path.name}: changed while it was read"):
        land(night, DAY)
    assert changed
    assert not night.lake.exists(LANDED_USAGE)
    monkeypatch.undo()
    assert land(night, DAY).facts["rows_landed"] == 161


def test_clocks_that_differ_and_days_that_begin_elsewhere(night: Night, landing: Landing) -> None:
    """One instant, told by three clocks, is one instant of one business day (Asia/Shanghai)."""
    landing.all_three()
    midnight = naive_utc(day_start(DAY + timedelta(days=1)))
    row = "460001234567890,,8613800138000,MOC,{time},{offset},60,8613900139000,,10,GB01,{ref}"
    told = {
        "last second": (midnight - timedelta(seconds=1), 0),
        "the same in Sydney": (midnight - timedelta(seconds=1), 11 * 60),
        "the same in Newfoundland": (midnight - timedelta(seconds=1), -210),
        "next day in Shanghai": (midnight + timedelta(seconds=1), 8 * 60),
        "the same in New York": (midnight + timedelta(seconds=1), -300),
        "beyond the skew": (midnight + timedelta(seconds=301), -300),
    }
    lines = [",".join(shipped()["tap"].file.names)]
    for reference, (instant, minutes) in told.items():
        local = instant + timedelta(minutes=minutes)
        sign, size = "-" if minutes < 0 else "+", abs(minutes)
        offset = f"{sign}{size // 60:02d}{size % 60:02d}"
        time = f"{local:%Y%m%d%H%M%S}"
        lines.append(row.format(time=time, offset=offset, ref=reference))
    landing.put("tap", "roaming.csv", "\n".join(lines).encode())
    night = Night(night.settings.model_copy(update={"bad_rows_limit": 0.5}))
    land(night, DAY)
    build(night, DAY)
    ids = {digest_id(f"tap|GB01|{reference}"): reference for reference in told}
    rows = night.lake.scan(LANDED_USAGE, [DAY]).filter(pl.col("source") == "tap").collect()
    found = {ids[record]: day for record, day in rows.select("record_id", "event_day").iter_rows()}
    assert found == {
        name: DAY if instant < midnight else DAY + timedelta(days=1)
        for name, (instant, _) in told.items()
        if name != "beyond the skew"
    }
    assert night.lake.scan(USAGE_QUARANTINE, [DAY]).collect()["reason"].to_list() == ["in_future"]
    held = night.lake.scan(USAGE, [DAY]).filter(pl.col("source") == "tap").collect()
    assert set(held["event_at"]) == {midnight - timedelta(seconds=1)}
    assert set(held["utc_offset_min"]) == {0, 660, -210}
