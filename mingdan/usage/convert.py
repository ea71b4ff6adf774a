"""Text fields as values: numbers, instants, money.

Here: one function per kind of value, each over a whole column; what cannot be
read comes back null beside its text, and the caller names the reason. Not here:
which column is which (`records.py`).

The plain form of a value (nearly every row) is read by vectorised code, or has been
already: an Int64 column is one whose every text was an integer's plain form. The few
texts of another form (full-width digits, blanks, `+86`) are read once each by the
same Python function the rest of the project uses.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime

import polars as pl

from mingdan.identifiers import digits
from mingdan.reference.numbers import digest_id, identify
from mingdan.usage.source import Source, TimeForm

STRPTIME: dict[TimeForm, str] = {
    "YYYYMMDDhhmmss": "%Y%m%d%H%M%S",
    "YYYY-MM-DD hh:mm:ss": "%Y-%m-%d %H:%M:%S",
    "YYYY/MM/DD hh:mm:ss": "%Y/%m/%d %H:%M:%S",
    "YYYY.MM.DD hh:mm:ss": "%Y.%m.%d %H:%M:%S",
    "YYYY.MM.DD hh:mm": "%Y.%m.%d %H:%M",
}
"""The local forms in the words of strftime."""
_LAST_SECOND = int(datetime.fromisoformat("9999-12-31T00:00:00+00:00").timestamp())
_MOBILE_BASE = 86 * 10**11


def integers(text: pl.Series) -> pl.Series:
    """Whole numbers; null where the text is none."""
    if text.dtype == pl.Int64:
        return text
    return _with_odd(text, text.cast(pl.Int64, strict=False), _integer)


def identifiers(text: pl.Series, lengths: range) -> pl.Series:
    """IMSI or IMEI: so many digits; null where the text is not."""
    if text.dtype == pl.Int64:
        return _where(
            text.is_between(10 ** (lengths.start - 1), 10 ** (lengths.stop - 1) - 1), text
        )
    plain = text.cast(pl.Int64, strict=False)
    size = text.str.len_bytes()
    fits = size.is_between(lengths.start, lengths.stop - 1) & (plain >= 0)

    def parse(odd: str) -> int | None:
        value = digits(odd)
        good = value.isascii() and value.isdigit() and len(value) in lengths
        return int(value) if good else None

    return _with_odd(text, _where(fits, plain), parse)


def numbers(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Numbers as the lake's integers, and their kinds (`mingdan.reference.numbers`)."""
    plain = text.cast(pl.Int64, strict=False)
    local = plain.is_between(13 * 10**9, 2 * 10**10 - 1)
    full = plain.is_between(_MOBILE_BASE + 13 * 10**9, _MOBILE_BASE + 2 * 10**10 - 1)
    if text.dtype == pl.String:
        size = text.str.len_bytes()
        local, full = local & (size == 11), full & (size == 13)
    frame = pl.select(
        value=pl.when(local).then(plain + _MOBILE_BASE).when(full).then(plain),
        kind=pl.when(local | full).then(pl.lit("mobile")),
    )
    values, kinds = frame["value"], frame["kind"]
    odd = values.is_null() & text.is_not_null()
    if not odd.any():
        return values, kinds
    # only these are looked up: a table is dear where nearly every row misses it
    texts = text.filter(odd)
    known = {item: identify(str(item)) for item in texts.unique() if digits(str(item))}
    at = odd.arg_true()
    found = _looked_up(texts, {item: found[0] for item, found in known.items()})
    named = texts.replace_strict(
        {item: found[1] for item, found in known.items()}, default=None, return_dtype=pl.String
    )
    return values.scatter(at, found), kinds.scatter(at, named)


def opaque(text: pl.Series, space: str) -> pl.Series:
    """Ids of hashed numbers or devices in a space, both ends of an event alike."""
    return _looked_up(
        text, {item: digest_id(f"{space}:{item}") for item in text.unique().drop_nulls()}
    )


def instants(
    text: pl.Series, offsets: pl.Series | None, source: Source
) -> tuple[pl.Series, pl.Series]:
    """Instants as naive UTC, and the source's offset from UTC in minutes.

    Null where the text fits none of the source's forms, or its offset is unreadable.
    """
    utc, minutes = _instants(text, offsets, source)
    if utc.null_count() > text.null_count():
        folded = text.str.normalize("NFKC").str.strip_chars()
        again, again_minutes = _instants(folded, offsets, source)
        utc, minutes = utc.fill_null(again), minutes.fill_null(again_minutes)
    return utc, minutes


