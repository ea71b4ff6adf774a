"""Orders that the money desks hand to the bulk engine, in the desks' own transaction.

Here: holding everything a request touches, and carrying commands out. Not here:
the businesses (`businesses`).

Locks are taken in one order everywhere: customers, accounts, resources.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from mingdan.orders import model as m
from mingdan.orders import queries
from mingdan.orders.commands import Applied
from mingdan.orders.finding import find
from mingdan.orders.intake import apply_batch, read_frames
from mingdan.orders.money.model import AccountMembership
from mingdan.orders.naming import named
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore


def hold(store: OrderStore, connection: Connection, commands: Sequence[Any]) -> None:
    """Make every other writer of what these commands name, and of its accounts, wait."""
    wanted = named(commands)
    store.database.lock(connection, "customers", wanted.customers())
    _hold_accounts(connection, wanted.subscriptions)


def hold_subscriptions(store: OrderStore, connection: Connection, refs: Iterable[str]) -> None:
    """The same for subscriptions by their references."""
    wanted = set(refs)
    store.database.lock(connection, "customers", [f"subscriptions:{ref}" for ref in wanted])
    _hold_accounts(connection, wanted)


def _hold_accounts(connection: Connection, refs: set[str]) -> None:
    s, a = m.Subscription, AccountMembership
    mine = select(s.subscription_id, s.account_id).where(s.subscription_ref.in_(sorted(refs)))
    own = {row[0]: row[1] for row in connection.execute(mine)}
    shared = connection.execute(
        select(a.account_id).where(a.subscription_id.in_(sorted(own)), a.account_id.is_not(None))
    )
    find(connection, queries.locked_accounts, {*own.values(), *shared.scalars()})


def carry_out(store: OrderStore, connection: Connection, commands: Sequence[Any]) -> Applied:
    """Carry out commands, the first of which must not be refused. Raises Refused if it is."""
    refused: list[Any] = []
    entries = list(read_frames(commands, refused))
    applied = apply_batch(store.database, connection, store.policy, store.offerings, entries)
    for each in [*refused, *applied.refused]:
        if each.order_ref == commands[0].order_ref:
            raise Refused.again(each)
    return applied


def order_of(connection: Connection, order_ref: str) -> tuple[int, str, datetime] | None:
    """Key, type and instant of an order by its reference."""
    o = m.ProductOrder
    row = connection.execute(
        select(o.order_id, o.order_type, o.order_date).where(o.order_ref == order_ref)
    ).first()
    return None if row is None else (row[0], row[1], row[2])


def subscription_of(connection: Connection, ref: str) -> tuple[int, str]:
    """Key and product code of a subscription. Raises Refused(unknown_subscription)."""
    s, p = m.Subscription, m.Product
    row = connection.execute(
        select(s.subscription_id, p.offering_code)
        .join(p, p.subscription_id == s.subscription_id)
        .where(s.subscription_ref == ref)
    ).first()
    if row is None:
        raise Refused("unknown_subscription", subscription_ref=ref)
    return row[0], row[1]


def holder_of(connection: Connection, subscription_id: int, at: datetime) -> int:
    """The party that holds a subscription at `at`; after its end, the last one."""
    h = m.SubscriptionHolding
    found = connection.execute(
        select(h.party_id)
        .where(h.subscription_id == subscription_id, h.superseded_at.is_(None))
        .order_by((h.valid_from <= at).desc(), h.valid_from.desc())
        .limit(1)
    ).scalar_one()
    return int(found)


def party_key(connection: Connection, party_ref: str) -> int:
    """A party by its reference. Raises Refused(unknown_party)."""
    p = m.Party
    found = connection.execute(select(p.party_id).where(p.party_ref == party_ref)).scalar()
    if found is None:
        raise Refused("unknown_party", party_ref=party_ref)
    return int(found)
