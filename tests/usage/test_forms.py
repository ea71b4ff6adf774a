"""The forms a file may be delivered in: packed, Parquet, fixed width, columns by name.

Whatever the form, the same records land, and what is wrong in one row is that row's.
"""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mingdan.errors import InputRefused
from mingdan.night import Night
from mingdan.settings import Settings
from mingdan.usage.intake import land
from mingdan.usage.specs import load_source
from mingdan.usage.tables import LANDED_USAGE, USAGE_FILES, USAGE_QUARANTINE
from tests.usage.feeds import DAY, Landing, at

ROWS = [
    ("a1", "1", "13800138000", "13900139000", at(DAY, 9), 61, "小区一"),
    ("a2", "2", "13800138001", "10086", at(DAY, 10), 0, "小区二"),
    ("a3", "1", "13800138002", "+86 139-0013-9001", at(DAY - timedelta(days=1), 23, 59, 59), 5, ""),
]
NAMES = ("id", "kind", "served", "other", "begin", "seconds", "place")
WIDTHS = (4, 1, 13, 20, 14, 6, 9)
SPEC = """
name = "mine"
title = "Mine"
usage_type = "voice"

[file]
pattern = "*"
names = ["id", "kind", "served", "other", "begin", "seconds", "place"]
{form}

[time]
column = "begin"
format = "YYYYMMDDhhmmss"
zone = "Asia/Shanghai"

[columns]
record_id = "id"
direction = "kind"
served_msisdn = "served"
other_party = "other"
duration_s = "seconds"

[codes.direction]
1 = "out"
2 = "in"
"""
LINES = 'encoding = "{encoding}"\ndelimiter = ","\nheader = true\ncompression = "{packing}"\n'
FIXED = f'format = "fixed_width"\nencoding = "gb18030"\nwidths = {list(WIDTHS)}\n'
PARQUET = 'format = "parquet"\n'
KEPT = (
    "record_id", "usage_type", "direction", "served_msisdn", "other_party", "other_kind",
    "event_at", "utc_offset_min", "duration_s", "event_day",
)  # fmt: skip


def fields(row: tuple[object, ...]) -> list[str]:
    return [f"{value:%Y%m%d%H%M%S}" if isinstance(value, datetime) else str(value) for value in row]


def delimited(names: tuple[str, ...] = NAMES) -> str:
    rows = [dict(zip(NAMES, fields(row), strict=True)) for row in ROWS]
    return "\n".join([",".join(names), *(",".join(row[name] for name in names) for row in rows)])


def fixed(rows: list[tuple[object, ...]] = ROWS) -> bytes:
    lines = []
    for row in rows:
        cells = [value.encode("gb18030") for value in fields(row)]
        lines.append(b"".join(c.ljust(width) for c, width in zip(cells, WIDTHS, strict=True)))
    return b"\n".join(lines)


def parquet(path: Path, *, change: pl.Expr | None = None) -> bytes:
    frame = pl.DataFrame(ROWS, schema=list(NAMES), orient="row")
    (frame if change is None else frame.with_columns(change)).write_parquet(path)
    return path.read_bytes()


def night_of(settings: Settings, form: str, **changes: object) -> Night:
    folder = settings.data.parent / "sources"
    folder.mkdir(exist_ok=True)
    (folder / "mine.toml").write_text(SPEC.format(form=form), encoding="utf-8")
    return Night(settings.model_copy(update={"sources": folder, **changes}))


def landed(night: Night) -> pl.DataFrame:
    land(night, DAY)
    return night.lake.scan(LANDED_USAGE, [DAY]).select(KEPT).sort("record_id").collect()


