"""The three formats of usage files, as bytes.

Here: columns, number forms, times, encodings of each source. Not here: which
records a file holds (`landing.py`). The formats are written down a second time
beside the product's source specs, as a real source would not share its code.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
import polars as pl

from mingdan.simulator.identities import COUNTRY
from mingdan.simulator.records import Legs
from mingdan.simulator.roster import Ints
from mingdan.simulator.spec import DAY

SOURCES = ("smsc", "msc", "ggsn")
FILE_NAMES = {
    "smsc": "sms_{}_{:02d}.csv.gz",
    "msc": "voc_{}_{:02d}.csv",
    "ggsn": "gprs_{}_{:02d}.txt.gz",
}
_HEADERS = {
    "smsc": "流水号,类型,用户号码,IMSI,IMEI,对端号码,时间,小区,区号,费用分,消息参考号",
    "msc": "record_id,calltype_id,served_msisdn,served_imsi,served_imei,opposite_no,"
    "start_datetime,call_dur,cell,area_code,fee_fen",
    "ggsn": "",
}
_LOCAL = 8 * 3_600
_GZIP_LEVEL = 4

Piece = pl.DataFrame | list[bytes]
"""Good rows, or broken lines as they are."""


def encoding(source: str) -> str:
    """The encoding a source declares."""
    return "gb18030" if source == "smsc" else "utf-8"


def delimiter(source: str) -> str:
    return "|" if source == "ggsn" else ","


def frame(source: str, serial: Ints, legs: Legs, start: int) -> pl.DataFrame:
    """Records of the day beginning at `start` in the source's columns."""
    return _FRAMES[source](serial, legs, start)


def text(rows: pl.DataFrame, source: str) -> str:
    """Rows as lines of the source's file."""
    return rows.write_csv(include_header=False, separator=delimiter(source), quote_style="never")


def content(source: str, pieces: Sequence[Piece]) -> bytes:
    """A whole file: mark or header, then the pieces, packed if the source packs."""
    if source == "ggsn":
        parts = [b"\xef\xbb\xbf"]
    else:
        parts = [f"{_HEADERS[source]}\n".encode(encoding(source))]
    for piece in pieces:
        if isinstance(piece, list):
            parts += [line + b"\n" for line in piece]
        else:
            parts.append(text(piece, source).encode(encoding(source)))
    data = b"".join(parts)
    if source == "msc":
        return data
    return gzip.compress(data, _GZIP_LEVEL, mtime=0)


def _smsc(serial: Ints, legs: Legs, start: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "流水号": serial,
            "类型": np.where(legs.outgoing == 1, "主叫发送", "被叫接收"),
            "用户号码": _national(legs.number),
            "IMSI": legs.imsi,
            "IMEI": legs.imei,
            "对端号码": _dialled(legs.other, national=True),
            "时间": _clock(legs.at, start),
            "小区": legs.cell,
            "区号": _area(legs.cell),
            "费用分": legs.fen,
            "消息参考号": legs.reference,
        }
    ).with_columns(_blank("IMSI"), _blank("IMEI"))


def _msc(serial: Ints, legs: Legs, _start: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "record_id": serial,
            "calltype_id": np.where(legs.outgoing == 1, 1, 2),
            "served_msisdn": legs.number,
            "served_imsi": legs.imsi,
            "served_imei": legs.imei,
            "opposite_no": _dialled(legs.other, national=False),
            "start_datetime": _local(legs.at).dt.strftime("%Y-%m-%d %H:%M:%S"),
            "call_dur": legs.seconds,
            "cell": legs.cell,
            "area_code": _area(legs.cell),
            "fee_fen": legs.fen,
        }
    ).with_columns(
        pl.concat_str(pl.lit("V"), "record_id").alias("record_id"),
        _blank("served_imsi"),
        _blank("served_imei"),
    )


def _ggsn(serial: Ints, legs: Legs, _start: int) -> pl.DataFrame:
    up = legs.octets // 9
    return pl.DataFrame(
        {
            "id": serial,
            "imsi": legs.imsi,
            "msisdn": legs.number,
            "imei": legs.imei,
            "start": _local(legs.at).dt.strftime("%Y-%m-%dT%H:%M:%S+08:00"),
            "duration_s": legs.seconds,
            "up_bytes": up,
            "down_bytes": legs.octets - up,
            "cell": legs.cell,
            "fee_fen": legs.fen,
        }
    ).with_columns(_blank("imsi"), _blank("imei"))


def _blank(column: str) -> pl.Expr:
    return pl.when(pl.col(column) > 0).then(pl.col(column)).alias(column)


def _local(at: Ints) -> pl.Series:
    return pl.Series((at + _LOCAL) * 1_000_000).cast(pl.Datetime("us"))


def _clock(at: Ints, start: int) -> Ints:
    """`YYYYMMDDHHMMSS` as an integer; the day's events never leave it."""
    second = at - start
    stamp = date.fromordinal(date(1970, 1, 1).toordinal() + (start + _LOCAL) // DAY)
    clock = second // 3_600 * 10_000 + second // 60 % 60 * 100 + second % 60
    return int(stamp.strftime("%Y%m%d")) * 10**6 + clock


def _area(cell: Ints) -> pl.Series:
    """Area code of the cell's region, with the trunk prefix 0."""
    names = np.array(["0755", "020", "0769", "0752"])
    return pl.Series(names[np.clip((cell - 10_000) // 100_000, 0, 3)])


def _national(number: Ints) -> Ints:
    """Mobile and 13-digit numbers without country code; ports as they are."""
    thing = number >= 86 * 10**13
    mobile = (number >= COUNTRY + 10**10) & (number < COUNTRY + 2 * 10**10)
    return number - np.where(thing, 86 * 10**13, np.where(mobile, COUNTRY, 0))


def _dialled(number: Ints, *, national: bool) -> pl.Series:
    """Numbers as dialled: fixed ones with 0, foreign ones with 00, ports as they are."""
    mobile = (number >= COUNTRY + 10**10) & (number < COUNTRY + 2 * 10**10)
    thing = number >= 86 * 10**13
    short = (number < 10**6) | ((number >= 106 * 10**8) & (number < 107 * 10**8))
    fixed = ~mobile & ~thing & (number // 10**11 == 86) | (number // 10**10 == 862)
    abroad = ~(mobile | thing | short | fixed)
    digits = np.where(fixed, _strip_country(number), _national(number)) if national else number
    prefix = np.where(abroad, "00", np.where(fixed & national, "0", ""))
    return pl.select(
        pl.concat_str(pl.Series(prefix), pl.Series(digits).cast(pl.String))
    ).to_series()


def _strip_country(number: Ints) -> Ints:
    """Fixed numbers without 86: 12 digits of three-digit areas, 11 of two-digit ones."""
    return np.where(number >= 10**12, number - 86 * 10**11, number - 86 * 10**10)


_FRAMES: dict[str, Callable[[Ints, Legs, int], pl.DataFrame]] = {
    "smsc": _smsc,
    "msc": _msc,
    "ggsn": _ggsn,
}
