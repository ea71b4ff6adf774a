"""Landing a day: what is loaded, counted, set aside, recognised and carried on."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mingdan.calendar import day_start, naive_utc
from mingdan.errors import InputRefused, MissingInput, WrongUsage
from mingdan.lake import Lake
from mingdan.night import Night
from mingdan.reference.numbers import digest_id
from mingdan.settings import Settings
from mingdan.tables import Table
from mingdan.usage.days import build, reopened
from mingdan.usage.delivery import MARKER
from mingdan.usage.intake import land
from mingdan.usage.tables import LANDED_USAGE, USAGE, USAGE_FILES, USAGE_QUARANTINE
from tests.usage.feeds import DAY, Landing, at, msc_line, smsc_file, smsc_line, tree

NEXT = DAY + timedelta(days=1)


def rows(lake: Lake, table: Table, day: date = DAY) -> pl.DataFrame:
    return lake.scan(table, [day]).sort(table.sort).collect()


def ledger(lake: Lake, day: date = DAY) -> dict[str, dict[str, object]]:
    """The ledger's rows by bare file name."""
    found = rows(lake, USAGE_FILES, day).iter_rows(named=True)
    return {str(row["file"]).rsplit("/", 1)[1]: row for row in found}


def test_a_record_lands_with_its_file_line_and_id(night: Night, landing: Landing) -> None:
    landing.smsc([smsc_line("77", time=at(DAY, 9))])
    report = land(night, DAY)
    (record,) = rows(night.lake, LANDED_USAGE).to_dicts()
    assert record["record_id"] == digest_id("smsc|77")
    assert record["source_file"] == f"usage/smsc/{DAY}/sms_20261101_01.csv.gz"
    assert record["source_line"] == 2
    assert record["event_at"] == datetime(2026, 11, 1, 1)  # noqa: DTZ001
    assert report.facts == {
        "files": 1,
        "files_loaded": 1,
        "files_already_loaded": 0,
        "files_refused": 0,
        "rows_received": 1,
        "rows_landed": 1,
        "rows_quarantined": 0,
        "rows_duplicate": 0,
        "rows_late": 0,
    }
    assert [partition.table for partition in report.partitions] == [
        "landed_usage",
        "usage_quarantine",
        "usage_files",
    ]


def test_bad_rows_are_set_aside_with_their_bytes(night: Night, landing: Landing) -> None:
    good = [smsc_line(n) for n in range(40)]
    bad = {
        smsc_line("b1", time="20261131120000"): ("bad_time", "时间"),
        smsc_line("b2", kind="转发"): ("unknown_code", "类型"),
        smsc_line("b3", served="１３８００x"): ("bad_number", "用户号码"),
    }
    landing.smsc([*good, *bad])
    land(night, DAY)
    aside = rows(night.lake, USAGE_QUARANTINE)
    assert aside["line"].to_list() == [42, 43, 44]
    assert dict(zip(aside["raw"], aside.select("reason", "field").rows(), strict=True)) == {
        line.encode("gb18030"): reason for line, reason in bad.items()
    }
    (entry,) = ledger(night.lake).values()
    assert (entry["rows_received"], entry["rows_landed"], entry["rows_quarantined"]) == (43, 40, 3)


def test_a_record_delivered_twice_in_a_day_lands_once(night: Night, landing: Landing) -> None:
    landing.smsc([smsc_line("a"), smsc_line("b"), smsc_line("a")])
    landing.smsc([smsc_line("b", cell="9"), smsc_line("c")], number=2)
    land(night, DAY)
    landed = rows(night.lake, LANDED_USAGE)
    assert sorted(landed["record_id"]) == sorted(digest_id(f"smsc|{name}") for name in "abc")
    # the first copy in the order of files and lines stands
    assert landed.filter(pl.col("cell") == 9).is_empty()
    files = ledger(night.lake)
    assert [row["rows_duplicate"] for row in files.values()] == [1, 1]


def test_a_row_without_id_is_known_by_its_digest(night: Night, landing: Landing) -> None:
    moment = int(naive_utc(day_start(DAY)).timestamp()) + 3600
    lines = f"1 2 {moment}\n1 3 {moment}\n1 2 {moment}\n".encode()
    landing.put("collegemsg", "messages.txt", lines)
    land(night, DAY)
    assert rows(night.lake, LANDED_USAGE).height == 2
    assert ledger(night.lake)["messages.txt"]["rows_duplicate"] == 1


