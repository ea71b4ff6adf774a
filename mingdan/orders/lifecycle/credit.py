"""The credit check: may this document take another subscription on credit?

Here: arrears and blocks on the other subscriptions of the document. Not here:
the blacklist (labels' effects, `businesses/opening.py`) and the cap.

Policy says for which kind of payment it is made (`credit_check_postpaid`,
`credit_check_prepaid`). Blocks the customer asked for himself (by request, loss)
do not count (`suspend_reason.csv`, `set_by`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, or_, select

from mingdan.orders import model as m
from mingdan.orders.finding import Among, Query, find
from mingdan.orders.money.balances import account_of, accounts, own_account
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from mingdan.reference import load


def check(
    store: OrderStore,
    connection: Connection,
    parties: Iterable[int],
    product_code: str,
    at: datetime,
) -> None:
    """Return if a document is good for one more subscription of this product at `at`.

    `parties`: the document's party records.

    Raises Refused: unknown_product, credit_arrears, credit_blocked.
    """
    offering = store.offerings.get(product_code)
    if offering is None:
        raise Refused("unknown_product", product_code=product_code)
    if not store.policy.at(f"credit_check_{offering.payment_kind}", at):
        return
    subscriptions = sorted({row[0] for row in find(connection, _held_by, parties)})
    if not subscriptions:
        return
    paying = {account_of(connection, each, at) for each in subscriptions}
    paying |= {own_account(connection, each) for each in subscriptions}
    arrears = sum(account.arrears(at) for account in accounts(connection, paying).values())
    if arrears:
        raise Refused("credit_arrears", arrears_fen=arrears)
    own = {r["reason"] for r in load.rows("suspend_reason") if r["set_by"] == "customer"}
    b = m.SubscriptionBlock
    reasons = connection.execute(
        select(b.reason)
        .distinct()
        .where(
            b.subscription_id.in_(subscriptions),
            b.superseded_at.is_(None),
            b.valid_from <= at,
            or_(b.valid_to.is_(None), b.valid_to > at),
            b.reason.not_in(own),
        )
        .order_by(b.reason)
    ).scalars()
    if found := ", ".join(reasons):
        raise Refused("credit_blocked", reasons=found)


def _held_by(among: Among) -> Query:
    """What the parties hold or held last: debts outlive a termination."""
    h, s = m.SubscriptionHolding, m.Subscription
    return (
        select(h.subscription_id)
        .join(s, s.subscription_id == h.subscription_id)
        .where(
            among(h.party_id),
            h.superseded_at.is_(None),
            or_(h.valid_to.is_(None), h.valid_to == s.terminated_at),
        )
    )
