"""Lines as text fields, with every fault of a line's form named.

Here: transcoding, line ends, field counts. Not here: files (`text.py`) and what
a field means (`records.py`).

Lines in their plain form (nearly all are) are read in one pass (`plain.py`), the
others are split as text by vectorised code, and only bytes that do not decode are
looked at line by line. A faulty line keeps its bytes as delivered, from before
transcoding.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from mingdan.usage.packed import FileRefused
from mingdan.usage.plain import read_plain
from mingdan.usage.source import Encoding, Source
from mingdan.usage.text import Block, too_long

Positions = NDArray[np.int64]
_NEWLINE, _RETURN = 10, 13
_SURPLUS = "\0surplus"
"""What follows the last declared field; a line with anything there has too many."""


@dataclass(frozen=True)
class Fault:
    """A line set aside: its number, a reason code and the column at fault."""

    line: int
    reason: str
    column: str | None = None


@dataclass(frozen=True)
class Split:
    """Some lines of a block, split into the columns that are read.

    A column is text, or Int64 where every text was an integer's plain form; an
    empty field is null.
    """

    fields: pl.DataFrame
    numbers: pl.Series
    """Line number of each row of `fields`."""
    texts: pl.Series
    """Each row's line as text, perhaps with its line end."""

    @property
    def whole(self) -> pl.Series:
        """Each row's line as text, without its line end."""
        return self.texts.str.strip_chars_end("\r\n")


@dataclass(frozen=True)
class Lines:
    """The data lines of a block: the well-formed ones split, the others as faults."""

    rows: int
    """Data lines, faulty ones included; blank lines are no data."""
    parts: tuple[Split, ...]
    """The well-formed lines, each in one part."""
    faults: tuple[Fault, ...]
    delivered: Callable[[int], bytes]
    """The bytes of a line, by its number, as delivered and without its newline."""


class _Raw:
    """The lines of a block as delivered."""

    def __init__(self, block: Block) -> None:
        self.block = block

    @cached_property
    def _bounds(self) -> Positions:
        return _bounds(self.block.raw)

    def line(self, number: int) -> bytes:
        at = number - self.block.first_line
        raw = self.block.raw[self._bounds[at] : self._bounds[at + 1]]
        return raw.removesuffix(b"\n")


def split_block(block: Block, source: Source) -> Lines:
    """The lines of a block. Raises FileRefused for a line above the length limit."""
    source = source.with_names(block.names or source.file.names)
    data, undecodable = _utf8(block.raw[block.head :], source.file.encoding)
    bounds = _bounds(data)
    numbers = np.arange(bounds.size - 1, dtype=np.int32) + block.data_line
    lengths = np.diff(bounds)
    if lengths.size and int(lengths.max()) > source.max_line_bytes:
        raise FileRefused(too_long(source, int(numbers[lengths.argmax()])))
    faults = [Fault(int(numbers[at]), "undecodable") for at in undecodable]
    dropped = _blank(data, bounds, lengths)
    rows = int(lengths.size - dropped.sum()) + undecodable.size
    if dropped.any() or b"\r" in data:
        numbers = numbers[~dropped]
        data = np.frombuffer(data, np.uint8)[np.repeat(~dropped, lengths)].tobytes()
        data = data.replace(b"\r\n", b"\n")
        bounds = _bounds(data)
        lengths = np.diff(bounds)
    texts = _as_text(data, bounds)
    fields, plain = read_plain(data, lengths, source)
    parts = [_part(fields, numbers, texts, plain, source)] if plain.any() else []
    if not plain.all():
        odd, texts = numbers[~plain], texts.filter(pl.Series(~plain))
        fields, wrong = _splitter(source)(texts, source)
        faults += [Fault(int(odd[at]), reason) for at, reason in wrong.items()]
        good = np.ones(odd.size, dtype=np.bool_)
        good[list(wrong)] = False
        fields = fields.select(pl.when(pl.all() != "").then(pl.all()))
        parts.append(_part(fields, odd, texts, good, source))
    return Lines(rows, tuple(parts), tuple(faults), _Raw(block).line)


def _part(
    fields: pl.DataFrame,
    numbers: NDArray[np.int32],
    texts: pl.Series,
    wanted: NDArray[np.bool_],
    source: Source,
) -> Split:
    fields = fields.select(sorted(source.used))
    if not wanted.all():
        chosen = pl.Series(wanted)
        fields, texts, numbers = fields.filter(chosen), texts.filter(chosen), numbers[wanted]
    return Split(fields, pl.Series(numbers, dtype=pl.Int32), texts)


def _utf8(body: bytes, encoding: Encoding) -> tuple[bytes, Positions]:
    """The lines in UTF-8, undecodable ones emptied, and which those are."""
    codec = "gb18030" if encoding == "gb18030" else "utf-8"
    none = np.zeros(0, dtype=np.int64)
    if body.isascii():
        return body, none
    try:
        text = body.decode(codec)
        return (body if codec == "utf-8" else text.encode()), none
    except UnicodeError:
        pass
    # No byte of a multi-byte character is a newline in either encoding, so lines
    # can be cut before they are decoded.
    bounds = _bounds(body)
    lines = [body[start:end] for start, end in pairwise(bounds.tolist())]
    wrong: list[int] = []
    for at, line in enumerate(lines):
        try:
            lines[at] = line.decode(codec).encode()
        except UnicodeError:
            wrong.append(at)
            lines[at] = b"\n"
    return b"".join(lines), np.array(wrong, dtype=np.int64)


