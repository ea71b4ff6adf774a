"""The pool: numbers that are free at an instant, found by group, digits or shape.

Here: what may be offered to a customer. Not here: holding one
(`reservations.py`); what is found may be gone a moment later.

Free is decided by the clock: a number whose rest or reservation has run out is
free, whatever its row still says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select, text

from mingdan.orders import checks
from mingdan.orders import model as m
from mingdan.orders.refusals import Refused
from mingdan.orders.stock import groups, segments

MOST = 1000
"""Numbers one search may give."""
_PATTERN = re.compile(r"[0-9A-Z*?]{1,18}")
_DIGITS = re.compile(r"[0-9]{1,18}")
_NOT_IN_SERVICE = text("msisdn.state <> 'in_service'")
"""Spelled out: SQLite uses a partial index only for the very condition it has."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a customer asks for; empty fields ask for nothing.

    `pattern` is matched against the end of the number: a digit stands for
    itself, `*` or `?` for any, and letters for a shape (`AABB`: 2277, not 2222).
    `without` are digits the number must not have after its first three.
    `like` asks for numbers that end like another (a former number, a birthday).
    """

    kind: str = "mobile"
    group: str | None = None
    category: str | None = None
    pattern: str | None = None
    without: str = ""
    like: str | None = None
    limit: int = 10
    spread: str | None = None
    """Two counters with different words here are shown different numbers first."""


@dataclass(frozen=True)
class FreeNumber:
    """A number that was free when it was looked for, and why it is offered."""

    number: str
    kind: str
    group: str | None
    category: str | None
    reason: str


def find(connection: Connection, wanted: Wanted, at: datetime) -> list[FreeNumber]:
    """Up to `wanted.limit` free numbers. Refuses unknown_group, invalid_value."""
    known = groups.known(connection)
    if wanted.group is not None and wanted.group not in known:
        raise Refused("unknown_group", group=checks.words("group", wanted.group))
    if type(wanted.limit) is not int or not 1 <= wanted.limit <= MOST:
        raise Refused("invalid_value", field="limit", problem=f"is not from 1 to {MOST}")
    conditions = [*_free(connection, at), *_asked(wanted, known)]
    found: dict[str, FreeNumber] = {}
    for reason, more in _preferences(wanted):
        for row in _rows(connection, [*conditions, *more], wanted):
            if len(found) == wanted.limit:
                break
            group = row.group_code
            category = None if group is None else known[group]
            found.setdefault(row.number, FreeNumber(row.number, row.kind, group, category, reason))
        if len(found) == wanted.limit:
            break
    return list(found.values())


def _free(connection: Connection, at: datetime) -> Iterator[Any]:
    n = m.Msisdn
    yield _NOT_IN_SERVICE
    yield or_(n.state == "available", n.state.in_(("reserved", "aging")) & (n.until <= at))
    yield or_(n.licensed_until.is_(None), n.licensed_until > at)
    for prefix in segments.withheld(connection):
        yield ~n.number.between(prefix + "0" * segments.TAIL, prefix + "9" * segments.TAIL)


def _asked(wanted: Wanted, known: dict[str, str]) -> Iterator[ColumnElement[bool]]:
    n = m.Msisdn
    yield n.kind == checks.words("kind", wanted.kind)
    if wanted.group is not None:
        yield n.group_code == wanted.group
    if wanted.category is not None:
        of_it = sorted(code for code, category in known.items() if category == wanted.category)
        if not of_it:
            raise Refused("unknown_group", group=checks.words("category", wanted.category))
        yield n.group_code.in_(of_it)
    if wanted.pattern is not None:
        yield from _shape(wanted.pattern)
    if wanted.without:
        if not _DIGITS.fullmatch(wanted.without):
            raise Refused("invalid_value", field="without", problem="is not plain digits")
        start = 6 if wanted.kind in ("mobile", "iot") else 4
        for digit in sorted(set(wanted.without)):
            yield ~func.substr(n.number, start).contains(digit)


def _shape(pattern: str) -> Iterator[ColumnElement[bool]]:
    if not _PATTERN.fullmatch(pattern):
        raise Refused("invalid_value", field="pattern", problem="is not digits, letters and *")
    first: dict[str, ColumnElement[str]] = {}
    for place, sign in enumerate(pattern):
        digit = _digit(len(pattern) - place)
        if sign.isdigit():
            yield digit == sign
        elif sign.isalpha():
            if sign in first:
                yield digit == first[sign]
            else:
                for other in first.values():
                    yield digit != other
                first[sign] = digit


def _digit(from_end: int) -> ColumnElement[str]:
    number = m.Msisdn.number
    return func.substr(number, func.length(number) - (from_end - 1), 1)


def _preferences(wanted: Wanted) -> Iterator[tuple[str, list[ColumnElement[bool]]]]:
    """Conditions from the most wished for to any, each with what it says of a number."""
    if wanted.like is not None:
        if not _DIGITS.fullmatch(wanted.like):
            raise Refused("invalid_value", field="like", problem="is not plain digits")
        for length in range(min(len(wanted.like), 8), 1, -1):
            tail = wanted.like[-length:]
            yield f"ends in {length} digits asked for", [m.Msisdn.number.endswith(tail)]
    plain = "as asked for" if wanted.pattern or wanted.group or wanted.category else "free"
    yield plain, []


def _rows(connection: Connection, conditions: list[Any], wanted: Wanted) -> list[Any]:
    n, limit = m.Msisdn, wanted.limit
    query = select(n.number, n.kind, n.group_code).where(*conditions).order_by(n.number)
    if wanted.spread is None:
        return list(connection.execute(query.limit(limit)))
    # Two queries: for both ends at once SQLite would read all of them.
    ends = select(n.number).where(*conditions).limit(1)
    lowest = connection.execute(ends.order_by(n.number)).scalar()
    highest = connection.execute(ends.order_by(n.number.desc())).scalar()
    if lowest is None or highest is None:
        return []
    share = int.from_bytes(blake2b(wanted.spread.encode(), digest_size=4).digest()) / 2**32
    start = str(int(lowest) + int((int(highest) - int(lowest)) * share))
    rows = list(connection.execute(query.where(n.number >= start).limit(limit)))
    if len(rows) < limit:
        rows += connection.execute(query.where(n.number < start).limit(limit - len(rows)))
    return rows
