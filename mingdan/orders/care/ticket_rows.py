"""Tickets' rows: whose number it was, and the view callers get.

Here: reading only. Not here: steps (`tickets.py`).
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from mingdan.identifiers import mask_number, mask_within
from mingdan.orders import model as m
from mingdan.orders.care.cases import ticket_ref
from mingdan.orders.care.clocks import Step, clocks
from mingdan.orders.care.model import TicketChange, TroubleTicket
from mingdan.orders.care.ticket_forms import Change, TicketView

_MASKED = frozenset({"number", "reporter_number", "description", "resolution"})
_PART = 500
"""Tickets read at a time, below every database's limit of parameters."""


def holder(
    connection: Connection, number: str | None, at: datetime
) -> tuple[int | None, int | None]:
    """Subscription and party that held `number` at `at`, as known now; none if nobody did."""
    if number is None:
        return None, None
    h, o = m.NumberHolding, m.SubscriptionHolding
    subscription = connection.execute(
        select(h.subscription_id).where(h.key_kind == "msisdn", h.key == int(number), _then(h, at))
    ).scalar()
    if subscription is None:
        return None, None
    party = connection.execute(
        select(o.party_id).where(o.subscription_id == subscription, _then(o, at))
    ).scalar()
    return subscription, party


def view(
    connection: Connection, ticket_id: int, at: datetime, *, repeated: bool = False
) -> TicketView:
    """One ticket that exists, its clocks as of `at`."""
    return _views(connection, [ticket_id], at, repeated=repeated)[0]


def views(
    connection: Connection, chosen: ColumnElement[bool], at: datetime, limit: int | None
) -> tuple[TicketView, ...]:
    """The newest `limit` tickets `chosen` holds for, the newest first."""
    t = TroubleTicket
    found = connection.execute(
        select(t.ticket_id).where(chosen).order_by(t.ticket_id.desc()).limit(limit)
    )
    keys = list(found.scalars())
    parts = (keys[start : start + _PART] for start in range(0, len(keys), _PART))
    return tuple(each for part in parts for each in _views(connection, part, at))


def _views(
    connection: Connection, keys: list[int], at: datetime, *, repeated: bool = False
) -> list[TicketView]:
    t, c = TroubleTicket, TicketChange
    rows = connection.execute(
        select(*t.__table__.columns).where(t.ticket_id.in_(keys)).order_by(t.ticket_id.desc())
    ).all()
    changes: defaultdict[int, list[Any]] = defaultdict(list)
    for change in connection.execute(
        select(*c.__table__.columns).where(c.ticket_id.in_(keys)).order_by(c.change_no)
    ):
        changes[change.ticket_id].append(change)
    return [_view(connection, row, changes[row.ticket_id], at, repeated=repeated) for row in rows]


def _view(
    connection: Connection, row: Any, changes: list[Any], at: datetime, *, repeated: bool
) -> TicketView:
    steps = [Step(change.state, change.recorded_at) for change in changes]
    held = (row.subscription_id, row.party_id)
    same = "no_data"
    if row.number is not None and row.party_id is not None:
        same = "yes" if holder(connection, row.number, at) == held else "no"
    copied = {
        name: getattr(row, name)
        for name in TicketView.__dataclass_fields__
        if name in row._fields and name not in _MASKED
    }
    return TicketView(
        **copied,
        ticket_ref=ticket_ref(row.ticket_id),
        number=None if row.number is None else mask_number(row.number),
        reporter_number=None if row.reporter_number is None else mask_number(row.reporter_number),
        description=mask_within(row.description),
        resolution=_text(row.resolution),
        same_holder=same,
        changes=tuple(
            Change(c.recorded_at, c.state, c.assigned_to, _text(c.note), c.actor) for c in changes
        ),
        clocks=tuple(clocks("ticket", {row.ticket_type, row.category}, row.channel, steps, at)),
        repeated=repeated,
    )


def _text(text: str | None) -> str | None:
    return None if text is None else mask_within(text)


def _then(table: Any, at: datetime) -> ColumnElement[bool]:
    return and_(
        table.superseded_at.is_(None),
        table.valid_from <= at,
        or_(table.valid_to.is_(None), table.valid_to > at),
    )
