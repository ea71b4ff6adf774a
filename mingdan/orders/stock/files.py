"""Stock files: tables of numbers, cards or handsets as suppliers send them.

Here: reading a CSV file into lines, with its header checked. Not here: what
stands on a line (`lines.py`) and taking it into stock (`imports.py`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from mingdan.orders.refusals import Refused

ENCODINGS = ("utf-8", "gb18030")
LARGEST = 256 * 1024 * 1024
"""Bytes of one file: some five million lines."""


@dataclass(frozen=True)
class Layout:
    """The columns of a kind of file; `key`: what may stand in it once only."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    key: tuple[str, ...]


LAYOUTS = {
    "number": Layout(("number",), ("group",), ("number",)),
    "sms_port": Layout(("number", "licence_no"), ("licensed_until",), ("number",)),
    "access_number": Layout(("number", "licence_no"), ("licensed_until",), ("number",)),
    "segment": Layout(("prefix",), ("area_code", "state"), ("prefix",)),
    "sim": Layout(("iccid", "imsi", "capacity_k", "stk"), (), ("iccid", "imsi")),
    "prepaid_card": Layout(
        ("card_no", "face_value_fen", "validity_days", "sell_by"), ("iccid",), ("card_no", "iccid")
    ),
    "handset": Layout(("imei", "model"), ("usage",), ("imei",)),
}


@dataclass(frozen=True)
class Line:
    """A line's fields by column; `problem` if it has too few or too many."""

    number: int
    fields: dict[str, str]
    content: str
    problem: Refused | None = None


def read(kind: str, content: bytes, name: str, *, encoding: str = "utf-8") -> Iterator[Line]:
    """The lines of a file, the header left out; blank lines are skipped.

    Refuses (import_unreadable) what is no such table, before the first line.
    """
    rows = _rows(content, name, encoding)
    header = next(rows, (0, []))[1]
    layout = LAYOUTS[kind]
    missing = [column for column in layout.required if column not in header]
    odd = [column for column in header if column not in layout.required + layout.optional]
    if missing or odd or len(set(header)) != len(header):
        wanted = ", ".join((*layout.required, *(f"[{each}]" for each in layout.optional)))
        raise Refused("import_unreadable", file=name, problem=f"its columns are not {wanted}")
    for number, row in rows:
        if not row:
            continue
        text = ",".join(row)
        if len(row) != len(header):
            problem = Refused("line_malformed", found=len(row), wanted=len(header))
            yield Line(number, {}, text, problem)
        else:
            yield Line(number, dict(zip(header, row, strict=True)), text)


def _rows(content: bytes, name: str, encoding: str) -> Iterator[tuple[int, list[str]]]:
    if encoding not in ENCODINGS:
        raise Refused("invalid_value", field="encoding", problem=f"is none of {ENCODINGS}")
    if len(content) > LARGEST:
        raise Refused("import_unreadable", file=name, problem=f"more than {LARGEST} bytes")
    try:
        text = content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} is not {encoding}"
        raise Refused("import_unreadable", file=name, problem=problem) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            problem = f"line {reader.line_num}: {error}"
            raise Refused("import_unreadable", file=name, problem=problem) from None
        if row is None:
            return
        yield reader.line_num, row
