"""A delivered file as lines: counted, capped and split before anything is believed.

Here: reading a CSV file of a fixed header without trusting it. Not here: what its
fields mean (`complaints.py`, `partner_lists.py`) and other forms (`forms.py`).

The encoding is declared, never guessed: 诈骗 in GB18030 is valid UTF-8, so the
fields of these files are codes, numbers and times in ASCII, and a line that is
not of its encoding is set aside. A line is a physical line: no field may hold a
newline (no byte of a GB18030 character is one), so an unclosed quote cannot swallow
the rest of the file.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from mingdan.landed import open_plain
from mingdan.reports.policy import Caps

WHOLE_FILE = 0
"""Line number of a quarantine row that stands for the file."""

CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Record = dict[str, Any]


@dataclass(frozen=True)
class Bad:
    """A line set aside: why, which field, and its bytes (its head if it is too long)."""

    line: int
    reason: str
    field: str | None
    raw: bytes


@dataclass(frozen=True)
class Good:
    """A line understood: its values and its bytes."""

    line: int
    record: Record
    raw: bytes


@dataclass
class Delivered:
    """A file read: `received` data lines, each of them good or bad."""

    file: str
    source: str
    received: int = 0
    good: list[Good] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    stopped: str | None = None
    """Why nothing of the file was taken; None if it was."""

    @property
    def quarantined(self) -> int:
        """Data lines not taken (a file stopped unread has one quarantine row for all)."""
        return self.received - len(self.good)

    def stop(self, reason: str, culprits: dict[int, str] | None = None) -> None:
        """Take nothing of this file.

        Where single lines are to blame (`culprits`, line -> reason; empty if they
        are set aside already) the others say `file_stopped`, else all say `reason`.
        """
        others = reason if culprits is None else "file_stopped"
        blamed = culprits or {}
        self.bad += [
            Bad(row.line, blamed.get(row.line, others), None, row.raw) for row in self.good
        ]
        self.bad.sort(key=lambda bad: bad.line)
        self.good = []
        self.stopped = reason


class Unreadable(Exception):
    """The file as a whole cannot be read: reason code, data lines counted, first bytes."""

    def __init__(self, reason: str, received: int = 0, head: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.received = received
        self.head = head


class Flaw(Exception):
    """A field that cannot be taken: reason code and the column at fault."""

    def __init__(self, reason: str, column: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.column = column


def read(
    path: Path,
    delivered: Delivered,
    header: tuple[str, ...],
    caps: Caps,
    parse: Callable[[dict[str, str]], Record],
    *,
    encoding: str = "utf-8",
) -> None:
    """Read `path` into `delivered`, each data line through `parse`.

    `parse` raises Flaw for a line to be set aside. Raises Unreadable for an
    empty file, too many lines or another header; NotPlain for a link or pipe,
    OSError as the disk does.
    """
    lines = count_lines(path)
    with open_plain(path) as stream:
        first, _ = _line(stream, caps.max_line_bytes)
        if lines == 0:
            raise Unreadable("empty_file")
        delivered.received = lines - 1
        if _names(first) != header:
            raise Unreadable("bad_header", lines - 1, first)
        if delivered.received > caps.max_rows:
            raise Unreadable("too_many_rows", lines - 1, first)
        for number, raw, too_long in _lines(stream, caps.max_line_bytes):
            try:
                if too_long:
                    raise Flaw("line_too_long")
                delivered.good.append(Good(number, parse(_fields(raw, header, encoding)), raw))
            except Flaw as flaw:
                delivered.bad.append(Bad(number, flaw.reason, flaw.column, raw))


def count_lines(path: Path) -> int:
    """Physical lines of a file, the last one with or without its newline."""
    lines = 0
    last = b"\n"
    with open_plain(path) as stream:
        while block := stream.read(1 << 20):
            lines += block.count(b"\n")
            last = block[-1:]
    return lines + (last != b"\n")


def set_apart(delivered: Delivered, key: str) -> None:
    """Set aside lines whose `key` repeats: equal ones but the first, differing ones all.

    Which of two differing lines is meant cannot be known, so neither is taken.
    """
    seen: dict[object, list[Good]] = {}
    for row in delivered.good:
        seen.setdefault(row.record[key], []).append(row)
    gone: dict[int, str] = {}
    for rows in seen.values():
        differ = any(row.record != rows[0].record for row in rows)
        reason = "conflict" if differ else "duplicate_id"
        gone |= {row.line: reason for row in (rows if differ else rows[1:])}
    set_aside(delivered, gone, key)


def set_aside(delivered: Delivered, reasons: dict[int, str], column: str | None) -> None:
    """Move the good lines named in `reasons` (line -> reason) to the bad ones."""
    delivered.bad += [
        Bad(row.line, reasons[row.line], column, row.raw)
        for row in delivered.good
        if row.line in reasons
    ]
    delivered.bad.sort(key=lambda bad: bad.line)
    delivered.good = [row for row in delivered.good if row.line not in reasons]


def _line(stream: BinaryIO, limit: int) -> tuple[bytes, bool]:
    """The next line without its ending, and whether it was longer than `limit` bytes."""
    raw = stream.readline(limit + 2)
    too_long = len(raw.rstrip(b"\r\n")) > limit
    if too_long:
        rest = raw
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(1 << 16)
    return raw.removesuffix(b"\n").removesuffix(b"\r")[:limit], too_long


def _lines(stream: BinaryIO, limit: int) -> Iterator[tuple[int, bytes, bool]]:
    number = 1
    while True:
        start = stream.tell()
        raw, too_long = _line(stream, limit)
        if stream.tell() == start:
            return
        number += 1
        yield number, raw, too_long


def _names(first: bytes) -> tuple[str, ...] | None:
    try:
        return tuple(first.removeprefix(b"\xef\xbb\xbf").decode("ascii").split(","))
    except UnicodeDecodeError:
        return None


def _fields(raw: bytes, header: tuple[str, ...], encoding: str) -> dict[str, str]:
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        raise Flaw("not_" + encoding.replace("-", "")) from None
    if CONTROL.search(text):
        raise Flaw("control_character")
    try:
        values = next(csv.reader([text], strict=True), [])
    except csv.Error:
        raise Flaw("bad_quoting") from None
    if len(values) != len(header):
        raise Flaw("too_few_fields" if len(values) < len(header) else "too_many_fields")
    return dict(zip(header, values, strict=True))
