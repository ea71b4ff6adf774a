"""The synthetic day as its sources deliver it: gz files of a million lines at most.

Here: records as lines in the form of the shipped source specs; voice packed like the others.
Not here: what the records are (`world.py`).
"""

from __future__ import annotations

import gzip
from datetime import date
from importlib.resources import files
from pathlib import Path

import polars as pl

from benchmarks.scale.world import World

_LEVEL = 4
_LOCAL = pl.col("event_at") + pl.duration(hours=8)
_SMS = {
    "流水号": "record_id",
    "类型": pl.col("direction").replace_strict({"out": "主叫发送", "in": "被叫接收"}),
    "用户号码": "served_msisdn",
    "IMSI": "served_imsi",
    "IMEI": "served_imei",
    "对端号码": "other_party",
    "时间": _LOCAL.dt.strftime("%Y%m%d%H%M%S"),
    "小区": "cell",
    "区号": "area",
    "费用分": "charge_fen",
    "消息参考号": "message_ref",
}
_VOICE = {
    "record_id": "record_id",
    "calltype_id": pl.col("direction").replace_strict({"out": 1, "in": 2}),
    "served_msisdn": "served_msisdn",
    "served_imsi": "served_imsi",
    "served_imei": "served_imei",
    "opposite_no": "other_party",
    "start_datetime": _LOCAL.dt.strftime("%Y-%m-%d %H:%M:%S"),
    "call_dur": "duration_s",
    "cell": "cell",
    "area_code": "area",
    "fee_fen": "charge_fen",
}
_DATA = {
    "id": "record_id",
    "imsi": "served_imsi",
    "msisdn": "served_msisdn",
    "imei": "served_imei",
    "start": _LOCAL.dt.strftime("%Y-%m-%dT%H:%M:%S+08:00"),
    "duration_s": "duration_s",
    "up_bytes": pl.col("bytes") // 10,
    "down_bytes": pl.col("bytes") - pl.col("bytes") // 10,
    "cell": "cell",
    "fee_fen": "charge_fen",
}
_FORMS = {
    "smsc": ("sms", _SMS, "sms_{}.csv.gz", ",", "gb18030"),
    "msc": ("voice", _VOICE, "voc_{}.csv.gz", ",", "utf-8"),
    "ggsn": ("data", _DATA, "gprs_{}.txt.gz", "|", "utf-8-sig"),
}


def deliver(world: World, day: date, landing: Path, specs: Path) -> int:
    """Write the day's files below `landing`, and into `specs` the voice source, packed.

    Returns the bytes delivered.
    """
    specs.mkdir(parents=True, exist_ok=True)
    plain = (files("mingdan.usage") / "sources" / "msc.toml").read_text("utf-8")
    packed = plain.replace("voc_*.csv", "voc_*.csv.gz")
    packed = packed.replace("[file]", '[file]\ncompression = "gzip"')
    (specs / "msc.toml").write_text(packed, "utf-8")
    size = 0
    for number, frame in enumerate(world.chunks(day)):
        for source, (kind, columns, name, delimiter, encoding) in _FORMS.items():
            rows = frame.filter(pl.col("usage_type") == kind).select(
                **{
                    heading: pl.col(column) if isinstance(column, str) else column
                    for heading, column in columns.items()
                }
            )
            text = rows.write_csv(
                include_header=source != "ggsn", separator=delimiter, quote_style="never"
            )
            path = landing / "usage" / source / day.isoformat() / name.format(f"{number:03}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(text.encode(encoding), _LEVEL, mtime=0))
            size += path.stat().st_size
    return size