def fen(text: pl.Series, unit: str) -> pl.Series:
    """Charges in fen. Yuan may have up to two decimals; null where unreadable."""
    if unit == "fen":
        return integers(text)
    parts = text.str.extract_groups(r"^(-?)(\d{1,9})(?:\.(\d{1,2})0*)?$").struct.unnest()
    sign, yuan, cents = (parts[name] for name in parts.columns)
    value = yuan.cast(pl.Int64) * 100 + cents.fill_null("0").str.pad_end(2, "0").cast(pl.Int64)
    return pl.select(pl.when(sign == "-").then(-value).otherwise(value)).to_series()


def _instants(
    text: pl.Series, offsets: pl.Series | None, source: Source
) -> tuple[pl.Series, pl.Series]:
    utc = pl.Series(values=[None] * text.len(), dtype=pl.Datetime("us"))
    minutes = pl.Series(values=[None] * text.len(), dtype=pl.Int16)
    for form in source.time.format:
        if form == "ISO8601":
            found, offset = _iso(text)
        elif form == "epoch_s":
            found, offset = _epoch(text, source.time.zone)
        else:
            found, offset = _local(text, offsets, form, source)
        minutes = minutes.fill_null(pl.select(pl.when(utc.is_null()).then(offset)).to_series())
        utc = utc.fill_null(found)
    return utc, minutes


def _iso(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    offset = text.str.extract(r"(Z|[+-]\d{2}:?\d{2})$")
    minutes = _minutes(offset.str.replace("Z", "+0000", literal=True))
    body = text.str.replace(r"(Z|[+-]\d{2}:?\d{2})$", "")
    local = body.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us")
    return _shifted(local, minutes), minutes


def _epoch(text: pl.Series, zone: str | None) -> tuple[pl.Series, pl.Series]:
    seconds = integers(text)
    seconds = _where(seconds.is_between(0, _LAST_SECOND), seconds)
    utc = (seconds * 1_000_000).cast(pl.Datetime("us"))
    local = utc.dt.replace_time_zone("UTC").dt.convert_time_zone(zone or "UTC")
    return utc, _difference(local.dt.replace_time_zone(None), utc)


def _local(
    text: pl.Series, offsets: pl.Series | None, form: TimeForm, source: Source
) -> tuple[pl.Series, pl.Series]:
    local = text.str.to_datetime(STRPTIME[form], strict=False, time_unit="us")
    if form == "YYYYMMDDhhmmss":
        # without separators a missing digit would be read as a shorter second
        digits_only = text.cast(pl.Int64, strict=False) > 0
        local = _where(digits_only & (text.str.len_bytes() == 14), local)
    if offsets is not None:
        minutes = _minutes(offsets)
        return _shifted(local, minutes), minutes
    zoned = local.dt.replace_time_zone(
        source.time.zone or "UTC", ambiguous="earliest", non_existent="null"
    )
    utc = zoned.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return utc, _difference(local, utc)


def _minutes(offset: pl.Series) -> pl.Series:
    """Minutes of an offset such as `+0800` or `-03:30`; null if it is none."""
    table: dict[str, int] = {}
    for item in offset.unique().drop_nulls():
        value = item.strip().replace(":", "")
        if len(value) == 5 and value[0] in "+-" and value[1:].isascii() and value[1:].isdigit():
            hours, minutes = int(value[1:3]), int(value[3:])
            if hours <= 14 and minutes < 60:
                table[item] = (hours * 60 + minutes) * (-1 if value[0] == "-" else 1)
    return _looked_up(offset, table).cast(pl.Int16)


def _shifted(local: pl.Series, minutes: pl.Series) -> pl.Series:
    shift = (minutes.cast(pl.Int64) * 60_000_000).cast(pl.Duration("us"))
    return local - shift


def _difference(local: pl.Series, utc: pl.Series) -> pl.Series:
    return (local - utc).dt.total_minutes().cast(pl.Int16)


def _integer(text: str) -> int | None:
    value = unicodedata.normalize("NFKC", text).strip()
    bare = value.removeprefix("-").removeprefix("+")
    return int(value) if bare.isascii() and bare.isdigit() and len(bare) <= 18 else None


def _with_odd(text: pl.Series, values: pl.Series, parse: Callable[[str], int | None]) -> pl.Series:
    odd = text.filter(values.is_null() & text.is_not_null()).unique()
    if not odd.len():
        return values
    found = {item: value for item in odd if (value := parse(item)) is not None}
    return values.fill_null(_looked_up(text, found))


def _looked_up(text: pl.Series, table: Mapping[str, int] | Mapping[int, int]) -> pl.Series:
    if not table:
        return pl.Series(values=[None] * text.len(), dtype=pl.Int64)
    return text.replace_strict(dict(table), default=None, return_dtype=pl.Int64)


def _where(mask: pl.Series, values: pl.Series) -> pl.Series:
    return pl.select(pl.when(mask).then(values)).to_series()
