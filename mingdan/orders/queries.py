"""The queries that fill a batch's working set.

Here: one query a table, for the keys that another query lists. Not here: what
becomes of the rows (`working_set.py`).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, select

from mingdan.orders import model as m
from mingdan.orders.finding import Maker, Query
from mingdan.orders.lifecycle.model import StagedOrder
from mingdan.orders.money.model import AccountMembership, Refund
from mingdan.orders.offers.model import BillingAccountData
from mingdan.reference import load


def subscriptions(refs: Query) -> Query:
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
        .where(s.subscription_ref.in_(refs))
    )


def account_data(accounts: Query) -> Query:
    d = BillingAccountData
    return select(d.account_id, d.name, d.bill_medium, d.bill_address).where(
        d.account_id.in_(accounts)
    )


@cache
def spans(table: Any, column: Any) -> Maker:
    columns = table.__table__.c
    key = next(iter(columns))
    what = [
        c for c in columns if c is not key and c.name not in (*m.Spans.__annotations__, "order_id")
    ]

    def make(keys: Query) -> Query:
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
            .where(column.in_(keys))
        )

    return make


def holdings_of_keys(keys: Query) -> Query:
    """Holdings of numbers and IMSIs, whoever has them."""
    # With both kinds, or the index, which begins with them, is of no use.
    h = m.NumberHolding
    return spans(h, h.key)(keys).where(h.key_kind.in_(_listed("msisdn", "imsi")))


def numbers(keys: Query) -> Query:
    n = m.Msisdn
    return select(
        n.number,
        n.state,
        n.until,
        n.subscription_id,
        n.changed_at,
        n.kind.is_not(None),
        n.licensed_until,
    ).where(n.number.in_(keys))


def sims_by_imsi(keys: Query) -> Query:
    return sims().where(m.SimCard.imsi.in_(keys))


def sims_by_iccid(keys: Query) -> Query:
    return sims().where(m.SimCard.iccid.in_(keys))


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


def sim_traits(iccids: Query) -> Query:
    s = m.SimCard
    return select(s.iccid, s.capacity_k, s.stk).where(s.iccid.in_(iccids))


def parties_by_ref(keys: Query) -> Query:
    return parties().where(m.Party.party_ref.in_(keys))


def parties_by_id(keys: Query) -> Query:
    return parties().where(m.Party.party_id.in_(keys))


def parties_by_document(numbers: Query) -> Query:
    # With every type there is, or the index, which begins with it, is of no use.
    types = _listed(*sorted(load.by("document_type", "code")))
    return parties().where(m.Party.document_type.in_(types), m.Party.document_number.in_(numbers))


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


def in_service(party_ids: Query) -> Query:
    h = m.SubscriptionHolding
    return (
        select(h.party_id, func.count())
        .where(h.superseded_at.is_(None), h.valid_to.is_(None), h.party_id.in_(party_ids))
        .group_by(h.party_id)
    )


def places(document_numbers: Query) -> Query:
    s = StagedOrder
    return select(s.document_type, s.document_number, s.order_id, s.until).where(
        s.closed_at.is_(None), s.document_number.in_(document_numbers)
    )


def restrictions(party_ids: Query) -> Query:
    r = m.Restriction
    return select(r.subject_id, r.effect, r.class_code, r.reason_code).where(
        r.subject_type == "party", r.ended_night.is_(None), r.subject_id.in_(party_ids)
    )


def protections(party_ids: Query) -> Query:
    p = m.PartyProtection
    return select(p.party_id, p.scope, p.valid_from).where(p.party_id.in_(party_ids))


def bills(account_ids: Query) -> Query:
    b = m.CustomerBill
    return select(b.account_id, b.due_at, b.billed_at, b.amount_fen).where(
        b.account_id.in_(account_ids)
    )


def payments(account_ids: Query) -> Query:
    p = m.Payment
    return select(p.account_id, p.paid_at, p.amount_fen).where(p.account_id.in_(account_ids))


def locked_accounts(account_ids: Query) -> Query:
    """Their writers one after the other: two payments never miss each other's arrears."""
    a = m.BillingAccount
    return (
        select(a.account_id)
        .where(a.account_id.in_(account_ids))
        .order_by(a.account_id)
        .with_for_update(key_share=True)
    )


def memberships(subscription_ids: Query) -> Query:
    a = AccountMembership
    return (
        select(a.subscription_id, a.valid_from, a.account_id)
        .where(a.subscription_id.in_(subscription_ids))
        .order_by(a.subscription_id, a.valid_from)
    )


def guests(account_ids: Query) -> Query:
    """Subscriptions that pay, paid or will pay from an account that is not their own."""
    a, s = AccountMembership, m.Subscription
    return (
        select(a.subscription_id)
        .distinct()
        .join(s, s.subscription_id == a.subscription_id)
        .where(a.account_id.in_(account_ids), s.account_id != a.account_id)
        .where(s.terminated_at.is_(None))
    )


def refunds(account_ids: Query) -> Query:
    """As payments the other way."""
    r = Refund
    return select(r.account_id, r.refunded_at, -r.amount_fen).where(r.account_id.in_(account_ids))


def paid(refs: Query) -> Query:
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
        .where(o.order_ref.in_(refs))
        .order_by(o.order_id, p.payment_id)
    )


def given_back(order_ids: Query) -> Query:
    r = Refund
    return select(r.payment_order_id, r.account_id, r.amount_fen).where(
        r.payment_order_id.in_(order_ids)
    )


def orders(refs: Query) -> Query:
    o = m.ProductOrder
    return select(
        o.order_ref, o.order_id, o.request_digest, o.subscription_id, o.party_id, o.state
    ).where(o.order_ref.in_(refs))