@pytest.fixture
def expected(tmp_path: Path) -> pl.DataFrame:
    """The records as plain lines give them."""
    settings = Settings(data=tmp_path / "plain" / "data", required_sources=[])
    settings.data.parent.mkdir()
    Landing(settings).put("mine", "plain.csv", delimited().encode())
    frame = landed(night_of(settings, LINES.format(encoding="utf-8", packing="none")))
    assert frame["other_party"].sort().to_list() == [10086, 8613900139000, 8613900139001]
    return frame


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_packed_lines(
    settings: Settings, landing: Landing, expected: pl.DataFrame, packing: str, encoding: str
) -> None:
    text = delimited().encode(encoding)
    pack = gzip.compress if packing == "gzip" else pa.Codec("zstd").compress
    first, second = pack(text[:60]), pack(text[60:])
    # members or frames one after another are one file
    landing.put("mine", "packed", bytes(first) + bytes(second))
    assert landed(
        night_of(settings, LINES.format(encoding=encoding, packing=packing))
    ).equals(expected)  # fmt: skip


def test_columns_by_name_in_whatever_order(
    settings: Settings, landing: Landing, expected: pl.DataFrame
) -> None:
    form = LINES.format(encoding="utf-8", packing="none")
    landing.put("mine", "a.csv", delimited(NAMES[::-1]).encode())
    with pytest.raises(InputRefused, match="same names in another order"):
        land(night_of(settings, form), DAY)
    night = night_of(settings, form + "any_order = true")
    assert landed(night).equals(expected)
    landing.put("mine", "b.csv", delimited().replace("served", "owner").encode())
    with pytest.raises(InputRefused, match="the header changed: missing served; unexpected owner"):
        land(night, DAY)


def test_lines_of_a_fixed_width(
    settings: Settings, landing: Landing, expected: pl.DataFrame
) -> None:
    landing.put("mine", "a.dat", fixed())
    assert landed(night_of(settings, FIXED)).equals(expected)


