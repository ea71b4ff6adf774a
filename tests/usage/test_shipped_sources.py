"""Every shipped source on sample rows: what a line of it means in the lake."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mingdan.reference.numbers import digest_id
from mingdan.usage.lines import split_block
from mingdan.usage.records import Window, read_records
from mingdan.usage.specs import shipped
from mingdan.usage.text import read_blocks
from tests.usage.feeds import (
    DAY,
    LIMITS,
    at,
    ggsn_file,
    ggsn_line,
    msc_file,
    msc_line,
    smsc_file,
    smsc_line,
)


def read(
    tmp_path: Path, name: str, content: bytes, day: date = DAY
) -> tuple[list[dict[str, Any]], pl.DataFrame]:
    """The records of a file and what was set aside."""
    source = shipped()[name]
    path = tmp_path / "file"
    path.write_bytes(content)
    (block,) = read_blocks(path, source, LIMITS)
    window = Window.of(day, 7, source)
    records, quarantine = read_records(split_block(block, source), source, window, "file")
    return records.to_dicts(), quarantine


def test_smsc(tmp_path: Path) -> None:
    lines = [
        smsc_line(1, time=at(DAY, 0, 30)),
        smsc_line(2, kind="被叫接收", other="10690001234", imsi="", imei="", fee=""),
    ]
    (out, received), aside = read(tmp_path, "smsc", smsc_file(lines))
    assert not aside.height
    assert out == {
        "record_key": "1",
        "event_day": DAY,
        "source": "smsc",
        "usage_type": "sms",
        "direction": "out",
        "served_msisdn": 8613800138000,
        "served_imsi": 460001234567890,
        "served_imei": 861234567890123,
        "other_party": 8613900139000,
        "other_kind": "mobile",
        "event_at": datetime(2026, 10, 31, 16, 30),  # noqa: DTZ001
        "utc_offset_min": 480,
        "duration_s": None,
        "bytes": None,
        "charge_fen": 10,
        "cell": 1234567,
        "area": 755,
        "message_ref": 7,
        "text_digest": None,
        "self_held": False,
        "source_file": "file",
        "source_line": 2,
    }
    assert received["direction"] == "in"
    assert (received["other_party"], received["other_kind"]) == (10690001234, "service")
    assert received["served_imsi"] is received["charge_fen"] is None


def test_msc(tmp_path: Path) -> None:
    lines = [msc_line("a-1"), msc_line("a-2", kind="2", other="", seconds="0")]
    (out, received), aside = read(tmp_path, "msc", msc_file(lines))
    assert not aside.height
    assert (out["usage_type"], out["direction"], out["duration_s"]) == ("voice", "out", 61)
    assert (out["served_msisdn"], out["other_party"]) == (8613800138000, 8613900139000)
    # a withheld calling number is no fault of the called
    assert (received["direction"], received["other_party"]) == ("in", None)
    assert received["other_kind"] is None


def test_ggsn(tmp_path: Path) -> None:
    lines = [ggsn_line(1), ggsn_line(2, start="2026-10-31T22:00:00-03:00")]
    (session, abroad), aside = read(tmp_path, "ggsn", ggsn_file(lines))
    assert not aside.height
    assert (session["usage_type"], session["direction"]) == ("data", "out")
    assert (session["bytes"], session["duration_s"], session["charge_fen"]) == (100, 600, 5)
    assert session["other_party"] is session["other_kind"] is None
    assert session["event_at"] == datetime(2026, 11, 1)  # noqa: DTZ001
    assert session["source_line"] == 1
    assert (abroad["event_day"], abroad["utc_offset_min"]) == (DAY, -180)


def test_sichuan_shares_one_space_of_ids(tmp_path: Path) -> None:
    one, two = "a" * 128, "b" * 128
    voice = (
        "phone_no_m,opposite_no_m,calltype_id,start_datetime,call_dur,city_name,county_name,imei_m\n"
        f"{one},{two},1,2020-03-01 10:00:00,30,成都,武侯,{'c' * 32}\n"
        f"{one},{two},3,2020-03-01 10:00:00,30,成都,武侯,\n"
    )
    (call,), aside = read(tmp_path, "sichuan_voice", voice.encode(), date(2020, 3, 1))
    assert aside["reason"].to_list() == ["unknown_code"]
    assert call["self_held"] is True
    assert (call["direction"], call["duration_s"], call["other_kind"]) == ("out", 30, "opaque")
    assert call["served_imei"] == digest_id("sichuan:imei:" + "c" * 32)
    header = "phone_no_m,opposite_no_m,calltype_id,request_datetime"
    sms = f"{header}\n{two},{one},2,2020-03-01 10:01:00\n"
    (message,), _ = read(tmp_path, "sichuan_sms", sms.encode(), date(2020, 3, 1))
    assert message["direction"] == "in"
    assert message["served_msisdn"] == call["other_party"] == digest_id(f"sichuan:{two}")
    assert message["other_party"] == call["served_msisdn"] > 0


def test_collegemsg_from_both_ends(tmp_path: Path) -> None:
    line = b"1 2 1082040961\n"
    day = date(2004, 4, 15)
    (sent,), _ = read(tmp_path, "collegemsg", line, day)
    (received,), _ = read(tmp_path, "collegemsg_received", line, day)
    assert sent["event_at"] == received["event_at"] == datetime(2004, 4, 15, 14, 56, 1)  # noqa: DTZ001
    assert sent["utc_offset_min"] == -420
    assert (sent["direction"], received["direction"]) == ("out", "in")
    assert sent["served_msisdn"] == received["other_party"] == digest_id("collegemsg:1")
    assert sent["other_party"] == received["served_msisdn"] == digest_id("collegemsg:2")
    assert sent["record_key"] == "1 2 1082040961"


@pytest.mark.parametrize("time", ["2010.11.02 09:30:00", "2010.11.02 09:30", "2010-11-02 09:30:00"])
def test_nus_sms_in_the_forms_phones_wrote(tmp_path: Path, time: str) -> None:
    content = f"id,sender,recipient,time\n17,51ab,99cd,{time}\n".encode()
    (sent,), aside = read(tmp_path, "nus_sms", content, date(2010, 11, 2))
    assert not aside.height
    assert sent["event_at"] == datetime(2010, 11, 2, 1, 30)  # noqa: DTZ001
    assert sent["record_key"] == "17"
    assert sent["served_msisdn"] == digest_id("nus_sms:51ab")


def test_tap(tmp_path: Path) -> None:
    header = ",".join(shipped()["tap"].file.names)
    lines = [
        "460001234567890,,8613800138000,MOC,20261101120000,+0900,65,0081312345678,,250,SMSC1,1",
        "460001234567890,,8613800138000,MTC,20261101120500,-0330,5,,8613900139000,0,SMSC1,2",
        "460001234567890,,8613800138000,MOSMS,20261101121000,+0900,,13900139000,,40,SMSC2,1",
        "460001234567890,,8613800138000,GPRS,20261101121000,+0900,30,,,40,SMSC2,2",
        "460001234567890,,8613800138000,MOC,20261101121000,0900,5,13900139000,,40,SMSC2,3",
    ]
    content = "\r\n".join([header, *lines, ""]).encode()
    (called, calling, message, session), aside = read(tmp_path, "tap", content)
    assert aside.select("reason", "field").rows() == [("bad_time", "callEventStartTimeStamp")]
    assert called["event_at"] == datetime(2026, 11, 1, 3)  # noqa: DTZ001
    assert (called["other_party"], called["other_kind"]) == (81312345678, "international")
    assert (called["record_key"], calling["record_key"]) == ("SMSC1|1", "SMSC1|2")
    assert (calling["direction"], calling["other_party"]) == ("in", 8613900139000)
    assert calling["utc_offset_min"] == -210
    assert (message["usage_type"], message["duration_s"]) == ("sms", None)
    assert (session["usage_type"], session["other_party"]) == ("data", None)
