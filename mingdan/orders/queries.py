"""The queries that fill a batch's working set.

Here: one query a table, for the keys that another query lists. Not here: what
becomes of the rows (`working_set.py`).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, column, func, literal_column, select, table

from mingdan.orders import model as m
from mingdan.orders.finding import Among, Maker, Query
from mingdan.orders.lifecycle.model import StagedOrder
from mingdan.orders.money.memberships import counts
from mingdan.orders.money.model import AccountMembership, Refund
from mingdan.orders.offers.model import BillingAccountData
from mingdan.reference import load


def subscriptions(among: Among) -> Query:
    s, p = m.Subscription, m.Product
    return (
        select(
            s.subscription_id,
            s.subscription_ref,
            s.account_id,
            s.activated_at,
            s.recorded_at,
            s.terminated_at,
            s.termination_recorded_at,
            s.changed_at,
            p.product_id,
            p.offering_code,
            p.status,
        )
        .join(p, p.subscription_id == s.subscription_id)
        .where(among(s.subscription_ref))
    )


def account_data(among: Among) -> Query:
    d = BillingAccountData
    return select(d.account_id, d.name, d.bill_medium, d.bill_address).where(among(d.account_id))


@cache
def spans(table: Any, column: Any) -> Maker:
    columns = table.__table__.c
    key = next(iter(columns))
    what = [
        c for c in columns if c is not key and c.name not in (*m.Spans.__annotations__, "order_id")
    ]

    def make(among: Among) -> Query:
        return (
            select(
                key,
                table.valid_from,
                table.valid_to,
                table.recorded_at,
                table.superseded_at,
                table.order_id,
                *what,
            )
            .where(table.superseded_at.is_(None))
            .where(among(column))
        )

    return make


def holdings_of_keys(among: Among) -> Query:
    """Holdings of numbers and IMSIs, whoever has them."""
    # With both kinds, or the index, which begins with them, is of no use.
    h = m.NumberHolding
    return spans(h, h.key)(among).where(h.key_kind.in_(_listed("msisdn", "imsi")))


def numbers(among: Among) -> Query:
    n = m.Msisdn
    return select(
        n.number,
        n.state,
        n.until,
        n.subscription_id,
        n.changed_at,
        n.kind.is_not(None),
        n.licensed_until,
    ).where(among(n.number))


def sims_by_imsi(among: Among) -> Query:
    return sims().where(among(m.SimCard.imsi))


def sims_by_iccid(among: Among) -> Query:
    return sims().where(among(m.SimCard.iccid))


def sims() -> Query:
    s = m.SimCard
    return select(
        s.iccid,
        s.imsi,
        s.state,
        s.until,
        s.subscription_id,
        s.changed_at,
        s.capacity_k.is_not(None),
    )


def sim_traits(among: Among) -> Query:
    s = m.SimCard
    return select(s.iccid, s.capacity_k, s.stk).where(among(s.iccid))


def parties_by_ref(among: Among) -> Query:
    return parties().where(among(m.Party.party_ref))


def parties_by_id(among: Among) -> Query:
    return parties().where(among(m.Party.party_id))


def parties_by_document(among: Among) -> Query:
    # With every type there is, or the index, which begins with it, is of no use.
    types = _listed(*sorted(load.by("document_type", "code")))
    return parties().where(m.Party.document_type.in_(types), among(m.Party.document_number))


def _listed(*words: str) -> list[ColumnElement[str]]:
    """Words of ours as part of a statement's text."""
    return [literal_column(f"'{word}'") for word in words]


def parties() -> Query:
    p = m.Party
    return select(
        p.party_id,
        p.party_ref,
        p.party_type,
        p.name,
        p.document_type,
        p.document_number,
        p.contact,
        p.recorded_at,
    )


def in_service(among: Among) -> Query:
    h = m.SubscriptionHolding
    return (
        select(h.party_id, func.count())
        .where(h.superseded_at.is_(None), h.valid_to.is_(None), among(h.party_id))
        .group_by(h.party_id)
    )


def places(among: Among) -> Query:
    s = StagedOrder
    return select(s.document_type, s.document_number, s.order_id, s.until).where(
        s.closed_at.is_(None), among(s.document_number)
    )


def restrictions(among: Among) -> Query:
    r = m.Restriction
    return select(r.subject_id, r.effect, r.class_code, r.reason_code).where(
        r.subject_type == "party", r.ended_night.is_(None), among(r.subject_id)
    )


def protections(among: Among) -> Query:
    p = m.PartyProtection
    return select(p.party_id, p.scope, p.valid_from).where(among(p.party_id))


def bills(among: Among) -> Query:
    b = m.CustomerBill
    return select(b.account_id, b.due_at, b.billed_at, b.amount_fen).where(among(b.account_id))


def payments(among: Among) -> Query:
    p = m.Payment
    return select(p.account_id, p.paid_at, p.amount_fen).where(among(p.account_id))


def locked_accounts(among: Among) -> Query:
    """Their writers one after the other: two payments never miss each other's arrears."""
    a = m.BillingAccount
    return (
        select(a.account_id)
        .where(among(a.account_id))
        .order_by(a.account_id)
        .with_for_update(key_share=True)
    )


def memberships(among: Among) -> Query:
    a = AccountMembership
    return (
        select(a.subscription_id, a.valid_from, a.account_id)
        .where(among(a.subscription_id), *counts())
        .order_by(a.subscription_id, a.valid_from)
    )


def guests(among: Among) -> Query:
    """Subscriptions that pay, paid or will pay from an account that is not their own."""
    a, s = AccountMembership, m.Subscription
    return (
        select(a.subscription_id)
        .distinct()
        .join(s, s.subscription_id == a.subscription_id)
        .where(among(a.account_id), s.account_id != a.account_id, *counts())
        .where(s.terminated_at.is_(None))
    )


def refunds(among: Among) -> Query:
    """As payments the other way."""
    r = Refund
    return select(r.account_id, r.refunded_at, -r.amount_fen).where(among(r.account_id))


def paid(among: Among) -> Query:
    """What each order paid into which account."""
    o, p = m.ProductOrder, m.Payment
    return (
        select(
            o.order_ref,
            o.order_id,
            o.order_type,
            o.subscription_id,
            p.account_id,
            p.paid_at,
            p.amount_fen,
        )
        .join(p, p.order_id == o.order_id)
        .where(among(o.order_ref))
        .order_by(o.order_id, p.payment_id)
    )


def given_back(among: Among) -> Query:
    r = Refund
    return select(r.payment_order_id, r.account_id, r.amount_fen).where(among(r.payment_order_id))


def orders(among: Among) -> Query:
    o = m.ProductOrder
    return select(
        o.order_ref, o.order_id, o.request_digest, o.subscription_id, o.party_id, o.state
    ).where(among(o.order_ref))


@cache
def journal_position(dialect_name: str) -> Maker:
    """The journal's last entry, whatever keys are asked for."""
    if dialect_name == "sqlite":
        query: Any = select(column("seq")).select_from(table("sqlite_sequence"))
        query = query.where(column("name") == literal_column("'entity_event'"))
    else:
        last: Any = literal_column("CASE WHEN is_called THEN last_value ELSE 0 END").label("last")
        query = select(last).select_from(table("entity_event_seq_seq"))
    return lambda _among: query
