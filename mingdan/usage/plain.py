"""Lines in their plain form, read in one pass by the CSV reader.

Here: which columns may be read as integers at once, and the proof, line by line,
that nothing was lost by it. Not here: every other line (`lines.py`).

The proof: a value's plain text (an integer without sign, blank or leading zero, a
text as it stands, nothing for null) is never longer than the text it was read
from. So where the plain texts and the delimiters together are as long as the line,
each field was in its plain form and every field was read.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mingdan.usage.source import Source

_INTEGERS = ("duration_s", "bytes", "cell", "area", "message_ref")
_NUMBERS = ("served_msisdn", "served_imsi", "served_imei", "other_party")


def read_plain(
    data: bytes, lengths: NDArray[np.int64], source: Source
) -> tuple[pl.DataFrame, NDArray[np.bool_]]:
    """The fields of all lines, and which lines they hold for.

    `data` is UTF-8 without blank lines and carriage returns, `lengths` the bytes of
    each line with its newline. Columns that can only hold integers are Int64,
    all others text; an empty field is null. A line that is not plain has anything.
    """
    names = source.file.names
    none = pl.DataFrame(schema=dict.fromkeys(names, pl.String())), np.zeros(lengths.size, np.bool_)
    delimited = source.file.format == "delimited" and source.file.quote == "none"
    if not delimited or b"\r" in data or not lengths.size:
        return none
    whole = integer_columns(source)
    fields = pl.read_csv(
        data,
        schema={name: pl.Int64() if name in whole else pl.String() for name in names},
        separator=source.file.delimiter,
        has_header=False,
        quote_char=None,
        ignore_errors=True,
        truncate_ragged_lines=True,
        missing_columns="insert",
        extra_columns="ignore",
    ).rechunk()
    if fields.height != lengths.size:
        return none
    plain = np.full(lengths.size, len(names), np.int64)
    if not data.endswith(b"\n"):
        plain[-1] -= 1
    for name in names:
        plain += _digits(fields[name]) if name in whole else _bytes(fields[name])
    return fields, plain == lengths


def integer_columns(source: Source) -> frozenset[str]:
    """Columns of the file that nothing but an integer may stand in."""
    spec = source.columns
    integers: set[str] = set()
    texts = {source.time.column, source.time.offset_column}
    for field in type(spec).model_fields:
        value = getattr(spec, field)
        named = {value} if isinstance(value, str) else set(value or ())
        if isinstance(value, dict):
            named = set(value.values())
        whole = (
            field in _INTEGERS
            or (field in _NUMBERS and source.numbers.kind == "msisdn")
            or (field == "charge" and source.charge_unit == "fen")
        )
        (integers if whole else texts).update(named)
    return frozenset(integers - texts)


def _bytes(text: pl.Series) -> NDArray[np.int64]:
    return text.str.len_bytes().fill_null(0).cast(pl.Int64).to_numpy()


def _digits(values: pl.Series) -> NDArray[np.int64]:
    """Digits of each value; 0 for null, and for a negative one, which is never plain."""
    lowest, highest = values.min(), values.max()
    if not isinstance(lowest, int) or not isinstance(highest, int):
        return np.zeros(values.len(), np.int64)
    each = values.fill_null(-1).to_numpy()
    fewest = len(str(lowest)) if lowest >= 0 else 1
    digits = np.full(each.size, fewest, np.int64)
    for more in range(fewest, len(str(highest))):
        digits += each >= 10**more
    if lowest < 0 or values.null_count():
        digits[each < 0] = 0
    return digits
