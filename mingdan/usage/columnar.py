"""A delivered Parquet file, a batch of rows at a time, as the lines of a text would be.

Here: the footer, the columns and their types, and the faults for which a Parquet file
is refused as a whole. Not here: what a field means (`records.py`).

A row has the number of its place (1 = first row) where a text has its line's, and a
row set aside is kept as JSON. A value is what its text would be in a file of lines:
integers are taken as they are, instants in the form the spec declares.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from mingdan.landed import open_plain
from mingdan.usage.convert import STRPTIME
from mingdan.usage.lines import Fault, Lines, Split
from mingdan.usage.packed import FileRefused, Limits
from mingdan.usage.plain import integer_columns
from mingdan.usage.source import Source
from mingdan.usage.text import differing, too_long

_BATCH = 65_536
"""Rows read at once."""


def read_rows(path: Path, source: Source, limits: Limits) -> Iterator[tuple[Lines, int]]:
    """The rows in batches, each with how many can follow. Raises FileRefused."""
    try:
        with (
            open_plain(path) as file,
            pq.ParquetFile(file, page_checksum_verification=True) as table,
        ):
            _check(table, source, limits)
            left = table.metadata.num_rows
            first = 1
            for batch in table.iter_batches(_BATCH, columns=list(source.file.names)):
                left -= batch.num_rows
                yield _lines(pl.DataFrame(pl.from_arrow(batch)), first, source), left
                first += batch.num_rows
    except (pa.ArrowException, pl.exceptions.PolarsError) as error:
        said = str(error).partition("\n")[0]
        raise FileRefused(f"corrupt Parquet: {said}") from None
    except OSError as error:
        # what Arrow finds wrong in a page comes as an error of the disk without a number
        what = "corrupt Parquet" if error.errno is None else "cannot be read"
        raise FileRefused(f"{what}: {error.strerror or error}") from None


def _check(table: pq.ParquetFile, source: Source, limits: Limits) -> None:
    """Raises FileRefused if the footer is not as declared, or declares too much."""
    schema = table.schema_arrow
    what = differing(schema.names, source)
    if what or len(set(schema.names)) != len(schema.names):
        raise FileRefused(f"the columns changed: {what or 'a name is repeated'}")
    nested = [field.name for field in schema if pa.types.is_nested(field.type)]
    if nested:
        raise FileRefused(f"{', '.join(nested)}: a list or structure, not a value")
    groups = range(table.metadata.num_row_groups)
    size = sum(table.metadata.row_group(at).total_byte_size for at in groups)
    if size > limits.bytes:
        raise FileRefused(f"larger than max_file_bytes = {limits.bytes}")
    if table.metadata.num_rows > limits.lines:
        raise FileRefused(f"more lines than max_file_lines = {limits.lines}")


def _lines(rows: pl.DataFrame, first: int, source: Source) -> Lines:
    whole = integer_columns(source)
    fields = rows.select(
        _value(rows[name], source, as_integer=name in whole) for name in source.file.names
    )
    texts = fields.select(pl.selectors.string())
    if texts.width:
        longest = texts.select(pl.max_horizontal(pl.all().str.len_bytes().max())).item() or 0
        if longest > source.max_line_bytes:
            raise FileRefused(too_long(source))
        damaged = texts.select(pl.any_horizontal(pl.all().str.contains("\0", literal=True)))
        wrong = damaged.to_series().fill_null(value=False)
    else:
        wrong = pl.repeat(False, rows.height, dtype=pl.Boolean, eager=True)
    numbers = pl.int_range(first, first + rows.height, dtype=pl.Int32, eager=True)
    row_texts = pl.Series(values=[None], dtype=pl.String).new_from_index(0, rows.height)
    if not source.columns.record_id:
        row_texts = fields.select(pl.struct(pl.all()).struct.json_encode()).to_series()
    used = fields.select(sorted(source.used))
    return Lines(
        rows=rows.height,
        parts=(Split(used.filter(~wrong), numbers.filter(~wrong), row_texts.filter(~wrong)),),
        faults=tuple(Fault(line, "undecodable") for line in numbers.filter(wrong)),
        delivered=partial(_as_json, rows, first),
    )


def _value(values: pl.Series, source: Source, *, as_integer: bool) -> pl.Series:
    """A column as Int64 or text; an empty text is null."""
    kind = values.dtype
    if kind.is_integer():
        numbers = values.cast(pl.Int64, strict=False)
        # below 0 or beyond 64 bits is for the reader of texts to refuse
        if as_integer and numbers.null_count() == values.null_count() and not (numbers < 0).any():
            return numbers
    if isinstance(kind, pl.Datetime):
        return _instant(values, kind, source)
    texts = values.cast(pl.String)
    return texts.set(texts == "", None)


def _instant(values: pl.Series, kind: pl.Datetime, source: Source) -> pl.Series:
    """An instant as text of the first declared form that fits: with its offset, or local."""
    for form in source.time.format:
        if form == "ISO8601" and kind.time_zone is not None:
            return values.dt.to_string("%Y-%m-%dT%H:%M:%S%.f%:z")
        if form in STRPTIME and kind.time_zone is None:
            return values.dt.to_string(STRPTIME[form])
    return values.cast(pl.String)


def _as_json(rows: pl.DataFrame, first: int, line: int) -> bytes:
    row = rows.row(line - first, named=True)
    return json.dumps(row, ensure_ascii=False, default=str).encode()
