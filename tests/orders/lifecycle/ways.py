"""Short ways through the order desk, and what a test may look at behind it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from mingdan.orders import model as m
from mingdan.orders.access.actor import Actor
from mingdan.orders.commands import AnyCommand, TransferOwner
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.lifecycle.model import StagedOrder
from mingdan.orders.lifecycle.payment import Money
from mingdan.orders.lifecycle.views import OrderView
from mingdan.orders.money.model import AccountEntry
from mingdan.orders.refusals import Refused
from mingdan.orders.stock.model import ResourceReservation
from mingdan.orders.store import OrderStore

COUNTER = Actor("counter", "counter", "zhang")
REAL = (m.Party, m.Subscription, m.Product, m.BillingAccount, m.NumberHolding,
        m.SubscriptionHolding, m.SubscriptionBlock, m.ProductOrderItem)  # fmt: skip
"""Tables that only a completed order changes."""


def both_here(desk: OrderDesk, command: AnyCommand) -> AnyCommand:
    """The request; a 过户 with the document the present holder has on record."""
    if not isinstance(command, TransferOwner) or command.holder_document is not None:
        return command
    h, p, s = m.SubscriptionHolding, m.Party, m.Subscription
    with desk._store.database.reading() as connection:
        number = connection.execute(
            select(p.document_number)
            .join(h, h.party_id == p.party_id)
            .join(s, s.subscription_id == h.subscription_id)
            .where(s.subscription_ref == command.subscription_ref, h.superseded_at.is_(None))
            .order_by(h.valid_from.desc())
        ).scalars()
        return replace(command, holder_document=number.first())


def place(desk: OrderDesk, command: AnyCommand, when: datetime, **values: Any) -> OrderView:
    return desk.place(both_here(desk, command), actor=COUNTER, at=when, **values)


def pay(desk: OrderDesk, view: OrderView, when: datetime) -> OrderView:
    """Pay what is due, if anything is."""
    left = view.due_fen - view.paid_fen
    return desk.pay(view.order_ref, left, f"pay-{view.order_ref}", COUNTER, when) if left else view


def provision(desk: OrderDesk, ref: str, when: datetime, outcome: str = "done") -> OrderView:
    reason = "line down" if outcome in ("held", "failed", "information_needed") else None
    return desk.provision(ref, outcome, actor=COUNTER, at=when, reason=reason)


def complete(desk: OrderDesk, ref: str, when: datetime) -> OrderView:
    return desk.complete(ref, actor=COUNTER, at=when)


def cancel(desk: OrderDesk, ref: str, when: datetime) -> OrderView:
    return desk.cancel(ref, "customer changed his mind", actor=COUNTER, at=when)


def whole(desk: OrderDesk, command: AnyCommand, when: datetime) -> OrderView:
    """An order through every stage."""
    pay(desk, place(desk, command, when), when)
    provision(desk, command.order_ref, when)
    return complete(desk, command.order_ref, when)


def at_once(desk: OrderDesk, command: AnyCommand, when: datetime, fen: int = 0) -> OrderView:
    money = Money(amount_fen=fen, correlator=f"pay-{command.order_ref}") if fen else None
    return desk.run(both_here(desk, command), actor=COUNTER, at=when, payment=money)


def refused(call: Any, *values: Any, **named: Any) -> str:
    """The code a call is refused with."""
    with pytest.raises(Refused) as refusal:
        call(*values, **named)
    assert refusal.value.reason
    assert refusal.value.reason_zh
    return refusal.value.code


def rows(store: OrderStore, *models: type[m.Base]) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of these tables."""
    with store.database.reading() as connection:
        return {
            model.__tablename__: sorted(
                (tuple(row) for row in connection.execute(select(model.__table__))), key=repr
            )
            for model in models
        }


def everything(store: OrderStore) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with store.database.reading() as connection:
        return {
            name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for name, table in m.Base.metadata.tables.items()
        }


def events(store: OrderStore, order_id: int) -> list[str]:
    """The states an order came to, by its events."""
    e = m.OrderEvent
    with store.database.reading() as connection:
        return list(
            connection.execute(
                select(e.state).where(e.order_id == order_id).order_by(e.seq)
            ).scalars()
        )


def residue(store: OrderStore) -> dict[str, Any]:
    """What orders that are closed still hold; nothing, if all is well."""
    s, r, e, o = StagedOrder, ResourceReservation, AccountEntry, m.ProductOrder
    closed = select(s.order_id).where(s.closed_at.is_not(None))
    ended = select(o.order_id).where(o.state.in_(("cancelled", "failed")))
    with store.database.reading() as connection:
        held = connection.execute(
            select(r.reservation_id).where(r.state == "inProgress", r.order_id.in_(closed))
        ).all()
        entered = connection.execute(
            select(s.order_id, s.request, s.document_number).where(s.closed_at.is_not(None))
        ).all()
        money = connection.execute(
            select(func.coalesce(func.sum(e.amount_fen), 0)).where(
                e.ledger == "order", e.key.in_(closed)
            )
        ).scalar_one()
        kept = connection.execute(
            select(s.order_id).where(s.order_id.in_(ended), s.paid_fen != s.given_back_fen)
        ).all()
        items = connection.execute(
            select(m.ProductOrderItem.order_id).where(m.ProductOrderItem.order_id.in_(ended))
        ).all()
    found = {
        "reservations": held,
        "entered": [each for each in entered if each[1] or each[2]],
        "money": money,
        "kept": kept,
        "items": items,
    }
    return {name: value for name, value in found.items() if value}