def test_the_same_content_under_two_names_is_loaded_once(night: Night, landing: Landing) -> None:
    lines = [smsc_line(n) for n in range(5)]
    landing.smsc(lines)
    landing.smsc(lines, number=2)
    land(night, DAY)
    files = ledger(night.lake)
    assert files["sms_20261101_01.csv.gz"]["status"] == "loaded"
    again = files["sms_20261101_02.csv.gz"]
    assert (again["status"], again["rows_received"]) == ("already_loaded", 0)
    assert "sms_20261101_01.csv.gz" in str(again["problem"])
    assert rows(night.lake, LANDED_USAGE).height == 5


def test_a_file_delivered_again_days_later_is_recognised(night: Night, landing: Landing) -> None:
    lines = [smsc_line(n) for n in range(5)]
    landing.smsc(lines)
    land(night, DAY)
    for days in (1, 7, 8):
        later = DAY + timedelta(days=days)
        landing.smsc(lines, day=later)
    land(night, DAY + timedelta(days=1))
    land(night, DAY + timedelta(days=7))
    statuses = [
        next(iter(ledger(night.lake, DAY + timedelta(days=days)).values()))["status"]
        for days in (1, 7)
    ]
    assert statuses == ["already_loaded", "already_loaded"]
    # beyond the late window all its rows are too late, and the file says so
    with pytest.raises(InputRefused, match="5 too_late"):
        land(night, DAY + timedelta(days=8))


def test_landing_again_changes_nothing(night: Night, landing: Landing) -> None:
    landing.smsc([smsc_line(n) for n in range(30)] + ["broken"])
    landing.msc([msc_line(n) for n in range(30)])
    first = land(night, DAY)
    before = tree(night.lake.root)
    second = land(night, DAY)
    assert second == first
    assert tree(night.lake.root) == before


