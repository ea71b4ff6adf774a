"""Bodies of releases as their publisher writes them, and reads its own last one again.

Here: rows to gzip and back, by ISA-L. Not here: what a release says (`compose.py`)
and reading what others wrote (`unpack.py`, `reader.py`), which needs no ISA-L.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import polars as pl
from isal import isal_zlib

from mingdan.lists.folder import sync
from mingdan.lists.format import SNAPSHOT, Header
from mingdan.lists.manifest import Release
from mingdan.lists.unpack import FileFacts, packed

_AT_ONCE = 1 << 22
_GZIP = 31
_LEVEL = 1
"""A tenth of the time of zlib's usual level, a twentieth larger."""


def write_body(path: Path, header: Header, blocks: Iterable[bytes]) -> FileFacts:
    """Write header and blocks of rows as one gzip member, equal bytes for equal lines.

    A block is some rows, each with its newline.
    """
    plain = 0
    packer = isal_zlib.compressobj(_LEVEL, wbits=_GZIP)
    with path.open("wb") as file:
        for block in chain([f"{header.line()}\n".encode("ascii")], blocks):
            file.write(packer.compress(block))
            plain += len(block)
        file.write(packer.flush())
    sync(path)
    with path.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    return FileFacts(digest, path.stat().st_size, plain, header.count)


def own_rows(of: Release) -> Iterator[pl.DataFrame]:
    """A snapshot we wrote ourselves, in parts: its digest is checked, its grammar was.

    For the publisher, whose manifest's digest is remembered apart from the release; a
    partner uses `reader.snapshot`. Raises Missing or Damaged.
    """
    pending = packed(of.folder / SNAPSHOT, of.file(SNAPSHOT))
    unpacker = isal_zlib.decompressobj(wbits=_GZIP)
    rest, at_header = b"", True
    while not unpacker.eof:
        block = rest + unpacker.decompress(pending, _AT_ONCE)
        pending = unpacker.unconsumed_tail
        if at_header:
            _, newline, after = block.partition(b"\n")
            block, at_header = (after, False) if newline else (block, True)
        end = 0 if at_header else block.rfind(b"\n") + 1
        rest = block[end:]
        if end:
            yield _read(block[:end])


def _read(lines: bytes) -> pl.DataFrame:
    """Rows of a snapshot as columns: slices of the lines, none of them copied."""
    # One column a line: what would part them is no sign of ASCII text.
    read = pl.read_csv(
        lines,
        has_header=False,
        separator="\x1f",
        quote_char=None,
        new_columns=["row"],
    )
    row = pl.col("row").str.slice(len("ADD,"))
    end = row.str.find(",", literal=True)
    return read.select(token=row.str.slice(0, end), attributes=row.str.slice(end + 1))
