"""Bytes of a release's files, never more of them than may be.

Here: reading a small text or a gzip file within limits. Not here: what the
bytes mean (`manifest.py`, `reader.py`).
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mingdan.lists.format import check
from mingdan.lists.refusals import Damaged, Malformed, Missing

MAX_JSON_BYTES = 1 << 16
MAX_FILE_BYTES = 1 << 28
MAX_PLAIN_BYTES = 1 << 31
MAX_LINE_BYTES = 1_024
_BLOCK = 1 << 16


@dataclass(frozen=True)
class FileFacts:
    """What a manifest announces of a file."""

    sha256: str
    bytes: int
    plain_bytes: int
    rows: int


def lines_of(path: Path, facts: FileFacts) -> Iterator[str]:
    """The lines of a gzip file that is byte for byte the one announced.

    One member only, unpacked a block at a time and never past the size
    announced, so that a bomb is refused before it goes off.
    """
    check(facts.plain_bytes <= MAX_PLAIN_BYTES, f"{path}: too large unpacked")
    data = packed(path, facts)
    rest = ""
    size = 0
    for block in _unpacked(path, data):
        size += len(block)
        check(size <= facts.plain_bytes, f"{path}: larger than announced")
        try:
            *lines, rest = (rest + block.decode("ascii")).split("\n")
        except UnicodeDecodeError:
            raise Malformed(f"{path}: not ASCII") from None
        check(len(rest) <= MAX_LINE_BYTES, f"{path}: a line is too long")
        yield from lines
    check(size == facts.plain_bytes, f"{path}: smaller than announced")
    check(rest == "", f"{path}: the last line is cut")


def packed(path: Path, facts: FileFacts) -> bytes:
    """The bytes of a file, which are those announced. Raises Missing, Malformed or Damaged."""
    check(facts.bytes <= MAX_FILE_BYTES, f"{path}: too large")
    data = _bytes(path, facts.bytes)
    if len(data) != facts.bytes or hashlib.sha256(data).hexdigest() != facts.sha256:
        raise Damaged(f"{path}: not the file announced")
    return data


def _unpacked(path: Path, data: bytes) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    pending = data
    try:
        while not unpacker.eof:
            block = unpacker.decompress(pending, _BLOCK)
            pending = unpacker.unconsumed_tail
            if not block and not pending and not unpacker.eof:
                raise Damaged(f"{path}: cut short")
            yield block
    except zlib.error as error:
        raise Damaged(f"{path}: {error}") from None
    if unpacker.unused_data or pending:
        raise Malformed(f"{path}: more than one gzip member")


def text_of(path: Path) -> str:
    try:
        return _bytes(path, MAX_JSON_BYTES).decode("ascii")
    except UnicodeDecodeError:
        raise Malformed(f"{path}: not ASCII") from None


def _bytes(path: Path, limit: int) -> bytes:
    """At most `limit` bytes of a file, or a refusal that names it."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise Missing(f"{path} does not exist") from None
    except OSError as error:
        raise Missing(f"cannot read {path}: {error}") from None
    if len(data) > limit:
        raise Damaged(f"{path}: larger than {limit} bytes")
    return data
