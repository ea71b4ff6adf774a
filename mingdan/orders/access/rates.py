"""The rate limit: how many requests an interface may send, kept in the database.

Here: the rate in force and one request's passage. Not here: setting a rate
(`permissions.py`) and the HTTP answer (`mingdan/orders/http`).

A leaky bucket (GCRA) in one number: until when the requests so far have used
the rate up. One conditional UPDATE moves it, so that any number of processes
share one limit, and a restart forgives nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from math import ceil

from sqlalchemy import BigInteger, Connection, Table, bindparam, case, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mingdan.calendar import day_start
from mingdan.orders.access import model as m
from mingdan.orders.access.rules import ANY
from mingdan.orders.column_types import Instant, microseconds
from mingdan.orders.refusals import Refused
from mingdan.reference import load

_SECOND = 1_000_000


def _counter() -> Table:
    table = m.RateCounter.__table__
    assert isinstance(table, Table)  # noqa: S101 - narrows a type that is wider in theory
    return table


_R, _COUNTER = m.RateLimit, _counter()
_RATES = (
    select(_R.interface_no, _R.requests, _R.per_seconds, _R.burst)
    .where(
        or_(_R.interface_no == bindparam("interface_no"), _R.interface_no == ANY),
        _R.valid_from <= bindparam("at", type_=Instant()),
    )
    .order_by(_R.valid_from)
)
_NOW, _ROOM, _EACH = (bindparam(name, type_=BigInteger()) for name in ("now", "room", "each"))
_USED = _COUNTER.c.used_until
_PASS = (
    update(_COUNTER)
    .where(_COUNTER.c.interface_no == bindparam("number"), _USED <= _NOW + _ROOM)
    .values(used_until=case((_USED > _NOW, _USED), else_=_NOW) + _EACH)
)


@dataclass(frozen=True)
class Rate:
    """`burst` requests at once, then `requests` per `per_seconds`."""

    requests: int
    per_seconds: int
    burst: int


class TooMany(Refused):
    """Refused: rate_limited. `seconds` is when the next request may come."""

    def __init__(self, interface_no: str, seconds: int) -> None:
        super().__init__("rate_limited", interface_no=interface_no, seconds=seconds)
        self.seconds = seconds


def rate_of(connection: Connection, interface_no: str, at: datetime) -> Rate:
    """The rate in force: the interface's own, else that of all; the operator's, else shipped."""
    rows = connection.execute(_RATES, {"interface_no": interface_no, "at": at})
    own = {row.interface_no: Rate(row.requests, row.per_seconds, row.burst) for row in rows}
    for number in (interface_no, ANY):
        if number in own:
            return own[number]
        shipped = [rate for first, rate in _shipped().get(number, ()) if first <= at]
        if shipped:
            return shipped[-1]
    raise LookupError(f"no rate limit is shipped for {at}")


def take(connection: Connection, interface_no: str, at: datetime) -> None:
    """Count one request at `at`, in a transaction of `Database.writing`. Raises TooMany.

    `at` is the clock's after the transaction began: time spent waiting for other
    writers would look like requests sent too early.
    """
    rate = rate_of(connection, interface_no, at)
    each = max(1, rate.per_seconds * _SECOND // rate.requests)
    now = microseconds(at)
    room = (rate.burst - 1) * each
    asked = {"number": interface_no, "now": now, "room": room, "each": each}
    if connection.execute(_PASS, asked).rowcount == 1:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    made = connection.execute(
        dialect.insert(_COUNTER)
        .values(interface_no=interface_no, used_until=now + each)
        .on_conflict_do_nothing()
        .returning(_COUNTER.c.interface_no)
    ).first()
    # A first request; or, of several at once, the others try again.
    if made is not None or connection.execute(_PASS, asked).rowcount == 1:
        return
    until = connection.execute(
        select(_COUNTER.c.used_until).where(_COUNTER.c.interface_no == interface_no)
    ).scalar_one()
    raise TooMany(interface_no, max(1, ceil((until - now - room) / _SECOND)))


@cache
def _shipped() -> dict[str, tuple[tuple[datetime, Rate], ...]]:
    found: dict[str, list[tuple[datetime, Rate]]] = {}
    for row in load.rows("rate_limit"):
        rate = Rate(int(row["requests"]), int(row["per_seconds"]), int(row["burst"]))
        first = day_start(date.fromisoformat(row["valid_from"]))
        found.setdefault(row["interface_no"], []).append((first, rate))
    return {number: tuple(sorted(rows, key=lambda r: r[0])) for number, rows in found.items()}
