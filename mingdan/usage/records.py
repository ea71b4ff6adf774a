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

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from mingdan.calendar import day_start, naive_utc
from mingdan.lake import Lake
from mingdan.tables import Column, Table
from mingdan.usage import convert
from mingdan.usage.fields import LARGEST, Fields
from mingdan.usage.lines import Lines, Split
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

_AHEAD_OF_UTC = timedelta(hours=8)
"""Asia/Shanghai, without summer time since 1991; what is older is set aside."""
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


def read_records(
    lines: Lines, source: Source, window: Window, file: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The records of a block (columns of STAGED_USAGE) and the lines set aside.

    The second frame has the columns of `usage_quarantine`.
    """
    parts = [_read(part, lines, source, window, file) for part in lines.parts]
    records = pl.concat(
        [pl.DataFrame(schema=Lake.schema(STAGED_USAGE)), *(part[0] for part in parts)]
    )
    rows = [row for part in parts for row in part[1]]
    rows += [
        (source.name, file, fault.line, fault.reason, fault.column, lines.delivered(fault.line))
        for fault in lines.faults
    ]
    aside = pl.DataFrame(rows, schema=Lake.schema(USAGE_QUARANTINE), orient="row")
    return records if len(parts) < 2 else records.sort("source_line"), aside


def _read(
    split: Split, lines: Lines, source: Source, window: Window, file: str
) -> tuple[pl.DataFrame, list[tuple[object, ...]]]:
    """The same of some lines, those set aside as rows."""
    fields = Fields(split, source)
    spec = source.columns
    usage_type = fields.code("usage_type", source.usage_type, source.codes.usage_type)
    direction = fields.code("direction", source.direction, source.codes.direction)
    key = _record_key(fields, split)
    event_at, offset = _time(fields)
    served = _served(fields)
    imsi = fields.subscriber(spec.served_imsi, _IMSI, "bad_imsi")
    imei = fields.subscriber(spec.served_imei, _IMEI, "bad_imei")
    fields.flag(
        served.is_null() & imsi.is_null(), "missing_value", spec.served_msisdn or spec.served_imsi
    )
    other, kind = _other(fields, usage_type, direction)
    duration = _duration(fields, usage_type)
    octets = _bytes(fields)
    charge = _charge(fields)
    frame = pl.DataFrame(
        {
            "record_key": key,
            "event_day": (event_at + _AHEAD_OF_UTC).dt.date(),
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
            "cell": fields.integer(spec.cell, wide=True),
            "area": fields.integer(spec.area),
            "message_ref": fields.integer(spec.message_ref, wide=True),
            "text_digest": convert.opaque(fields.text(spec.text), "text"),
            "source_line": split.numbers,
        }
    )
    fields.flag(event_at < window.first, "too_late", source.time.column)
    fields.flag(event_at >= window.end, "in_future", source.time.column)
    good = fields.first == 0
    quarantine = _quarantine(split, lines, fields, file)
    if not good.all():
        frame = frame.filter(good)
    records = frame.with_columns(
        source=pl.lit(source.name), self_held=pl.lit(source.self_held), source_file=pl.lit(file)
    ).select(STAGED_USAGE.names)
    return records.cast(Lake.schema(STAGED_USAGE)), quarantine  # type: ignore[arg-type]


def _record_key(fields: Fields, split: Split) -> pl.Series:
    names = fields.source.columns.record_id
    if not names:
        return split.whole
    for name in names:
        fields.flag(fields.text(name).is_null(), "missing_value", name)
    if len(names) == 1:
        return fields.text(names[0])
    return fields.columns.select(pl.concat_str(names, separator="|")).to_series()


def _time(fields: Fields) -> tuple[pl.Series, pl.Series]:
    time = fields.source.time
    text = fields.text(time.column)
    offsets = None
    if time.offset_column is not None:
        offsets = fields.text(time.offset_column)
        fields.flag(offsets.is_null(), "missing_value", time.offset_column)
    event_at, minutes = convert.instants(text, offsets, fields.source)
    fields.flag(text.is_null(), "missing_value", time.column)
    fields.need(event_at, text, "bad_time", time.column)
    return event_at, minutes


def _served(fields: Fields) -> pl.Series:
    """The served number; one that is not all digits can be nobody's."""
    column = fields.source.columns.served_msisdn
    text = fields.text(column)
    values, _ = fields.number(text)
    fields.need(values, text, "bad_number", column)
    fields.flag(values < 0, "bad_number", column)
    return values


def _other(
    fields: Fields, usage_type: pl.Series, direction: pl.Series
) -> tuple[pl.Series, pl.Series]:
    """The other number. Who calls may withhold it; who is called is always known."""
    chosen = fields.source.columns.other_party
    if chosen is None:
        nothing = fields.text(None)
        return nothing.cast(pl.Int64), nothing
    by_direction = chosen if isinstance(chosen, dict) else {"out": chosen, "in": chosen}
    if len(set(by_direction.values())) == 1:
        text = fields.text(by_direction["out"])
    else:
        text = fields.text(None)
        for way, column in by_direction.items():
            text = text.zip_with(direction != way, fields.text(column).cast(pl.String))
    values, kinds = fields.number(text)
    reached = (direction == "out") & (usage_type != "data")
    fields.flag(reached & values.is_null(), "missing_value", by_direction.get("out"))
    return values, kinds


def _duration(fields: Fields, usage_type: pl.Series) -> pl.Series:
    column = fields.source.columns.duration_s
    values = fields.integer(column)
    if column is None:
        return values
    lasting = usage_type != "sms"
    fields.flag(lasting & values.is_null(), "missing_value", column)
    return pl.select(pl.when(lasting).then(values)).to_series()


def _bytes(fields: Fields) -> pl.Series:
    names = fields.source.columns.bytes
    parts = [fields.integer(name, wide=True) for name in names]
    if not parts:
        return fields.text(None).cast(pl.Int64)
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _charge(fields: Fields) -> pl.Series:
    column = fields.source.columns.charge
    text = fields.text(column)
    if column is None:
        return text.cast(pl.Int64)
    values = convert.fen(text, fields.source.charge_unit)
    fields.need(values, text, "bad_charge", column)
    fields.flag(values < 0, "negative_value", column)
    fields.flag(values > LARGEST, "too_large", column)
    return values


def _quarantine(split: Split, lines: Lines, fields: Fields, file: str) -> list[tuple[object, ...]]:
    if not fields.reasons:
        return []
    bad = fields.first != 0
    rows: list[tuple[object, ...]] = []
    for line, index in zip(split.numbers.filter(bad), fields.first.filter(bad), strict=True):
        reason, column = fields.reasons[index - 1]
        rows.append((fields.source.name, file, line, reason, column, lines.delivered(line)))
    return rows
