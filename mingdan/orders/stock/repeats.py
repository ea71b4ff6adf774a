"""A stock file at work, and which of its lines the store has already.

Here: the sheet of good and refused lines, and every kind's comparison with what
is on record, set-wise. Not here: writing (`imports.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from mingdan.identifiers import mask_number
from mingdan.orders import queries
from mingdan.orders.finding import Among, Query, find
from mingdan.orders.refusals import Refused
from mingdan.orders.stock import files, lines
from mingdan.orders.stock.model import Handset, NumberSegment, PrepaidCard


@dataclass(frozen=True)
class LineRefused:
    """A line that is not in order; `content` is the line itself, never for people's eyes."""

    line: int
    code: str
    reason: str
    reason_zh: str
    content: str = field(repr=False)


@dataclass
class Sheet:
    """A file being taken: its good rows by line, and the refused lines."""

    kind: str
    good: dict[int, tuple[files.Line, lines.Values]] = field(default_factory=dict)
    bad: dict[int, LineRefused] = field(default_factory=dict)

    def refuse(self, line: files.Line, refusal: Refused) -> None:
        self.good.pop(line.number, None)
        self.bad[line.number] = LineRefused(
            line.number, refusal.code, refusal.reason, refusal.reason_zh, line.content
        )

    def keys(self, column: str) -> set[str]:
        return {row[column] for _, row in self.good.values() if row[column] is not None}


def against_stock(connection: Connection, sheet: Sheet) -> None:
    """Refuse the lines of `sheet` that the store has already; call with its keys locked."""
    _AGAINST_STOCK[sheet.kind](connection, sheet)


def _against_numbers(connection: Connection, sheet: Sheet) -> None:
    """Numbers in stock are repeats; one that only an order brought in becomes known."""
    found = {row[0]: row for row in find(connection, queries.numbers, sheet.keys("number"))}
    for line, row in list(sheet.good.values()):
        old = found.get(row["number"])
        if old is None:
            continue
        if old[5]:
            sheet.refuse(line, Refused("duplicate_in_stock", value=mask_number(row["number"])))
        else:
            row["known"] = True


def _against_sims(connection: Connection, sheet: Sheet) -> None:
    cards = find(connection, queries.sims_by_iccid, sheet.keys("iccid"))
    cards = [*cards, *find(connection, queries.sims_by_imsi, sheet.keys("imsi"))]
    by_iccid, by_imsi = {row[0]: row for row in cards}, {row[1]: row for row in cards}
    for line, row in list(sheet.good.values()):
        old, twin = by_iccid.get(row["iccid"]), by_imsi.get(row["imsi"])
        if old is None and twin is None:
            continue
        if old is not None and old == twin and not old[6]:
            row["known"] = True
        else:
            shown = mask_number(row["iccid" if old is not None else "imsi"])
            sheet.refuse(line, Refused("duplicate_in_stock", value=shown))


def _against_cards(connection: Connection, sheet: Sheet) -> None:
    numbers = {row[0] for row in find(connection, _cards, sheet.keys("card_no"))}
    taken = {row[0] for row in find(connection, _card_sims, sheet.keys("iccid"))}
    sims = {row[0]: row for row in find(connection, queries.sims_by_iccid, sheet.keys("iccid"))}
    for line, row in list(sheet.good.values()):
        iccid = row["iccid"]
        if row["card_no"] in numbers or iccid in taken:
            value = row["card_no"] if row["card_no"] in numbers else iccid
            sheet.refuse(line, Refused("duplicate_in_stock", value=mask_number(value)))
        elif iccid is not None and (iccid not in sims or sims[iccid][2] != "in_stock"):
            state = sims[iccid][2] if iccid in sims else None
            code = "sim_not_in_stock" if state is None else "sim_unavailable"
            sheet.refuse(line, Refused(code, iccid=mask_number(iccid), state=state))


def _against_handsets(connection: Connection, sheet: Sheet) -> None:
    known = {row[0] for row in find(connection, _imeis, sheet.keys("imei"))}
    for line, row in list(sheet.good.values()):
        if row["imei"] in known:
            sheet.refuse(line, Refused("duplicate_in_stock", value=mask_number(row["imei"])))


def _against_segments(connection: Connection, sheet: Sheet) -> None:
    known = {row[0] for row in find(connection, _prefixes, sheet.keys("prefix"))}
    for line, row in list(sheet.good.values()):
        if row["prefix"] in known:
            sheet.refuse(line, Refused("segment_exists", prefix=row["prefix"]))


def _cards(among: Among) -> Query:
    return select(PrepaidCard.card_no).where(among(PrepaidCard.card_no))


def _card_sims(among: Among) -> Query:
    return select(PrepaidCard.iccid).where(among(PrepaidCard.iccid))


def _imeis(among: Among) -> Query:
    return select(Handset.imei).where(among(Handset.imei))


def _prefixes(among: Among) -> Query:
    return select(NumberSegment.prefix).where(among(NumberSegment.prefix))


_AGAINST_STOCK = {
    "number": _against_numbers,
    "sms_port": _against_numbers,
    "access_number": _against_numbers,
    "segment": _against_segments,
    "sim": _against_sims,
    "prepaid_card": _against_cards,
    "handset": _against_handsets,
}