def test_a_fresh_installation_lands_the_same_bytes(
    night: Night, landing: Landing, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    landing.all_three()
    first = land(night, DAY)
    other = settings.model_copy(update={"data": tmp_path_factory.mktemp("other")})
    Landing(other).all_three()
    second = land(Night(other), DAY)
    assert [part.digest for part in first.partitions] == [part.digest for part in second.partitions]


def test_late_future_and_ancient_records(night: Night, landing: Landing) -> None:
    good = [smsc_line(f"g{n}") for n in range(40)]
    edges = {
        "first": smsc_line("first", time=at(DAY - timedelta(days=7), 0)),
        "older": smsc_line("older", time=at(DAY - timedelta(days=8), 23, 59, 59)),
        "last": smsc_line("last", time=at(DAY, 23, 59, 59)),
        "skewed": smsc_line("skewed", time=at(NEXT, 0, 4, 59)),
        "ahead": smsc_line("ahead", time=at(NEXT, 0, 5, 0)),
        "1970": smsc_line("1970", time="19700101000000"),
        "2070": smsc_line("2070", time="20700101000000"),
    }
    landing.smsc([*good, *edges.values()])
    land(night, DAY)
    landed = set(rows(night.lake, LANDED_USAGE)["record_id"])
    expected = ("first", "last", "skewed")
    assert {name for name in edges if digest_id(f"smsc|{name}") in landed} == set(expected)
    aside = rows(night.lake, USAGE_QUARANTINE)
    assert aside["reason"].to_list() == ["too_late", "in_future", "too_late", "in_future"]
    (entry,) = ledger(night.lake).values()
    assert entry["rows_late"] == 1
    assert entry["event_days"] == f"{DAY - timedelta(days=7)},{DAY},{NEXT}"


def test_a_required_source_without_a_file_is_missing(settings: Settings, landing: Landing) -> None:
    required = settings.model_copy(update={"required_sources": None})
    landing.smsc([smsc_line(1)])
    landing.put("ggsn", "readme.txt", b"no usage")
    night = Night(required)
    with pytest.raises(MissingInput) as missing:
        land(night, DAY)
    folder = settings.landing / "usage" / "msc" / DAY.isoformat()
    assert f"msc: no file voc_*.csv in {folder}" in str(missing.value)
    assert "ggsn: no file gprs_*.txt.gz" in str(missing.value)
    assert "smsc:" not in str(missing.value)
    assert not night.lake.exists(LANDED_USAGE)


def test_a_required_source_nobody_knows_is_wrong_usage(settings: Settings) -> None:
    wrong = settings.model_copy(update={"required_sources": ["smcs"]})
    with pytest.raises(WrongUsage, match=r"smcs.*known are collegemsg"):
        land(Night(wrong), DAY)


def test_a_folder_no_spec_describes_is_refused(night: Night, landing: Landing) -> None:
    landing.put("smcs", "sms_20261101_01.csv.gz", smsc_file([smsc_line(1)]))
    with pytest.raises(InputRefused, match="no source spec named 'smcs'"):
        land(night, DAY)


def test_a_file_of_another_name_is_not_read_but_shown(night: Night, landing: Landing) -> None:
    landing.smsc([smsc_line(1)])
    landing.put("smsc", "sms_20261101_01.csv.gz.md5", b"0123")
    landing.put("smsc", ".sms_20261101_02.csv.gz.part", b"on its way")
    land(night, DAY)
    files = ledger(night.lake)
    assert set(files) == {"sms_20261101_01.csv.gz", "sms_20261101_01.csv.gz.md5"}
    assert files["sms_20261101_01.csv.gz.md5"]["status"] == "refused"


def test_a_skipped_file_is_passed_over_and_named(night: Night, landing: Landing) -> None:
    landing.smsc([smsc_line(1)])
    bad = landing.put("smsc", "sms_20261101_02.csv.gz", b"")
    bad.with_name(bad.name + MARKER).write_text("empty file\n", encoding="utf-8")
    land(night, DAY)
    entry = ledger(night.lake)["sms_20261101_02.csv.gz"]
    assert entry["status"] == "refused"
    assert entry["problem"] == "skipped by a person: empty file"
    assert entry["rows_received"] == entry["rows_landed"] == 0


def test_one_source_can_be_landed_again_alone(night: Night, landing: Landing) -> None:
    landing.all_three()
    land(night, DAY)
    whole = {table.name: rows(night.lake, table) for table in (LANDED_USAGE, USAGE_FILES)}
    # another source's folder is not even looked at
    landing.put("msc", "voc_20261101_02.csv", b"")
    landing.smsc(
        [smsc_line("new", time=at(DAY, 5)), "broken", *map(smsc_line, range(20))], number=2
    )
    land(night, DAY, only="smsc")
    landed = rows(night.lake, LANDED_USAGE)
    assert landed.height == whole["landed_usage"].height + 21
    others = pl.col("source") != "smsc"
    assert landed.filter(others).equals(whole["landed_usage"].filter(others))
    files = rows(night.lake, USAGE_FILES)
    assert files.filter(others).equals(whole["usage_files"].filter(others))
    assert rows(night.lake, USAGE_QUARANTINE).height == 1


def test_one_unknown_source_is_wrong_usage(night: Night) -> None:
    with pytest.raises(WrongUsage, match="no source 'voice'"):
        land(night, DAY, only="voice")


def test_a_file_taken_out_gives_its_event_days_back(night: Night, landing: Landing) -> None:
    """Redoing a day without a file must not leave its late records behind."""
    before = DAY - timedelta(days=2)
    landing.smsc([smsc_line("own")])
    late = landing.smsc([smsc_line("late", time=at(before, 8))], number=2)
    land(night, DAY)
    build(night, DAY)
    assert rows(night.lake, USAGE, before).height == 1
    late.unlink()
    land(night, DAY)
    assert reopened(night, DAY) == [before, DAY]
    build(night, DAY)
    assert rows(night.lake, USAGE, before).height == 0
    gone = ledger(night.lake)[late.name]
    assert (gone["status"], gone["rows_landed"]) == ("refused", 0)
    state = tree(night.lake.root)
    land(night, DAY)
    assert tree(night.lake.root) == state


def test_a_file_sent_again_corrected_gives_its_event_days_back(
    night: Night, landing: Landing
) -> None:
    before = DAY - timedelta(days=2)
    landing.smsc([smsc_line("a"), smsc_line("wrong", time=at(before, 8))])
    land(night, DAY)
    build(night, DAY)
    landing.smsc([smsc_line("a"), smsc_line("wrong", time=at(DAY, 8))])
    land(night, DAY)
    assert reopened(night, DAY) == [before, DAY]
    build(night, DAY)
    assert rows(night.lake, USAGE, before).height == 0
    assert rows(night.lake, USAGE, DAY).height == 2


def test_one_source_that_delivered_nothing_is_missing(night: Night, landing: Landing) -> None:
    landing.smsc([smsc_line(1)])
    with pytest.raises(MissingInput, match=r"msc: no file voc_\*\.csv"):
        land(night, DAY, only="msc")


_fault = st.sampled_from(["good", "good", "good", "copy", "time", "code", "cut", "late", "ancient"])


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(_fault, min_size=1, max_size=12), min_size=1, max_size=3))
def test_every_line_received_is_landed_set_aside_or_a_copy(
    tmp_path_factory: pytest.TempPathFactory, plan: list[list[str]]
) -> None:
    settings = Settings(
        data=tmp_path_factory.mktemp("data"), required_sources=[], bad_rows_limit=1.0
    )
    landing = Landing(settings)
    seen: list[str] = []
    expected: dict[str, tuple[int, int, int, int]] = {}
    contents: set[str] = set()
    for number, faults in enumerate(plan, start=1):
        lines: list[str] = []
        landed = aside = late = 0
        for place, fault in enumerate(faults):
            serial = f"{number}-{place}"
            if fault == "copy" and seen:
                lines.append(smsc_line(seen[0]))
                continue
            match fault:
                case "time":
                    lines.append(smsc_line(serial, time="20261101"))
                case "code":
                    lines.append(smsc_line(serial, kind="回执"))
                case "cut":
                    lines.append(smsc_line(serial)[:40])
                case "ancient":
                    lines.append(smsc_line(serial, time=at(DAY - timedelta(days=9))))
                case "late":
                    lines.append(smsc_line(serial, time=at(DAY - timedelta(days=3))))
                    late += 1
                case _:
                    lines.append(smsc_line(serial))
            if fault in ("time", "code", "cut", "ancient"):
                aside += 1
            else:
                landed += 1
                seen.append(serial)
        landing.smsc(lines, number=number)
        key = "\n".join(lines)
        read = 0 if key in contents else len(lines)
        contents.add(key)
        aside = aside if read else 0
        expected[f"sms_20261101_{number:02d}.csv.gz"] = (read, landed, aside, late)
    night = Night(settings)
    land(night, DAY)
    found = {
        name: (row["rows_received"], row["rows_landed"], row["rows_quarantined"], row["rows_late"])
        for name, row in ledger(night.lake).items()
    }
    assert found == expected
    files = rows(night.lake, USAGE_FILES)
    assert (
        files["rows_received"]
        == files["rows_landed"] + files["rows_quarantined"] + files["rows_duplicate"]
    ).all()
    assert rows(night.lake, LANDED_USAGE).height == files["rows_landed"].sum() == len(seen)
    assert rows(night.lake, USAGE_QUARANTINE).height == files["rows_quarantined"].sum()


