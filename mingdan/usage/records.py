"""Lines of one source as usage records, and the ones set aside with a reason.

Here: how the columns of a file become the fields of a record, field by field,
the first fault of a line naming it. Not here: reading text as values
(`convert.py`), duplicates (SQL: they cross files).

Reason codes: `unknown_code`, `missing_value`, `bad_time`, `too_late`, `in_future`,
`bad_number`, `bad_imsi`, `bad_imei`, `bad_integer`, `bad_charge`, `negative_value`,
`too_large`; of a line's form: `undecodable`, `too_few_fields`, `too_many_fields`,
`bad_quote` (`lines.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from mingdan.calendar import BUSINESS_ZONE, day_start, naive_utc
from mingdan.lake import Lake
from mingdan.tables import Column, Table
from mingdan.usage import convert
from mingdan.usage.lines import Lines
from mingdan.usage.source import Source
from mingdan.usage.tables import LANDED_USAGE, USAGE_QUARANTINE

STAGED_USAGE = Table(
    name="staged_usage",
    stage="usage",
    grain="one well-formed record of a file being landed, duplicates included",
    columns=(
        Column("record_key", "VARCHAR", "the source's own id, or the row; record_id is its digest"),
        *(column for column in LANDED_USAGE.columns if column.name != "record_id"),
    ),
    key=("source_file", "source_line"),
    sort=("source_file", "source_line"),
)
"""Between files and the lake; lives in the lake's staging folder during a landing."""

_SMALLEST, _LARGEST = -(2**31), 2**31 - 1
_IMSI = range(14, 16)
_IMEI = range(14, 17)


@dataclass(frozen=True)
class Window:
    """Instants a delivery may hold, naive UTC: `[first, end)`."""

    first: datetime
    end: datetime

    @classmethod
    def of(cls, day: date, late_days: int, source: Source) -> Window:
        """From `late_days` before the delivery day to its end, plus the clock's skew."""
        return cls(
            naive_utc(day_start(day - timedelta(days=late_days))),
            naive_utc(day_start(day + timedelta(days=1))) + timedelta(seconds=source.clock_skew_s),
        )


class _Columns:
    """The columns of one block and the first fault of each row."""

    def __init__(self, lines: Lines, source: Source) -> None:
        self.source = source
        self.fields = lines.fields
        self.reasons: list[tuple[str, str | None]] = []
        self.first = pl.Series(values=[0] * lines.fields.height, dtype=pl.Int16)

    def text(self, name: str | None) -> pl.Series:
        if name is None:
            return pl.Series(values=[None] * self.fields.height, dtype=pl.String)
        return self.fields[name]

    def flag(self, mask: pl.Series, reason: str, column: str | None) -> None:
        if mask.any():
            self.reasons.append((reason, column))
            fresh = (self.first == 0) & mask.fill_null(value=False)
            self.first = self.first.set(fresh, len(self.reasons))

    def need(self, values: pl.Series, text: pl.Series, reason: str, column: str | None) -> None:
        """Every given text must have become a value."""
        self.flag(values.is_null() & text.is_not_null(), reason, column)

    def code(self, field: str, fixed: str | None, codes: Mapping[str, str]) -> pl.Series:
        column = getattr(self.source.columns, field)
        if column is None:
            return pl.Series(values=[fixed] * self.fields.height, dtype=pl.String)
        text = self.text(column)
        values = text.replace_strict(dict(codes), default=None, return_dtype=pl.String)
        self.flag(text.is_null(), "missing_value", column)
        self.need(values, text, "unknown_code", column)
        return values

    def integer(self, column: str | None, *, wide: bool = False) -> pl.Series:
        """A whole number from 0; `wide`: up to 64 bits."""
        text = self.text(column)
        if column is None:
            return text.cast(pl.Int64)
        values = convert.integers(text)
        self.need(values, text, "bad_integer", column)
        self.flag(values < 0, "negative_value", column)
        if not wide:
            self.flag(values > _LARGEST, "too_large", column)
        return values

    def subscriber(self, column: str | None, lengths: range, reason: str) -> pl.Series:
        """IMSI or IMEI."""
        text = self.text(column)
        if column is None:
            return text.cast(pl.Int64)
        if self.source.numbers.kind == "opaque":
            return convert.opaque(text, f"{self.source.space}:{reason.removeprefix('bad_')}")
        values = convert.identifiers(text, lengths)
        self.need(values, text, reason, column)
        return values

    def number(self, text: pl.Series) -> tuple[pl.Series, pl.Series]:
        if self.source.numbers.kind == "opaque":
            values = convert.opaque(text, self.source.space)
            kind = pl.select(pl.when(values.is_not_null()).then(pl.lit("opaque"))).to_series()
            return values, kind
        return convert.numbers(text)


