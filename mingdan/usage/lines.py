"""Lines as text fields, with every fault of a line's form named.

Here: transcoding, line ends, field counts. Not here: files (`text.py`) and what
a field means (`records.py`).

A block that is clean (nearly all are) is split whole by vectorised code; only a
block with faults is looked at line by line. A faulty line keeps its bytes as
delivered, from before transcoding.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from mingdan.usage.source import Encoding, Source
from mingdan.usage.text import Block, FileRefused, too_long

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
class Lines:
    """The data lines of a block: the well-formed ones split, the others as faults."""

    block: Block
    rows: int
    """Data lines, faulty ones included; blank lines are no data."""
    fields: pl.DataFrame
    """One text column for each column of the file that is read; an empty field is null."""
    numbers: pl.Series
    """Line number of each row of `fields`."""
    texts: pl.Series
    """Each row's line as text, with its line end."""
    faults: tuple[Fault, ...]

    @property
    def whole(self) -> pl.Series:
        """Each row's line as text, without its line end."""
        return self.texts.str.strip_chars_end("\r\n")

    @cached_property
    def _bounds(self) -> Positions:
        return _bounds(self.block.raw)

    def delivered(self, line: int) -> bytes:
        """A line's bytes as delivered, without its newline."""
        at = line - self.block.first_line
        raw = self.block.raw[self._bounds[at] : self._bounds[at + 1]]
        return raw.removesuffix(b"\n")


def split_block(block: Block, source: Source) -> Lines:
    """The lines of a block. Raises FileRefused for a line above the length limit."""
    data, undecodable = _utf8(block.raw[block.head :], source.file.encoding)
    bounds = _bounds(data)
    numbers = np.arange(bounds.size - 1, dtype=np.int32) + block.data_line
    lengths = np.diff(bounds)
    if lengths.size and int(lengths.max()) > source.max_line_bytes:
        raise FileRefused(too_long(source, int(numbers[lengths.argmax()])))
    faults = [Fault(int(numbers[at]), "undecodable") for at in undecodable]
    dropped = _blank(data, bounds, lengths)
    rows = int(lengths.size - dropped.sum()) + undecodable.size
    lines = _as_text(data, bounds)
    if dropped.any():
        lines, numbers = lines.filter(pl.Series(~dropped)), numbers[~dropped]
    split = _split if source.file.quote == "none" else _split_quoted
    fields, wrong = split(lines, source)
    if wrong:
        faults += [Fault(int(numbers[at]), reason) for at, reason in wrong.items()]
        good = np.ones(numbers.size, dtype=np.bool_)
        good[list(wrong)] = False
        fields, lines, numbers = fields.filter(good), lines.filter(pl.Series(good)), numbers[good]
    return Lines(
        block=block,
        rows=rows,
        fields=fields.select(
            pl.when(pl.col(name) != "").then(pl.col(name)) for name in sorted(source.used)
        ),
        numbers=pl.Series(numbers, dtype=pl.Int32),
        texts=lines,
        faults=tuple(faults),
    )


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
