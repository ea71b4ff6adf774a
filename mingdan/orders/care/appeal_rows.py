"""Appeals' rows: whose an appeal is, whether one waits, and the view callers get.

Here: reading only. Not here: steps (`appeals.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from mingdan.orders import checks
from mingdan.orders import model as m
from mingdan.orders.care import ticket_rows
from mingdan.orders.care.appeal_forms import AppealView
from mingdan.orders.care.cases import ticket_ref
from mingdan.orders.care.model import Appeal, TroubleTicket
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine


def holder(
    connection: Connection, party_ref: str | None, row: Mapping[str, Any]
) -> dict[str, int | None]:
    """Whose appeal it is, as keys. Raises Refused (no_such_subscription, unknown_party)."""
    if party_ref is None:
        subscription, party = ticket_rows.holder(connection, row["number"], row["occurred_at"])
        if party is None:
            raise Refused("no_such_subscription", name=row["number"])
        return {"subscription_id": subscription, "party_id": party}
    ref = checks.words("party_ref", party_ref)
    p = m.Party
    found = connection.execute(select(p.party_id).where(p.party_ref == ref)).scalar()
    if found is None:
        raise Refused("unknown_party", party_ref=ref)
    return {"subscription_id": None, "party_id": found}


def none_waits(connection: Connection, what: Mapping[str, Any], label: str) -> None:
    """Refuse a second appeal while one against the same label waits (appeal_open)."""
    a, t = Appeal, TroubleTicket
    same: list[ColumnElement[bool]] = [getattr(a, name) == value for name, value in what.items()]
    waiting = connection.execute(
        select(a.ticket_id)
        .join(t, t.ticket_id == a.ticket_id)
        .where(*same, a.outcome.is_(None), t.state.not_in(sorted(machine("ticket").final)))
    ).scalar()
    if waiting is not None:
        raise Refused("appeal_open", label=label, ticket_ref=ticket_ref(waiting))


def row(connection: Connection, key: int) -> Row[Any]:
    """The appeal of a ticket. Raises Refused (appeal_unknown)."""
    a = Appeal
    found = connection.execute(select(*a.__table__.columns).where(a.ticket_id == key)).one_or_none()
    if found is None:
        raise Refused("appeal_unknown", ticket_ref=ticket_ref(key))
    return found


def view(connection: Connection, key: int, at: datetime, *, repeated: bool = False) -> AppealView:
    """One appeal that exists, its ticket's clocks as of `at`."""
    found = row(connection, key)
    copied = {
        name: getattr(found, name)
        for name in AppealView.__dataclass_fields__
        if name in found._fields
    }
    ticket = ticket_rows.view(connection, key, at, repeated=repeated)
    return AppealView(
        **copied,
        label=f"{found.class_code}:{found.reason_code}",
        subscription_id=ticket.subscription_id or _one_of(connection, found),
        ticket=ticket,
    )


def _one_of(connection: Connection, appeal: Row[Any]) -> int | None:
    """A subscription of the customer, the newest first; None of one who never had any."""
    h = m.SubscriptionHolding
    return connection.execute(
        select(h.subscription_id)
        .where(h.party_id == appeal.subject_id, h.superseded_at.is_(None))
        .order_by(h.valid_to.is_(None).desc(), h.valid_from.desc(), h.subscription_id)
        .limit(1)
    ).scalar()
