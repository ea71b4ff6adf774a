"""A delivered file as blocks of whole lines, its header checked and taken off.

Here: decompression, the byte order mark, the header, and the faults for which a
file is refused as a whole (`FileRefused`). Not here: lines and fields
(`lines.py`), what a field means (`records.py`).
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mingdan.identifiers import mask_number
from mingdan.usage.source import Encoding, Source

BLOCK_BYTES = 16 * 1024 * 1024
"""Decompressed bytes read at once; memory does not grow with the file."""
_MARKS = {"utf-8": b"\xef\xbb\xbf", "utf-8-sig": b"\xef\xbb\xbf", "gb18030": b"\x84\x31\x95\x33"}


class FileRefused(Exception):
    """One file cannot be taken as a whole; the message says why."""


@dataclass(frozen=True)
class Block:
    """Whole lines of a file, as delivered."""

    raw: bytes
    first_line: int
    """Number of the first line in `raw`, 1 = first line of the file."""
    head: int = 0
    """Bytes of `raw` before the first data line: byte order mark and header."""

    @property
    def data_line(self) -> int:
        """Number of the first data line."""
        return self.first_line + self.raw.count(b"\n", 0, self.head)


def read_blocks(path: Path, source: Source) -> Iterator[Block]:
    """The file in blocks of whole lines. Raises FileRefused."""
    line = 1
    empty = True
    for raw in _whole_lines(path, source):
        empty = False
        if b"\0" in raw:
            at = line + raw.count(b"\n", 0, raw.index(b"\0"))
            raise FileRefused(f"NUL byte in line {at}: not a text file, or damaged on its way")
        yield Block(raw, line, _head(raw, source) if line == 1 else 0)
        line += raw.count(b"\n")
    if empty:
        raise FileRefused("empty file")


def _whole_lines(path: Path, source: Source) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            stream: IO[bytes] = file
            if source.file.compression == "gzip":
                stream = io.BufferedReader(gzip.GzipFile(fileobj=file), 1024 * 1024)
            rest = b""
            while block := stream.read(BLOCK_BYTES):
                data = rest + block
                cut = data.rfind(b"\n") + 1
                rest = data[cut:]
                if len(rest) > source.max_line_bytes:
                    raise FileRefused(too_long(source))
                if cut:
                    yield data[:cut]
            if rest:
                yield rest
    except EOFError:
        raise FileRefused("truncated gzip: it ends before its end mark") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FileRefused(f"corrupt gzip: {error}") from None
    except OSError as error:
        raise FileRefused(f"cannot be read: {error.strerror or error}") from None


def too_long(source: Source, line: int | None = None) -> str:
    """The words for a line above the source's limit."""
    where = "a line" if line is None else f"line {line}"
    return f"{where} is longer than max_line_bytes = {source.max_line_bytes}"


def _head(raw: bytes, source: Source) -> int:
    """Bytes before the first data line. Raises FileRefused if they are not as declared."""
    encoding = source.file.encoding
    mark = 0
    if raw.startswith(_MARKS[encoding]):
        if encoding != "utf-8-sig":
            hint = "; declare utf-8-sig" if encoding == "utf-8" else ""
            raise FileRefused(f"begins with a byte order mark, declared {encoding} has none{hint}")
        mark = len(_MARKS[encoding])
    if not source.file.header:
        return mark
    end = raw.find(b"\n") + 1 or len(raw)
    _check_header(raw[mark:end].rstrip(b"\r\n"), source)
    return end


def _check_header(line: bytes, source: Source) -> None:
    expected = source.file.names
    found = _names(line, source.file.encoding, source)
    if found == expected:
        return
    others: tuple[Encoding, ...] = ("utf-8", "gb18030")
    hint = ""
    for other in others:
        if _names(line, other, source) == expected:
            hint = f"; it reads as expected in {other}: the declared encoding is wrong"
    if found is None:
        raise FileRefused(f"the header is not valid {source.file.encoding} as declared{hint}")
    gone = [name for name in expected if name not in found]
    new = [_shown(name) for name in found if name not in expected]
    parts = [
        f"missing {', '.join(gone)}" if gone else "",
        f"unexpected {', '.join(new)}" if new else "",
    ]
    what = "; ".join(part for part in parts if part) or "same names in another order or repeated"
    raise FileRefused(f"the header changed: {what}{hint}")


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
