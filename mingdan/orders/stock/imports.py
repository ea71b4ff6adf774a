"""Taking a stock file: every line checked, then the whole file or its good lines.

Here: repeats within the file, the writing, and the report by line. Not here: what
a line must look like (`lines.py`) and repeats against the store (`repeats.py`).

A file is taken wholly or not at all; with `partial` its good lines are taken and
the others set aside (quarantine) with the reason. The same file is taken once:
handed in again, it is answered as before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, select

from mingdan.identifiers import mask_number
from mingdan.orders import checks
from mingdan.orders import model as m
from mingdan.orders.database import lock
from mingdan.orders.journal import Journal
from mingdan.orders.model import Base
from mingdan.orders.refusals import Refused
from mingdan.orders.stock import files, lines, segments
from mingdan.orders.stock.model import (
    Handset,
    NumberSegment,
    PrepaidCard,
    StockImport,
    StockImportLine,
)
from mingdan.orders.stock.repeats import LineRefused, Sheet, against_stock


@dataclass(frozen=True)
class ImportReport:
    """What came of a file. `taken` counts its lines; 0 if it was not taken."""

    kind: str
    import_id: int | None
    lines: int
    taken: int
    refused: tuple[LineRefused, ...]
    repeated: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the file, or its good lines, went into stock."""
        return self.import_id is not None


def digest(content: bytes, *options: object) -> str:
    """Of a file and how it is read."""
    return blake2b(content + repr(options).encode(), digest_size=16).hexdigest()


def checked(
    kind: str, content: bytes, name: str, context: lines.Context, *, encoding: str
) -> Sheet:
    """Every line of a file checked on its own and against the lines before it."""
    sheet = Sheet(kind)
    seen: dict[tuple[str, str], int] = {}
    check, key = lines.CHECKS[kind], files.LAYOUTS[kind].key
    for line in files.read(kind, content, name, encoding=encoding):
        try:
            if line.problem is not None:
                raise line.problem
            row = check(line.fields, context)
            for column in key:
                value = _unique(column, row)
                if value is None:
                    continue
                first = seen.setdefault((column, value), line.number)
                if first != line.number:
                    raise Refused("duplicate_in_file", value=mask_number(value), line=first)
        except Refused as refusal:
            sheet.refuse(line, refusal)
        else:
            sheet.good[line.number] = (line, row)
    return sheet


def _unique(column: str, row: lines.Values) -> str | None:
    value: str | None = row[column]
    return value


def take(
    journal: Journal,
    sheet: Sheet,
    context: lines.Context,
    *,
    name: str,
    file_digest: str,
    partial: bool,
) -> ImportReport:
    """Put a checked file into stock, in the caller's transaction."""
    connection, total = journal.connection, len(sheet.good) + len(sheet.bad)
    # All at once and in ascending order, or two writers would wait for each other.
    lock(connection, "resources", [f"stock_import:{sheet.kind}:{file_digest}", *_locks(sheet)])
    before = _before(connection, sheet.kind, file_digest)
    if before is not None:
        return before
    against_stock(connection, sheet)
    refused = tuple(sheet.bad[number] for number in sorted(sheet.bad))
    if (refused and not partial) or not sheet.good:
        return ImportReport(sheet.kind, None, total, 0, refused)
    taken = len(sheet.good)
    import_id: int = journal.insert(
        StockImport,
        kind=sheet.kind,
        digest=file_digest,
        file_name=checks.words("file", name),
        lines=total,
        taken=taken,
        refused=len(refused),
        recorded_at=context.at,
    )
    journal.insert_many(
        StockImportLine,
        ("import_id", "line", "code", "reason", "reason_zh", "content"),
        [(import_id, r.line, r.code, r.reason, r.reason_zh, r.content) for r in refused],
    )
    _write(journal, sheet, context)
    return ImportReport(sheet.kind, import_id, total, taken, refused)


def _before(connection: Connection, kind: str, file_digest: str) -> ImportReport | None:
    i, line = StockImport, StockImportLine
    row = connection.execute(
        select(i.import_id, i.lines, i.taken).where(i.kind == kind, i.digest == file_digest)
    ).one_or_none()
    if row is None:
        return None
    aside = connection.execute(
        select(line.line, line.code, line.reason, line.reason_zh, line.content)
        .where(line.import_id == row.import_id)
        .order_by(line.line)
    )
    refused = tuple(LineRefused(*each) for each in aside)
    return ImportReport(kind, row.import_id, row.lines, row.taken, refused, repeated=True)


def _locks(sheet: Sheet) -> Iterable[str]:
    names = {"number": "numbers", "iccid": "iccids", "imsi": "imsis", "imei": "imeis"}
    for column in files.LAYOUTS[sheet.kind].key:
        for value in sheet.keys(column):
            yield f"{names.get(column, column)}:{value}"
    if sheet.kind == "segment":
        for _, row in sheet.good.values():
            start = segments.stored_prefix(row["prefix"], row["kind"])
            yield from (f"numbers:{number}" for number in segments.numbers_of(start))


_TABLES: dict[str, type[Base]] = {
    "number": m.Msisdn,
    "sms_port": m.Msisdn,
    "access_number": m.Msisdn,
    "sim": m.SimCard,
    "prepaid_card": PrepaidCard,
    "handset": Handset,
}
_LEARNT = {
    m.Msisdn: ("number", ("kind", "group_code", "licence_no", "licensed_until")),
    m.SimCard: ("iccid", ("capacity_k", "stk")),
}
"""What stock adds to a number or card that an order brought in: its state stays."""


def _write(journal: Journal, sheet: Sheet, context: lines.Context) -> None:
    rows = [row for _, row in sheet.good.values()]
    if sheet.kind != "segment":
        put(journal, _TABLES[sheet.kind], rows)
        return
    for row in rows:
        journal.insert(NumberSegment, **row)
        numbers = Sheet("number")
        for place, each in enumerate(lines.segment_numbers(row, context)):
            numbers.good[place] = (files.Line(place, {}, ""), each)
        # Numbers of it that are in stock already stay as they are.
        against_stock(journal.connection, numbers)
        put(journal, m.Msisdn, [each for _, each in numbers.good.values()])


def put(journal: Journal, table: type[Base], rows: list[lines.Values]) -> None:
    """Insert rows of stock; of those known to the store, write what stock adds."""
    known: list[lines.Values] = []
    fresh: list[lines.Values] = []
    for row in rows:
        (known if row.pop("known", False) else fresh).append(row)
    if fresh:
        columns = tuple(fresh[0])
        journal.insert_many(table, columns, [tuple(row.values()) for row in fresh])
    for row in known:
        key, learnt = _LEARNT[table]
        journal.update(table, row[key], **{name: row[name] for name in learnt})


def file_context(
    at: datetime, operator: str, sort: Any, groups: Iterable[str], *, ported_in: bool
) -> lines.Context:
    """What the lines of a file are checked against at an instant."""
    return lines.Context(checks.instant("at", at), operator, sort, frozenset(groups), ported_in)
