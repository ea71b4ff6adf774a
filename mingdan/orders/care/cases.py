"""What a process flow is read off: the states of orders, tickets and visits, and when.

Here: the queries. Not here: what is made of them (`flows.py`, `limit_report.py`).
An order's states come from the event log (`order_event`) at the instants the
store recorded them, whoever wrote them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from mingdan.orders import model as m
from mingdan.orders.care.clocks import Step, longest
from mingdan.orders.care.model import ServiceVisit, TicketChange, TroubleTicket

_ORDER_EVENTS = ("ProductOrderCreateEvent", "ProductOrderStateChangeEvent")


@dataclass(frozen=True)
class Case:
    """One order, ticket or visit with its history in order of time."""

    flow: str
    ref: str
    business: str
    kinds: frozenset[str]
    """What a limit may call its business: the order type; a ticket's type or category."""
    channel: str
    interface: str
    steps: tuple[Step, ...]


def touched(connection: Connection, first: datetime, until: datetime) -> Iterator[Case]:
    """Every case on which a clock may have ended or run out during `[first, until)`.

    Histories are cut at `until`. A clock that runs out at an instant was started
    or started again no longer before it than its limit, so what had no event for
    longer than that is left out.
    """
    e, c, v = m.OrderEvent, TicketChange, ServiceVisit
    since = first - longest("order")
    ids = select(e.order_id).where(e.recorded_at >= since, e.recorded_at < until)
    yield from _orders(connection, e.order_id.in_(ids), until)
    since = first - longest("ticket")
    ids = select(c.ticket_id).where(c.recorded_at >= since, c.recorded_at < until)
    yield from _tickets(connection, c.ticket_id.in_(ids), until)
    since = first - longest("visit")
    arrived = and_(v.arrived_at >= since, v.arrived_at < until)
    served = and_(v.served_at >= first, v.served_at < until)
    yield from _visits(connection, or_(arrived, served), until)


def order_case(connection: Connection, order_ref: str, until: datetime) -> Case | None:
    """One order's case, None if there is no such order or nothing of it yet."""
    return next(_orders(connection, m.ProductOrder.order_ref == order_ref, until), None)


def ticket_case(connection: Connection, ticket_id: int, until: datetime) -> Case | None:
    """One ticket's case."""
    return next(_tickets(connection, TicketChange.ticket_id == ticket_id, until), None)


def visit_case(connection: Connection, visit_ref: str, until: datetime) -> Case | None:
    """One visit's case."""
    return next(_visits(connection, ServiceVisit.visit_ref == visit_ref, until), None)


def ticket_ref(ticket_id: int) -> str:
    """How a ticket is called: `TT` and at least eight digits."""
    return f"TT{ticket_id:08d}"


def _orders(connection: Connection, chosen: ColumnElement[bool], until: datetime) -> Iterator[Case]:
    e, o = m.OrderEvent, m.ProductOrder
    query = (
        select(o.order_id, o.order_ref, o.order_type, o.channel, e.state, e.recorded_at)
        .join(o, o.order_id == e.order_id)
        .where(chosen, e.recorded_at < until, e.event_type.in_(_ORDER_EVENTS))
        .order_by(o.order_id, e.recorded_at, e.seq)
    )
    for _, rows in _grouped(connection, query, "order_id"):
        first = rows[0]
        kind, channel = first.order_type, first.channel
        yield Case("order", first.order_ref, kind, frozenset({kind}), channel, channel,
                   _steps(rows))  # fmt: skip


def _tickets(
    connection: Connection, chosen: ColumnElement[bool], until: datetime
) -> Iterator[Case]:
    c, t = TicketChange, TroubleTicket
    query = (
        select(t.ticket_id, t.ticket_type, t.category, t.channel, t.interface_no, c.state,
               c.recorded_at)
        .join(t, t.ticket_id == c.ticket_id)
        .where(chosen, c.recorded_at < until)
        .order_by(t.ticket_id, c.change_no)
    )  # fmt: skip
    for ticket_id, rows in _grouped(connection, query, "ticket_id"):
        first = rows[0]
        kinds = frozenset({first.ticket_type, first.category})
        yield Case("ticket", ticket_ref(ticket_id), first.category, kinds, first.channel,
                   first.interface_no, _steps(rows))  # fmt: skip


def _visits(connection: Connection, chosen: ColumnElement[bool], until: datetime) -> Iterator[Case]:
    v = ServiceVisit
    for row in connection.execute(select(*v.__table__.columns).where(chosen).order_by(v.visit_id)):
        gone = row.state if row.state in ("ended", "left") else "ended"
        seen = (("waiting", row.arrived_at), ("serving", row.served_at), (gone, row.ended_at))
        steps = tuple(Step(state, at) for state, at in seen if at is not None and at < until)
        if steps:
            yield Case("visit", row.visit_ref, "visit", frozenset(), row.channel,
                       row.interface_no, steps)  # fmt: skip


def _grouped(connection: Connection, query: Any, key: str) -> Iterator[tuple[int, list[Any]]]:
    rows = connection.execute(query.execution_options(yield_per=5_000))
    for value, group in groupby(rows, key=attrgetter(key)):
        yield value, list(group)


def _steps(rows: list[Any]) -> tuple[Step, ...]:
    return tuple(Step(row.state, row.recorded_at) for row in rows)