def _bounds(data: bytes) -> Positions:
    """Where each line begins, and the end of the last."""
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == _NEWLINE) + 1
    if data and data[-1] != _NEWLINE:
        ends = np.append(ends, len(data))
    return np.concatenate([np.zeros(1, dtype=np.int64), ends.astype(np.int64)])


def _blank(data: bytes, bounds: Positions, lengths: Positions) -> NDArray[np.bool_]:
    """Which lines hold nothing but their line end; a file may be made of them alone."""
    blank: NDArray[np.bool_] = lengths == 0
    short = np.flatnonzero((lengths > 0) & (lengths <= 2))
    each = np.frombuffer(data, dtype=np.uint8)
    first, last = each[bounds[short]], each[bounds[short + 1] - 1]
    blank[short] = np.isin(first, (_NEWLINE, _RETURN)) & np.isin(last, (_NEWLINE, _RETURN))
    return blank


def _as_text(data: bytes, bounds: Positions) -> pl.Series:
    """The lines, newlines included, as text without copying them."""
    buffers = [None, pa.py_buffer(bounds), pa.py_buffer(data)]
    lines = pa.Array.from_buffers(pa.large_string(), bounds.size - 1, buffers)
    return pl.Series(values=pl.from_arrow(lines), dtype=pl.String)


def _splitter(source: Source) -> Callable[[pl.Series, Source], tuple[pl.DataFrame, dict[int, str]]]:
    if source.file.format == "fixed_width":
        return _split_fixed
    return _split if source.file.quote == "none" else _split_quoted


def _split(lines: pl.Series, source: Source) -> tuple[pl.DataFrame, dict[int, str]]:
    """The fields of each line, and why some lines (by position) have too many or few."""
    names = [*source.file.names, _SURPLUS]
    parts = lines.str.split_exact(source.file.delimiter, len(names) - 1)
    fields = parts.struct.rename_fields(names).struct.unnest()
    fields = fields.with_columns(
        pl.col(names[-2]).str.strip_chars_end("\r\n"),
    )
    few, many = fields[names[-2]].is_null(), fields[_SURPLUS].is_not_null()
    wrong = dict.fromkeys(few.arg_true(), "too_few_fields")
    wrong |= dict.fromkeys(many.arg_true(), "too_many_fields")
    return fields, wrong


def _split_quoted(lines: pl.Series, source: Source) -> tuple[pl.DataFrame, dict[int, str]]:
    """The same for lines with quotes; a quoted field never spans lines."""
    names = source.file.names
    rows: list[list[str]] = []
    wrong: dict[int, str] = {}
    for at, line in enumerate(lines):
        try:
            row = next(
                csv.reader([line.rstrip("\r\n")], delimiter=source.file.delimiter, strict=True)
            )
        except csv.Error:
            row, wrong[at] = [], "bad_quote"
        if len(row) != len(names):
            wrong.setdefault(at, "too_few_fields" if len(row) < len(names) else "too_many_fields")
            row = [""] * len(names)
        rows.append(row)
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String()), orient="row"), wrong


def _split_fixed(lines: pl.Series, source: Source) -> tuple[pl.DataFrame, dict[int, str]]:
    """The same for lines of columns with a width, which counts bytes as delivered."""
    names, widths = source.file.names, source.file.widths
    ends = list(accumulate(widths))
    lines = lines.str.strip_chars_end("\r\n")
    size = lines.str.len_bytes()
    fields = pl.DataFrame(
        {
            name: lines.str.slice(end - width, width).str.strip_chars(" ")
            for name, end, width in zip(names, ends, widths, strict=True)
        }
    )
    wrong: dict[int, str] = {}
    wide = (size != lines.str.len_chars()).arg_true()
    if wide.len():
        # their characters are not their bytes: cut again, line by line
        rows = [_cut(lines[at], ends, source.file.encoding) for at in wide]
        wrong = {at: row for at, row in zip(wide, rows, strict=True) if isinstance(row, str)}
        blank = [""] * len(names)
        cells = [blank if isinstance(row, str) else row for row in rows]
        again = pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String()), orient="row")
        fields = fields.with_columns(fields[name].scatter(wide, again[name]) for name in names)
        size = size.scatter(wide, ends[-1])
    wrong |= dict.fromkeys((size < ends[-1]).arg_true(), "too_few_fields")
    wrong |= dict.fromkeys((size > ends[-1]).arg_true(), "too_many_fields")
    return fields, wrong


def _cut(line: str, ends: list[int], encoding: Encoding) -> list[str] | str:
    """The fields of one line, or why it has none."""
    codec = "gb18030" if encoding == "gb18030" else "utf-8"
    data = line.encode(codec)
    if len(data) != ends[-1]:
        return "too_few_fields" if len(data) < ends[-1] else "too_many_fields"
    try:
        return [data[start:end].decode(codec).strip(" ") for start, end in pairwise([0, *ends])]
    except UnicodeDecodeError:
        return "undecodable"