def test_faults_of_fixed_width_lines(settings: Settings, landing: Landing) -> None:
    good, chinese = fixed(ROWS[2:]), fixed(ROWS[:1])
    split = chinese.replace("小区一".encode("gb18030"), b"\xd0\xd0\xa1\xc7\xf8\xd0\xa1 ")
    bad = {
        good[:-1]: "too_few_fields",
        good + b" ": "too_many_fields",
        chinese[:-1]: "too_few_fields",
        chinese + b" ": "too_many_fields",
        good.replace(b"20261031", b"20261331"): "bad_time",
        split[:60] + b"\xff" + split[61:67]: "undecodable",
    }
    landing.put("mine", "a.dat", b"\n".join([good, chinese, *bad]))
    night = night_of(settings, FIXED, bad_rows_limit=0.9)
    assert land(night, DAY).facts["rows_landed"] == 2
    aside = night.lake.scan(USAGE_QUARANTINE, [DAY]).sort("line").collect()
    assert dict(zip(aside["raw"], aside["reason"], strict=True)) == bad
    assert aside["line"].to_list() == [3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("typed", [True, False])
def test_parquet_of_values_or_of_texts(
    settings: Settings, landing: Landing, expected: pl.DataFrame, tmp_path: Path, typed: bool
) -> None:
    change = None if typed else pl.col("begin").dt.to_string("%Y%m%d%H%M%S")
    content = parquet(tmp_path / "x", change=change)
    landing.put("mine", "a.parquet", content)
    assert landed(night_of(settings, PARQUET)).equals(expected)


def test_a_parquet_instant_with_a_zone_carries_its_offset(
    settings: Settings, landing: Landing, tmp_path: Path
) -> None:
    change = pl.col("begin").dt.replace_time_zone("Europe/London")
    landing.put("mine", "a.parquet", parquet(tmp_path / "x", change=change))
    night = night_of(settings, PARQUET, bad_rows_limit=1)
    land(night, DAY)
    assert (
        night.lake.scan(USAGE_QUARANTINE, [DAY]).collect()["reason"].to_list() == ["bad_time"] * 3
    )
    spec = night.settings.sources / "mine.toml"  # type: ignore[operator]
    spec.write_text(spec.read_text().replace('"YYYYMMDDhhmmss"', '"ISO8601"'))
    rows = landed(night)
    assert set(rows["utc_offset_min"]) == {0}
    assert datetime(2026, 11, 1, 9, tzinfo=UTC).replace(tzinfo=None) in rows["event_at"].to_list()


def test_a_parquet_row_gone_wrong_is_kept_as_json(
    settings: Settings, landing: Landing, tmp_path: Path
) -> None:
    change = pl.Series("seconds", [61, -1, 2**40])
    nul = pl.Series("id", ["a\0b", "a2", "a3"])
    frame = pl.DataFrame(ROWS, schema=list(NAMES), orient="row").with_columns(change, nul)
    frame.write_parquet(tmp_path / "x")
    landing.put("mine", "a.parquet", (tmp_path / "x").read_bytes())
    night = night_of(settings, PARQUET, bad_rows_limit=1)
    assert land(night, DAY).facts["rows_received"] == 3
    aside = night.lake.scan(USAGE_QUARANTINE, [DAY]).sort("line").collect()
    assert aside["reason"].to_list() == ["undecodable", "negative_value", "too_large"]
    assert aside["line"].to_list() == [1, 2, 3]
    second = json.loads(aside["raw"][1])
    assert (second["id"], second["seconds"], second["place"]) == ("a2", -1, "小区二")


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


def test_parquet_that_is_none_or_not_as_declared_is_refused(
    settings: Settings, landing: Landing, tmp_path: Path
) -> None:
    good = parquet(tmp_path / "x")
    footer = len(good) - 8 - int.from_bytes(good[-8:-4], "little")
    renamed = pl.read_parquet(tmp_path / "x").rename({"served": "owner"})
    renamed.write_parquet(tmp_path / "y")
    nested = pl.read_parquet(tmp_path / "x").with_columns(id=pl.concat_list("id"))
    nested.write_parquet(tmp_path / "z")
    checked = tmp_path / "checked"
    pq.write_table(pq.read_table(tmp_path / "x"), checked, write_page_checksum=True)
    faults = {
        "corrupt Parquet": good[:-4] + b"XXXX",
        "corrupt Parquet:": good[: footer + 1] + b"\xff" * 40 + good[footer + 41 :],
        "corrupt Parquet: ": flipped(checked.read_bytes(), 60),
        "corrupt": good[: len(good) // 2],
        "Parquet": b"",
        "the columns changed: missing served; unexpected owner": (tmp_path / "y").read_bytes(),
        "id: a list or structure": (tmp_path / "z").read_bytes(),
    }
    night = night_of(settings, PARQUET)
    for words, content in faults.items():
        landing.put("mine", "a.parquet", content)
        with pytest.raises(InputRefused, match=words):
            land(night, DAY)
        assert not night.lake.exists(LANDED_USAGE)
        assert not night.lake.exists(USAGE_FILES)


def test_zstd_gone_wrong_is_refused(settings: Settings, landing: Landing) -> None:
    good = bytes(pa.Codec("zstd").compress(delimited().encode()))
    night = night_of(settings, LINES.format(encoding="utf-8", packing="zstd"))
    for words, content in {
        "truncated zstd": good[:-5],
        "truncated zstd: ": good[:3],
        "corrupt zstd": b"x" * 100,
        "corrupt zstd: ": good + b"garbage",
        "empty file": b"",
    }.items():
        landing.put("mine", "a.zst", content)
        with pytest.raises(InputRefused, match=words):
            land(night, DAY)
        assert not night.lake.exists(LANDED_USAGE)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (PARQUET + 'delimiter = ","', ""),
        (PARQUET + 'delimiter = ";"', "format parquet has no delimiter"),
        (FIXED.replace("widths", "# widths"), "format fixed_width: widths missing"),
        (FIXED.replace("[4, 1, ", "[5, "), "6 widths for 7 names"),
        (FIXED + "header = true", "format fixed_width has no header"),
        (LINES.format(encoding="utf-8", packing="lz4"), "'gzip' or 'zstd'"),
        (
            'encoding = "utf-8"\ndelimiter = ","\nheader = false\nany_order = true',
            "any_order needs header = true",
        ),
    ],
)
def test_a_form_says_what_it_needs(tmp_path: Path, form: str, words: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SPEC.format(form=form), encoding="utf-8")
    if not words:
        assert load_source(path).file.format == "parquet"
        return
    with pytest.raises(InputRefused, match=words):
        load_source(path)
