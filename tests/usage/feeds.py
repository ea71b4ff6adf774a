"""Usage files as the three simulated sources deliver them, a line at a time.

Here: lines of each format and a landing folder to put them in. Not here: what
is expected of reading them. Written from the formats, not from the specs, so
that a wrong spec is seen.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from mingdan.settings import Settings
from mingdan.usage.packed import Limits

DAY = date(2026, 11, 1)
LIMITS = Limits.of(Settings())
SMSC_HEADER = "流水号,类型,用户号码,IMSI,IMEI,对端号码,时间,小区,区号,费用分,消息参考号"
MSC_HEADER = (
    "record_id,calltype_id,served_msisdn,served_imsi,served_imei,opposite_no,"
    "start_datetime,call_dur,cell,area_code,fee_fen"
)


def at(day: date, hour: int = 12, minute: int = 0, second: int = 0) -> datetime:
    """A local time (Asia/Shanghai) of a day."""
    return datetime(day.year, day.month, day.day, hour, minute, second)  # noqa: DTZ001


def smsc_line(
    serial: int | str,
    *,
    kind: str = "主叫发送",
    served: str = "13800138000",
    imsi: str = "460001234567890",
    imei: str = "861234567890123",
    other: str = "13900139000",
    time: datetime | str | None = None,
    cell: str = "1234567",
    area: str = "755",
    fee: str = "10",
    reference: str = "7",
) -> str:
    moment = at(DAY) if time is None else time
    text = moment if isinstance(moment, str) else moment.strftime("%Y%m%d%H%M%S")
    return ",".join(
        [str(serial), kind, served, imsi, imei, other, text, cell, area, fee, reference]
    )


def msc_line(
    serial: int | str,
    *,
    kind: str = "1",
    served: str = "8613800138000",
    other: str = "8613900139000",
    time: datetime | str | None = None,
    seconds: str = "61",
    fee: str = "30",
) -> str:
    moment = at(DAY) if time is None else time
    text = moment if isinstance(moment, str) else moment.strftime("%Y-%m-%d %H:%M:%S")
    fields = [str(serial), kind, served, "460001234567890", "861234567890123", other]
    return ",".join([*fields, text, seconds, "1234567", "755", fee])


def ggsn_line(
    serial: int | str, *, start: str = "2026-11-01T08:00:00+08:00", up: str = "10", down: str = "90"
) -> str:
    fields = [str(serial), "460001234567890", "8613800138000", "861234567890123"]
    return "|".join([*fields, start, "600", up, down, "1234567", "5"])


def smsc_file(lines: Iterable[str], *, header: str = SMSC_HEADER, end: str = "\n") -> bytes:
    text = "".join(line + end for line in [header, *lines])
    return gzip.compress(text.encode("gb18030"), mtime=0)


def msc_file(lines: Iterable[str], *, header: str = MSC_HEADER, end: str = "\n") -> bytes:
    return "".join(line + end for line in [header, *lines]).encode()


def ggsn_file(lines: Iterable[str]) -> bytes:
    return gzip.compress(("\ufeff" + "".join(line + "\n" for line in lines)).encode(), mtime=0)


@dataclass(frozen=True)
class Landing:
    """The landing folder of an installation."""

    settings: Settings

    def put(self, source: str, name: str, content: bytes, day: date = DAY) -> Path:
        folder = self.settings.landing / "usage" / source / day.isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_bytes(content)
        return path

    def smsc(self, lines: Iterable[str], *, number: int = 1, day: date = DAY) -> Path:
        return self.put("smsc", f"sms_{day:%Y%m%d}_{number:02d}.csv.gz", smsc_file(lines), day)

    def msc(self, lines: Iterable[str], *, number: int = 1, day: date = DAY) -> Path:
        return self.put("msc", f"voc_{day:%Y%m%d}_{number:02d}.csv", msc_file(lines), day)

    def ggsn(self, lines: Iterable[str], *, number: int = 1, day: date = DAY) -> Path:
        return self.put("ggsn", f"gprs_{day:%Y%m%d}_{number:02d}.txt.gz", ggsn_file(lines), day)

    def all_three(self, day: date = DAY) -> None:
        """One good file of each required source."""
        self.smsc([smsc_line(f"s{day}{n}", time=at(day, n)) for n in range(20)], day=day)
        self.msc([msc_line(f"v{day}{n}", time=at(day, n)) for n in range(20)], day=day)
        self.ggsn(
            [ggsn_line(f"d{day}{n}", start=f"{day}T{n:02d}:00:00+08:00") for n in range(20)],
            day=day,
        )


def tree(folder: Path) -> dict[str, str]:
    """Digest of every file under a folder: equal trees, equal lakes."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def days_from(first: date, count: int) -> list[date]:
    return [first + timedelta(days=n) for n in range(count)]
