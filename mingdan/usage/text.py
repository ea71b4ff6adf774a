"""A delivered file of lines as blocks of whole lines, its header checked and taken off.

Here: the byte order mark, the header, and the faults for which a file is refused
as a whole (`FileRefused`). Not here: unpacking (`packed.py`), lines and fields
(`lines.py`), what a field means (`records.py`), Parquet (`columnar.py`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mingdan.identifiers import mask_number
from mingdan.usage.packed import FileRefused, Limits, unpacked
from mingdan.usage.source import Encoding, Source

BLOCK_BYTES = 16 * 1024 * 1024
"""Decompressed bytes read at once; memory does not grow with the file."""
BLOCK_LINES = 262_144
"""Lines handed on at once; a line costs memory however short it is."""
_NEWLINE = 10
_MARKS = {"utf-8": b"\xef\xbb\xbf", "utf-8-sig": b"\xef\xbb\xbf", "gb18030": b"\x84\x31\x95\x33"}


@dataclass(frozen=True)
class Block:
    """Whole lines of a file, as delivered."""

    raw: bytes
    first_line: int
    """Number of the first line in `raw`, 1 = first line of the file."""
    head: int = 0
    """Bytes of `raw` before the first data line: byte order mark and header."""
    left: int = 0
    """Most bytes the file can hold after these."""
    names: tuple[str, ...] = ()
    """The file's columns in their order; empty: as the spec names them."""

    @property
    def data_line(self) -> int:
        """Number of the first data line."""
        return self.first_line + self.raw.count(b"\n", 0, self.head)


def read_blocks(path: Path, source: Source, limits: Limits) -> Iterator[Block]:
    """The file in blocks of whole lines. Raises FileRefused, as soon as a limit is passed."""
    line = 1
    empty = True
    names: tuple[str, ...] = ()
    for raw, left in _whole_lines(path, source, limits):
        empty = False
        if b"\0" in raw:
            at = line + raw.count(b"\n", 0, raw.index(b"\0"))
            raise FileRefused(f"NUL byte in line {at}: not a text file, or damaged on its way")
        if line + raw.count(b"\n") - 1 > limits.lines:
            raise FileRefused(f"more lines than max_file_lines = {limits.lines}")
        still = len(raw)
        for part in _parts(raw):
            still -= len(part)
            head = 0
            if line == 1:
                head, names = _head(part, source)
            yield Block(part, line, head, still + left, names)
            line += part.count(b"\n")
    if empty:
        raise FileRefused("empty file")


def _parts(raw: bytes) -> Iterator[bytes]:
    """`raw` in parts of at most BLOCK_LINES lines; nearly always it is one."""
    if raw.count(b"\n") <= BLOCK_LINES:
        yield raw
        return
    ends = np.flatnonzero(np.frombuffer(raw, dtype=np.uint8) == _NEWLINE)[
        BLOCK_LINES - 1 :: BLOCK_LINES
    ]
    start = 0
    for end in (*(ends + 1).tolist(), len(raw)):
        if end > start:
            yield raw[start:end]
        start = end


def _whole_lines(path: Path, source: Source, limits: Limits) -> Iterator[tuple[bytes, int]]:
    """Blocks of whole lines, each with the most bytes that can follow."""
    with unpacked(path, source) as (stream, size):
        most = limits.unpacked(size, source)
        taken = 0
        rest = b""
        while block := stream.read(BLOCK_BYTES):
            taken += len(block)
            limits.check(taken, size, source)
            data = rest + block
            cut = data.rfind(b"\n") + 1
            rest = data[cut:]
            if len(rest) > source.max_line_bytes:
                raise FileRefused(too_long(source))
            if cut:
                yield data[:cut], most - taken + len(rest)
        if rest:
            yield rest, 0


def too_long(source: Source, line: int | None = None) -> str:
    """The words for a line above the source's limit."""
    where = "a line" if line is None else f"line {line}"
    return f"{where} is longer than max_line_bytes = {source.max_line_bytes}"


def _head(raw: bytes, source: Source) -> tuple[int, tuple[str, ...]]:
    """Bytes before the first data line, and the names in the order they stand in there.

    Raises FileRefused if they are not as declared.
    """
    encoding = source.file.encoding
    mark = 0
    if raw.startswith(_MARKS[encoding]):
        if encoding != "utf-8-sig":
            hint = "; declare utf-8-sig" if encoding == "utf-8" else ""
            raise FileRefused(f"begins with a byte order mark, declared {encoding} has none{hint}")
        mark = len(_MARKS[encoding])
    if not source.file.header:
        return mark, source.file.names
    end = raw.find(b"\n") + 1 or len(raw)
    return end, _header(raw[mark:end].rstrip(b"\r\n"), source)


def _header(line: bytes, source: Source) -> tuple[str, ...]:
    expected = source.file.names
    found = _names(line, source.file.encoding, source)
    if found == expected:
        return found
    if found is not None and source.file.any_order and sorted(found) == sorted(expected):
        return found
    others: tuple[Encoding, ...] = ("utf-8", "gb18030")
    hint = ""
    for other in others:
        if _names(line, other, source) == expected:
            hint = f"; it reads as expected in {other}: the declared encoding is wrong"
    if found is None:
        raise FileRefused(f"the header is not valid {source.file.encoding} as declared{hint}")
    what = differing(found, source) or "same names in another order or repeated"
    raise FileRefused(f"the header changed: {what}{hint}")


def differing(found: Sequence[str], source: Source) -> str:
    """Which names are missing or unexpected, in words; empty if none."""
    expected = source.file.names
    gone = [name for name in expected if name not in found]
    new = [_shown(name) for name in found if name not in expected]
    parts = [
        f"missing {', '.join(gone)}" if gone else "",
        f"unexpected {', '.join(new)}" if new else "",
    ]
    return "; ".join(part for part in parts if part)


def _shown(name: str) -> str:
    """A name from the file, fit for an error: a line of data must not show its numbers there."""
    printable = "".join(char if char.isprintable() else "?" for char in name[:40])
    return mask_number(printable) if sum(char.isdigit() for char in name) > 4 else printable


def _names(line: bytes, encoding: Encoding, source: Source) -> tuple[str, ...] | None:
    try:
        text = line.decode(encoding)
    except UnicodeDecodeError:
        return None
    if source.file.quote == '"':
        return tuple(next(csv.reader([text], delimiter=source.file.delimiter), []))
    return tuple(text.split(source.file.delimiter))
