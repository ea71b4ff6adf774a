"""A ticket's steps as rows: finding it, changing it, writing each step down.

Here: rows inside a transaction. Not here: which steps there are to take
(`tickets.py`) and reading for callers (`ticket_rows.py`).
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection, Row, select

from mingdan.orders import checks
from mingdan.orders import model as m
from mingdan.orders.care.cases import ticket_ref
from mingdan.orders.care.model import TicketChange, TroubleTicket
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine

_REF = re.compile(r"TT([0-9]{8,18})")


def ticket_key(ref: str) -> int:
    """The key of `TT00000001`. Raises Refused (ticket_unknown, invalid_value)."""
    found = _REF.fullmatch(checks.words("ticket_ref", ref))
    if found is None:
        raise Refused("ticket_unknown", ticket_ref=ref)
    return int(found.group(1))


def row_of(connection: Connection, key: int, *, lock: bool = False) -> Row[Any]:
    """The ticket's row, locked if asked. Raises Refused (ticket_unknown)."""
    t = TroubleTicket
    query = select(*t.__table__.columns).where(t.ticket_id == key)
    found = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise Refused("ticket_unknown", ticket_ref=ticket_ref(key))
    return found


def asked_before(connection: Connection, row: dict[str, Any]) -> int | None:
    """The ticket this very request opened before. Raises Refused (request_ref_reused)."""
    t = TroubleTicket
    if row["request_ref"] is None:
        return None
    found = connection.execute(
        select(t.ticket_id, t.request_digest).where(t.request_ref == row["request_ref"])
    ).one_or_none()
    if found is None:
        return None
    if found.request_digest != row["request_digest"]:
        raise Refused("request_ref_reused", request_ref=row["request_ref"])
    return int(found.ticket_id)


def of_order(connection: Connection, row: dict[str, Any]) -> dict[str, Any]:
    """A ticket about an order is about its subscription, if no number says otherwise."""
    o = m.ProductOrder
    found = connection.execute(
        select(o.subscription_id, o.party_id).where(o.order_ref == row["order_ref"])
    ).one_or_none()
    if found is None:
        raise Refused("unknown_order", order_ref=row["order_ref"])
    if row["number"] is not None:
        return {}
    return {"subscription_id": found.subscription_id, "party_id": found.party_id}


def begin(journal: Journal, row: dict[str, Any]) -> int:
    """A new ticket, `acknowledged`; returns its key."""
    state = machine("ticket").walk(None, "acknowledged")
    key: int = journal.insert(
        TroubleTicket, **row, state=state, recorded_at=journal.at, changed_at=journal.at
    )
    note_down(journal, key, 1, state, None, None)
    return key


def change(journal: Journal, row: Row[Any], state: str, note: str | None, **values: Any) -> None:
    """One step, unless it is the last one again. Raises Refused (ticket_step)."""
    assigned = values.get("assigned_to", row.assigned_to)
    if (state, assigned) == (row.state, row.assigned_to):
        c = TicketChange
        last = journal.connection.execute(
            select(c.state, c.note)
            .where(c.ticket_id == row.ticket_id)
            .order_by(c.change_no.desc())
            .limit(1)
        ).one()
        if (last.state, last.note) == (state, note):
            return
        raise no_step(row, state)
    if state != row.state and state not in machine("ticket").next[row.state]:
        raise no_step(row, state)
    append(journal, row, state, assigned, note, **values)


def append(
    journal: Journal,
    row: Row[Any],
    state: str,
    assigned: str | None,
    note: str | None,
    **values: Any,
) -> None:
    """One step more, with what else it changes of the ticket."""
    c = TicketChange
    last = journal.connection.execute(
        select(c.change_no)
        .where(c.ticket_id == row.ticket_id)
        .order_by(c.change_no.desc())
        .limit(1)
    ).scalar_one()
    if state != row.state:
        values["state"] = machine("ticket").walk(row.state, state)
    journal.update(TroubleTicket, row.ticket_id, **values, changed_at=journal.at)
    note_down(journal, row.ticket_id, last + 1, state, assigned, note)


def note_down(
    journal: Journal, key: int, number: int, state: str, assigned: str | None, note: str | None
) -> None:
    """The step itself, append-only."""
    journal.insert(
        TicketChange,
        ticket_id=key,
        change_no=number,
        state=state,
        assigned_to=assigned,
        note=note,
        actor=journal.actor,
        recorded_at=journal.at,
    )


def no_step(row: Row[Any], target: str) -> Refused:
    """The refusal of a step the ticket's state does not allow."""
    return Refused(
        "ticket_step", ticket_ref=ticket_ref(row.ticket_id), state=row.state, target=target
    )