_record = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["主叫发送", "被叫接收"]),
        "served": st.integers(13 * 10**9, 2 * 10**10 - 1),
        "imsi": st.integers(46 * 10**13, 47 * 10**13 - 1),
        "imei": st.integers(10**14, 10**15 - 1),
        "other": st.integers(13 * 10**9, 2 * 10**10 - 1),
        "second": st.integers(0, 86_399),
        "cell": st.integers(0, 2**40),
        "area": st.integers(0, 9999),
        "fee": st.integers(0, 10**6),
        "reference": st.integers(0, 2**31),
    }
)


@hypothesis_settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(_record, min_size=1, max_size=15))
def test_what_a_source_wrote_is_what_the_lake_holds(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, object]]
) -> None:
    settings = Settings(data=tmp_path_factory.mktemp("data"), required_sources=[])
    lines = []
    expected = set()
    for serial, record in enumerate(records):
        plain = {name: str(record[name]) for name in record if name not in ("second", "kind")}
        moment = at(DAY, 0) + timedelta(seconds=int(str(record["second"])))
        kind = str(record["kind"])
        lines.append(smsc_line(serial, kind=kind, time=moment, **plain))
        expected.add(
            (
                digest_id(f"smsc|{serial}"),
                "out" if kind == "主叫发送" else "in",
                86 * 10**11 + int(plain["served"]),
                int(plain["imsi"]),
                int(plain["imei"]),
                86 * 10**11 + int(plain["other"]),
                moment - timedelta(hours=8),
                int(plain["cell"]),
                int(plain["area"]),
                int(plain["fee"]),
                int(plain["reference"]),
            )
        )
    Landing(settings).smsc(lines)
    night = Night(settings)
    land(night, DAY)
    build(night, DAY)
    names = (
        "record_id", "direction", "served_msisdn", "served_imsi", "served_imei", "other_party",
        "event_at", "cell", "area", "charge_fen", "message_ref",
    )  # fmt: skip
    for table in (LANDED_USAGE, USAGE):
        assert set(rows(night.lake, table).select(names).rows()) == expected
