"""A delivered file unpacked, and how much may come out of it.

Here: gzip and zstd, the limits of a file, and the faults of packing. Not here: what
the bytes are (`text.py`, `columnar.py`).
"""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import pyarrow as pa
from isal import igzip
from isal.igzip_lib import IsalError

from mingdan.landed import open_plain
from mingdan.settings import Settings
from mingdan.usage.source import Source

_RATIO_FREE = 64 * 1024 * 1024
"""Unpacked bytes any small file may have: what is so small may well be uniform."""
_BUFFER = 1024 * 1024


class Stream(Protocol):
    """Bytes to be read from first to last."""

    def read(self, size: int, /) -> bytes: ...


class FileRefused(Exception):
    """One file cannot be taken as a whole; the message says why."""


@dataclass(frozen=True)
class Limits:
    """How much one file may unpack to: what is beyond it is no delivery, or an attack."""

    bytes: int
    lines: int
    ratio: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(settings.max_file_bytes, settings.max_file_lines, settings.max_unpack_ratio)

    def unpacked(self, size: int, source: Source) -> int:
        """Most bytes a file of `size` bytes as delivered can hold within the limits."""
        if source.file.compression == "none":
            return min(size, self.bytes)
        return min(self.bytes, max(_RATIO_FREE, self.ratio * size))

    def check(self, unpacked: int, size: int, source: Source) -> None:
        """Raises FileRefused if so many bytes have come out of a file of `size` bytes."""
        if unpacked > self.bytes:
            raise FileRefused(f"larger than max_file_bytes = {self.bytes}")
        if unpacked > self.unpacked(size, source):
            raise FileRefused(
                f"unpacks to more than max_unpack_ratio = {self.ratio} times its size"
            )


@contextmanager
def unpacked(path: Path, source: Source) -> Iterator[tuple[Stream, int]]:
    """The file's bytes unpacked, and its size as delivered.

    Raises FileRefused, from within the block, too, for what cannot be unpacked.
    """
    packing = source.file.compression
    try:
        with open_plain(path) as file:
            size = os.fstat(file.fileno()).st_size
            if packing == "gzip":
                stream = igzip.GzipFile(fileobj=file)  # type: ignore[no-untyped-call]
                yield io.BufferedReader(stream, _BUFFER), size
            elif packing == "zstd":
                yield pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd"), size
            else:
                yield file, size
    except (EOFError, gzip.BadGzipFile, IsalError) as error:  # type: ignore[misc] # its stub
        raise FileRefused(_gzip_fault(path) or f"corrupt gzip: {error}") from None
    except OSError as error:
        if packing == "zstd" and error.errno is None:
            cut = "truncated" in str(error).lower()
            what = "truncated zstd: it ends before its end mark" if cut else "corrupt zstd"
            raise FileRefused(what if cut else f"{what}: {error}") from None
        raise FileRefused(f"cannot be read: {error.strerror or error}") from None


def _gzip_fault(path: Path) -> str | None:
    """What is wrong with a gzip file, in the standard library's words.

    The fast reader does not tell a file cut off from one that goes on after its end.
    """
    try:
        with open_plain(path) as file, gzip.GzipFile(fileobj=file) as stream:
            while stream.read(_BUFFER):
                pass
    except EOFError:
        return "truncated gzip: it ends before its end mark"
    except (gzip.BadGzipFile, zlib.error) as error:
        return f"corrupt gzip: {error}"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    return None
