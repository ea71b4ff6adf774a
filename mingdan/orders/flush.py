"""Writes a batch's results: updates first, then new rows, table by table.

Here: the order and columns of writing. Not here: what the results are
(`businesses`) and how a driver takes many rows (`bulk.py`).

Superseding goes before inserting, so that the databases' own guards against
overlapping rows never see a state in between.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from sqlalchemy import Connection, Table, Update, bindparam, update
from sqlalchemy.orm import InstrumentedAttribute

from mingdan.orders import model as m
from mingdan.orders.batch import Batch
from mingdan.orders.bulk import insert
from mingdan.orders.journal import Journal
from mingdan.orders.money.facts import booked
from mingdan.orders.money.model import AccountEntry, AccountMembership, MoneyTransaction, Refund
from mingdan.orders.offers.model import SubscriptionFeature, SubscriptionOffering
from mingdan.orders.timelines import Timelines

Adder = Callable[[type[m.Base], str, list[tuple[object, ...]]], None]
_PARTY = (
    "party_id, party_ref, party_type, name, document_type, document_number, contact, recorded_at"
)
_ORDER = (
    "order_id, order_ref, order_type, state, channel, subscription_id, party_id, order_date, "
    "completion_date, recorded_at, request_digest"
)
_ITEM = "order_id, item_no, action, state, product_id, characteristic"
_EVENT = (
    "event_type, order_type, order_id, state, subscription_id, party_id, effective_at, recorded_at"
)
_SUBSCRIPTION = (
    "subscription_id, subscription_ref, account_id, activated_at, recorded_at, terminated_at, "
    "termination_recorded_at, changed_at"
)
_PRODUCT = "product_id, subscription_id, offering_code, status, start_date, termination_date"
_TIMES = "order_id, valid_from, valid_to, recorded_at, superseded_at"


def flush(connection: Connection, batch: Batch) -> None:
    """Write everything `batch` changed into the transaction of `connection`."""

    def add(model: type[m.Base], columns: str, rows: list[tuple[object, ...]]) -> None:
        table = model.__table__
        assert isinstance(table, Table)  # noqa: S101 - narrows a type that is wider in theory
        insert(connection, table, columns.split(", "), rows)

    rows, known = batch.rows, batch.on_record
    _update_subscriptions(connection, batch)
    add(m.Party, _PARTY, rows.parties)
    add(m.BillingAccount, "account_id, opened_at", rows.accounts)
    fresh = [s for s in known.subscriptions.values() if not s.stored]
    add(
        m.Subscription,
        _SUBSCRIPTION,
        [
            (
                s.subscription_id,
                s.ref,
                s.account_id,
                s.activated_at,
                s.recorded_at,
                s.terminated_at,
                s.termination_recorded_at,
                s.changed_at,
            )
            for s in fresh
        ],
    )
    add(
        m.Product,
        _PRODUCT,
        [
            (
                s.product_id,
                s.subscription_id,
                s.product_code,
                s.status,
                s.activated_at,
                s.terminated_at,
            )
            for s in fresh
        ],
    )
    _resources(connection, batch, add)
    add(m.ProductOrder, _ORDER, rows.orders)
    _complete_staged(connection, batch)
    add(m.ProductOrderItem, _ITEM, rows.items)
    add(m.OrderEvent, _EVENT, rows.events)
    for model, what, timelines in (
        (m.NumberHolding, "key_kind, key, subscription_id", known.number_holdings),
        (m.SubscriptionHolding, "subscription_id, party_id", known.owners),
        (m.SubscriptionBlock, "subscription_id, reason, direction", known.blocks),
    ):
        _supersede(connection, model, timelines)
        add(
            model,
            f"{what}, {_TIMES}",
            [
                (*s.what, s.order_id, s.valid_from, s.valid_to, s.recorded_at, s.superseded_at)
                for s in timelines.begun
                # Begun and superseded at one instant: nobody ever believed it.
                if s.superseded_at is None or s.superseded_at > s.recorded_at
            ],
        )
    add(m.CustomerBill, "account_id, order_id, amount_fen, billed_at, due_at, recorded_at",
        rows.bills)  # fmt: skip
    add(m.Payment, "account_id, order_id, amount_fen, paid_at, recorded_at", rows.payments)
    add(
        Refund,
        "account_id, order_id, payment_order_id, amount_fen, refunded_at, recorded_at",
        rows.refunds,
    )
    add(
        AccountMembership,
        "subscription_id, account_id, order_id, valid_from, recorded_at",
        rows.memberships,
    )
    entries, transactions = booked(rows.bills, rows.payments, rows.refunds)
    add(AccountEntry, "transaction_ref, leg_no, ledger, key, amount_fen", entries)
    add(
        MoneyTransaction,
        "transaction_ref, kind, order_id, effective_at, recorded_at",
        transactions,
    )
    add(
        m.PartyProtection,
        "party_id, order_id, scope, valid_from, valid_to, maker, checker, recorded_at",
        rows.protections,
    )

    _journalled(connection, batch)


def _journalled(connection: Connection, batch: Batch) -> None:
    """Features and offers: changed now and then, and rebuilt from the journal."""
    for model, code, timelines in (
        (SubscriptionFeature, "feature_code", batch.on_record.features),
        (SubscriptionOffering, "offering_code", batch.on_record.offers),
    ):
        for span in timelines.ended:
            assert span.superseded_at is not None  # noqa: S101 - it is what `ended` holds
            journal = Journal(connection, span.superseded_at, "orders")
            journal.update(model, span.row_id, superseded_at=span.superseded_at)
        for span in timelines.begun:
            if span.superseded_at is not None and span.superseded_at <= span.recorded_at:
                continue
            subscription_id, value = span.what
            Journal(connection, span.recorded_at, "orders").insert(
                model,
                subscription_id=subscription_id,
                **{code: value},
                order_id=span.order_id,
                valid_from=span.valid_from,
                valid_to=span.valid_to,
                recorded_at=span.recorded_at,
                superseded_at=span.superseded_at,
            )


def _supersede(connection: Connection, model: type[m.Base], timelines: Timelines) -> None:
    if timelines.ended:
        connection.execute(
            _superseding(model),
            [{"row": s.row_id, "instant": s.superseded_at} for s in timelines.ended],
        )


def _update_subscriptions(connection: Connection, batch: Batch) -> None:
    changed = [s for s in batch.on_record.subscriptions.values() if s.stored and s.changed]
    if not changed:
        return
    connection.execute(
        _SUBSCRIPTION_CHANGE,
        [
            {
                "row": s.subscription_id,
                "ended": s.terminated_at,
                "learnt": s.termination_recorded_at,
                "changed": s.changed_at,
            }
            for s in changed
        ],
    )
    connection.execute(
        _PRODUCT_CHANGE,
        [{"row": s.product_id, "reached": s.status, "ended": s.terminated_at} for s in changed],
    )


def _complete_staged(connection: Connection, batch: Batch) -> None:
    changed = [
        {"row": key, "reached": state, "whose": subscription, "who": party, "done": done}
        for key, _, _, state, _, subscription, party, _, done, *_ in batch.rows.staged
    ]
    if changed:
        connection.execute(_ORDER_CHANGE, changed)


def _resources(connection: Connection, batch: Batch, add: Adder) -> None:
    known = batch.on_record
    numbers = [n for n in known.numbers.values() if n.changed]
    sims = [s for s in known.sims.values() if s.changed]
    add(
        m.Msisdn,
        "number, state, until, subscription_id, changed_at",
        [(n.name, n.state, n.until, n.subscription_id, n.changed_at) for n in numbers
         if not n.stored],
    )  # fmt: skip
    add(
        m.SimCard,
        "iccid, imsi, state, until, subscription_id, changed_at",
        [(s.name, s.imsi, s.state, s.until, s.subscription_id, s.changed_at) for s in sims
         if not s.stored],
    )  # fmt: skip
    for change, resources in ((_NUMBER_CHANGE, numbers), (_SIM_CHANGE, sims)):
        stored = [
            {
                "row": r.name,
                "reached": r.state,
                "rests": r.until,
                "holder": r.subscription_id,
                "changed": r.changed_at,
            }
            for r in resources
            if r.stored
        ]
        if stored:
            connection.execute(change, stored)


@cache
def _superseding(model: type[m.Base]) -> Update:
    key = next(iter(model.__table__.primary_key))
    return update(model).where(key == bindparam("row")).values(superseded_at=bindparam("instant"))


def _resource_change(key: InstrumentedAttribute[str]) -> Update:
    return (
        update(key.class_)
        .where(key == bindparam("row"))
        .values(
            state=bindparam("reached"),
            until=bindparam("rests"),
            subscription_id=bindparam("holder"),
            changed_at=bindparam("changed"),
        )
    )


_ORDER_CHANGE = (
    update(m.ProductOrder)
    .where(m.ProductOrder.order_id == bindparam("row"))
    .values(
        state=bindparam("reached"),
        subscription_id=bindparam("whose"),
        party_id=bindparam("who"),
        completion_date=bindparam("done"),
    )
)
_NUMBER_CHANGE = _resource_change(m.Msisdn.number)
_SIM_CHANGE = _resource_change(m.SimCard.iccid)
_SUBSCRIPTION_CHANGE = (
    update(m.Subscription)
    .where(m.Subscription.subscription_id == bindparam("row"))
    .values(
        terminated_at=bindparam("ended"),
        termination_recorded_at=bindparam("learnt"),
        changed_at=bindparam("changed"),
    )
)
_PRODUCT_CHANGE = (
    update(m.Product)
    .where(m.Product.product_id == bindparam("row"))
    .values(status=bindparam("reached"), termination_date=bindparam("ended"))
)