def read_records(
    lines: Lines, source: Source, window: Window, file: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The records of a block (columns of STAGED_USAGE) and the lines set aside.

    The second frame has the columns of `usage_quarantine`.
    """
    columns = _Columns(lines, source)
    spec = source.columns
    usage_type = columns.code("usage_type", source.usage_type, source.codes.usage_type)
    direction = columns.code("direction", source.direction, source.codes.direction)
    key = _record_key(columns, lines)
    event_at, offset = _time(columns)
    served = _served(columns)
    imsi = columns.subscriber(spec.served_imsi, _IMSI, "bad_imsi")
    imei = columns.subscriber(spec.served_imei, _IMEI, "bad_imei")
    columns.flag(
        served.is_null() & imsi.is_null(), "missing_value", spec.served_msisdn or spec.served_imsi
    )
    other, kind = _other(columns, usage_type, direction)
    duration = _duration(columns, usage_type)
    octets = _bytes(columns)
    charge = _charge(columns)
    frame = pl.DataFrame(
        {
            "record_key": key,
            "event_day": event_at.dt.replace_time_zone("UTC")
            .dt.convert_time_zone(BUSINESS_ZONE.key)
            .dt.date(),
            "usage_type": usage_type,
            "direction": direction,
            "served_msisdn": served,
            "served_imsi": imsi,
            "served_imei": imei,
            "other_party": other,
            "other_kind": kind,
            "event_at": event_at,
            "utc_offset_min": offset,
            "duration_s": duration,
            "bytes": octets,
            "charge_fen": charge,
            "cell": columns.integer(spec.cell, wide=True),
            "area": columns.integer(spec.area),
            "message_ref": columns.integer(spec.message_ref, wide=True),
            "text_digest": convert.opaque(columns.text(spec.text), "text"),
            "source_line": lines.numbers,
        }
    )
    columns.flag(event_at < window.first, "too_late", source.time.column)
    columns.flag(event_at >= window.end, "in_future", source.time.column)
    good = columns.first == 0
    quarantine = _quarantine(lines, columns, source, file)
    if not good.all():
        frame = frame.filter(good)
    records = frame.with_columns(
        source=pl.lit(source.name), self_held=pl.lit(source.self_held), source_file=pl.lit(file)
    ).select(STAGED_USAGE.names)
    return records.cast(Lake.schema(STAGED_USAGE)), quarantine  # type: ignore[arg-type]


def _record_key(columns: _Columns, lines: Lines) -> pl.Series:
    names = columns.source.columns.record_id
    if not names:
        return lines.whole
    for name in names:
        columns.flag(columns.text(name).is_null(), "missing_value", name)
    if len(names) == 1:
        return columns.text(names[0])
    return columns.fields.select(pl.concat_str(names, separator="|")).to_series()


def _time(columns: _Columns) -> tuple[pl.Series, pl.Series]:
    time = columns.source.time
    text = columns.text(time.column)
    offsets = None
    if time.offset_column is not None:
        offsets = columns.text(time.offset_column)
        columns.flag(offsets.is_null(), "missing_value", time.offset_column)
    event_at, minutes = convert.instants(text, offsets, columns.source)
    columns.flag(text.is_null(), "missing_value", time.column)
    columns.need(event_at, text, "bad_time", time.column)
    return event_at, minutes


def _served(columns: _Columns) -> pl.Series:
    """The served number; one that is not all digits can be nobody's."""
    column = columns.source.columns.served_msisdn
    text = columns.text(column)
    values, _ = columns.number(text)
    columns.need(values, text, "bad_number", column)
    columns.flag(values < 0, "bad_number", column)
    return values


def _other(
    columns: _Columns, usage_type: pl.Series, direction: pl.Series
) -> tuple[pl.Series, pl.Series]:
    """The other number. Who calls may withhold it; who is called is always known."""
    chosen = columns.source.columns.other_party
    if chosen is None:
        nothing = columns.text(None)
        return nothing.cast(pl.Int64), nothing
    by_direction = chosen if isinstance(chosen, dict) else {"out": chosen, "in": chosen}
    text = columns.text(None)
    for way, column in by_direction.items():
        text = text.zip_with(direction != way, columns.text(column))
    values, kinds = columns.number(text)
    reached = (direction == "out") & (usage_type != "data")
    columns.flag(reached & values.is_null(), "missing_value", by_direction.get("out"))
    return values, kinds


def _duration(columns: _Columns, usage_type: pl.Series) -> pl.Series:
    column = columns.source.columns.duration_s
    values = columns.integer(column)
    if column is None:
        return values
    lasting = usage_type != "sms"
    columns.flag(lasting & values.is_null(), "missing_value", column)
    return pl.select(pl.when(lasting).then(values)).to_series()


def _bytes(columns: _Columns) -> pl.Series:
    names = columns.source.columns.bytes
    parts = [columns.integer(name, wide=True) for name in names]
    if not parts:
        return columns.text(None).cast(pl.Int64)
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _charge(columns: _Columns) -> pl.Series:
    column = columns.source.columns.charge
    text = columns.text(column)
    if column is None:
        return text.cast(pl.Int64)
    values = convert.fen(text, columns.source.charge_unit)
    columns.need(values, text, "bad_charge", column)
    columns.flag(values < 0, "negative_value", column)
    columns.flag(values > _LARGEST, "too_large", column)
    return values


def _quarantine(lines: Lines, columns: _Columns, source: Source, file: str) -> pl.DataFrame:
    rows = [
        (source.name, file, fault.line, fault.reason, fault.column, lines.delivered(fault.line))
        for fault in lines.faults
    ]
    if columns.reasons:
        bad = columns.first != 0
        for line, index in zip(lines.numbers.filter(bad), columns.first.filter(bad), strict=True):
            reason, column = columns.reasons[index - 1]
            rows.append((source.name, file, line, reason, column, lines.delivered(line)))
    return pl.DataFrame(rows, schema=Lake.schema(USAGE_QUARANTINE), orient="row")
