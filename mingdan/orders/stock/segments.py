"""Number segments (万号段): ten thousand numbers with one prefix, and their states.

Here: registering a segment, moving it from state to state, and whether a
number's segment lets it be given out. Not here: its numbers (`pool.py`,
`imports.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, select

from mingdan.identifiers import mask_number
from mingdan.orders import model as m
from mingdan.orders.database import lock
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.stock import numbering
from mingdan.orders.stock.model import NumberSegment

TAIL = 4
"""Digits of a number after its segment's prefix."""
OFFERED = "active"


def refuse_closed(connection: Connection, number: str) -> None:
    """Refuses (`segment_closed`) a number of a segment that is not in use."""
    prefix = numbering.national(number)[:-TAIL]
    state = connection.execute(
        select(NumberSegment.state).where(NumberSegment.prefix == prefix)
    ).scalar_one_or_none()
    if state is not None and state != OFFERED:
        raise Refused("segment_closed", number=mask_number(number), state=state)


def withheld(connection: Connection) -> list[str]:
    """Prefixes, as stored numbers have them, of every segment not in use."""
    rows = connection.execute(
        select(NumberSegment.prefix, NumberSegment.kind).where(NumberSegment.state != OFFERED)
    )
    return [stored_prefix(prefix, kind) for prefix, kind in rows]


def stored_prefix(prefix: str, kind: str) -> str:
    """A segment's prefix with the country code, where stored numbers have it."""
    return "86" + prefix if kind in ("mobile", "iot") else prefix


def numbers_of(prefix: str) -> Iterator[str]:
    """The ten thousand numbers that begin with `prefix`, in order."""
    return (f"{prefix}{tail:0{TAIL}d}" for tail in range(10**TAIL))


def move(journal: Journal, prefix: str, state: str, *, at: datetime) -> int:
    """Move a segment to another state; returns the free numbers blocked or given back.

    Freezing and closing block its free numbers, using it again gives those back
    that are blocked; one number's own block is then to be set anew. Refuses
    unknown_segment, state_step.
    """
    connection, segment = journal.connection, NumberSegment
    asked = select(segment.segment_id, segment.kind, segment.state).where(segment.prefix == prefix)
    row = connection.execute(asked).one_or_none()
    if row is None:
        raise Refused("unknown_segment", prefix=prefix)
    start = stored_prefix(prefix, row.kind)
    lock(connection, "resources", [f"numbers:{number}" for number in numbers_of(start)])
    # Again: whoever moved it before us may have held the lock.
    row = connection.execute(asked).one()
    if state not in machine("segment").next.get(row.state, ()):
        raise Refused("state_step", what=prefix, state=row.state, wanted=state)
    journal.update(segment, row.segment_id, state=state, changed_at=at)
    was, now = ("blocked", "available") if state == OFFERED else ("available", "blocked")
    return _move_numbers(journal, start, was, now, at)


def _move_numbers(journal: Journal, start: str, was: str, now: str, at: datetime) -> int:
    first, last = start + "0" * TAIL, start + "9" * TAIL
    n = m.Msisdn
    free = n.state == was
    if was == "available":
        free |= n.state.in_(("aging", "reserved")) & (n.until <= at)
    rows = journal.connection.execute(
        select(n.number, n.state, n.changed_at).where(n.number.between(first, last), free)
    ).all()
    if not rows:
        return 0
    step = machine("msisdn").walk
    for state in {row.state for row in rows}:
        step(state if state == was else step(state, was), now)
    changed_at = max(at, *(row.changed_at for row in rows))
    numbers = [row.number for row in rows]
    journal.update_many(m.Msisdn, numbers, state=now, until=None, changed_at=changed_at)
    return len(rows)
