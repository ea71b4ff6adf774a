"""Complaint tickets (投诉工单) as they were known at an instant, for the night.

Here: which complaints stood then and which had been taken back, in the words of
the intake's files. Not here: what they are worth (`mingdan.reports`) and the
file for other systems (`complaints.py`).

Both answers follow from when a ticket and its steps were recorded, so a past
night asks again and hears the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, select

from mingdan.orders.care.cases import ticket_ref
from mingdan.orders.care.complaints import HEADER, TAKEN_BACK, line_of
from mingdan.orders.care.model import TicketChange, TroubleTicket
from mingdan.orders.store import OrderStore


@dataclass(frozen=True)
class KnownComplaint:
    """One complaint: its ticket's key, when it was recorded, and its line by column."""

    ticket_id: int
    recorded_at: datetime
    line: dict[str, str]


def standing(store: OrderStore, since: datetime, until: datetime) -> list[KnownComplaint]:
    """Complaints recorded in `(since, until]` and not taken back by `until`, oldest key first."""
    t = TroubleTicket
    with store.database.reading() as connection:
        rows = connection.execute(
            select(*t.__table__.columns)
            .where(*_recorded(since, until), t.ticket_id.not_in(_taken_back(until)))
            .order_by(t.ticket_id)
        ).all()
    return [
        KnownComplaint(row.ticket_id, row.recorded_at, dict(zip(HEADER, line_of(row), strict=True)))
        for row in rows
    ]


def taken_back(store: OrderStore, since: datetime, until: datetime) -> list[str]:
    """References of complaints recorded in `(since, until]` and taken back by `until`."""
    t = TroubleTicket
    with store.database.reading() as connection:
        keys = connection.execute(
            select(t.ticket_id)
            .where(*_recorded(since, until), t.ticket_id.in_(_taken_back(until)))
            .order_by(t.ticket_id)
        ).scalars()
        return [ticket_ref(key) for key in keys]


def _recorded(since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    t = TroubleTicket
    return (t.report_category.is_not(None), t.recorded_at > since, t.recorded_at <= until)


def _taken_back(until: datetime) -> Select[int]:
    c = TicketChange
    # neither state is ever left again
    return select(c.ticket_id).where(c.state.in_(TAKEN_BACK), c.recorded_at <= until)
