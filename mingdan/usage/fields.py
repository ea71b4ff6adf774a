"""The columns of a block read as values, each fault flagged on its row.

Here: which reason a text that is no value gets; the first fault of a row names
it. Not here: reading texts (`convert.py`) and which field a column fills
(`records.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from mingdan.usage import convert
from mingdan.usage.lines import Split
from mingdan.usage.source import Source

LARGEST = 2**31 - 1
"""Largest value of an INTEGER column of the lake."""
_LARGEST_WIDE = 2**60
"""Largest value taken for a BIGINT column, so that a few of them can be added."""


class Fields:
    """The columns of some lines and the first fault of each."""

    def __init__(self, split: Split, source: Source) -> None:
        self.source = source
        self.columns = split.fields
        self.reasons: list[tuple[str, str | None]] = []
        self.first = pl.zeros(split.fields.height, dtype=pl.Int16, eager=True)

    def text(self, name: str | None) -> pl.Series:
        if name is None:
            return self._each(None)
        return self.columns[name]

    def _each(self, value: str | None) -> pl.Series:
        return pl.repeat(value, self.columns.height, dtype=pl.String, eager=True)

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
            return self._each(fixed)
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
        self.flag(values > (_LARGEST_WIDE if wide else LARGEST), "too_large", column)
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
