"""Taking back a completed order (冲正): the order that undoes it, and its money.

Here: both in one transaction. Not here: which orders have a way back
(`reversal.py`) and how money is given back (`money/reversals.py`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from mingdan.orders import commands as c
from mingdan.orders.access.actor import Actor
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle import completion, counter_sales, reversal, transit, views
from mingdan.orders.lifecycle.attempts import attempt
from mingdan.orders.lifecycle.kinds import kind
from mingdan.orders.lifecycle.model import Archive
from mingdan.orders.lifecycle.views import OrderView, Record
from mingdan.orders.money import carrying, reversals
from mingdan.orders.naming import named
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore


def take_back(
    store: OrderStore,
    connection: Connection,
    record: Record,
    actor: Actor,
    at: datetime,
    reversal_ref: str,
) -> OrderView:
    """Undo the completed order `record` by another one; see `OrderDesk.reverse`."""
    before = views.by_ref(connection, reversal_ref)
    if before is not None and record.reversed_by == before.order_id:
        return views.view(before, repeated=True)
    if before is not None:
        raise Refused("order_ref_reused", order_ref=reversal_ref)
    made = reversal.inverse(connection, store.policy, record, reversal_ref, at)
    refs = (record.order_ref, reversal_ref, reversals.refund_ref(reversal_ref))
    keys = {f"orders:{each}" for each in refs}
    keys |= set(named([made.command]).customers())
    store.database.lock(connection, "customers", keys)
    if record.subscription_ref is not None:
        carrying.hold_subscriptions(store, connection, [record.subscription_ref])
    # Again, now that nobody else can take it back.
    record = views.known(connection, record.order_ref)
    made = reversal.inverse(connection, store.policy, record, reversal_ref, at)
    tried = attempt(store, connection, made.command, at, real=True, takes_back=made.takes_back)
    if kind(tried.order_type).exclusive and record.subscription_ref is not None:
        transit.alone(connection, record.subscription_ref, at)
    journal = Journal(connection, at, str(actor))
    done = completion.at_once(journal, tried, (), actor, None, None)
    journal.update(Archive, record.order_id, reversed_by=done.order_id)
    if isinstance(made.command, c.ReturnCards):
        counter_sales.take_back(journal, record)
    elif record.due_fen and record.subscription_ref is not None:
        reversals.give_back(
            store,
            journal,
            order_id=record.order_id,
            order_ref=record.order_ref,
            subscription_ref=record.subscription_ref,
            subscription_id=record.subscription_id,
            reversal_ref=reversal_ref,
        )
    return done
