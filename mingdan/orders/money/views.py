"""What the money desks show: accounts, who pays from them, and what a movement left.

Here: reading. Not here: masking, which the ways in do (`mingdan.cli`), and
changes.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from mingdan.orders import model as m
from mingdan.orders import queries
from mingdan.orders.finding import find
from mingdan.orders.money import balances, buckets
from mingdan.orders.money.requests import AccountView, Moved, Standing


def moved(
    connection: Connection,
    subscription_id: int,
    at: datetime,
    *,
    order_ref: str,
    receipt_no: str | None,
    amount_fen: int,
    repeated: bool = False,
    lifted: tuple[str, ...] = (),
) -> Moved:
    """The answer to a movement of money, with what its account holds and owes now."""
    account_id = balances.account_of(connection, subscription_id, at)
    account = balances.accounts(connection, {account_id})[account_id]
    return Moved(
        order_ref=order_ref,
        receipt_no=receipt_no,
        amount_fen=amount_fen,
        account_id=account_id,
        balance_fen=account.balance(),
        arrears_fen=account.arrears(at),
        repeated=repeated,
        lifted=lifted,
    )


def membership(connection: Connection, order_ref: str) -> tuple[int, datetime]:
    """The account that pays by an order of 合帐, 分帐 or calling one off, and from when on."""
    i, o = m.ProductOrderItem, m.ProductOrder
    done = connection.execute(
        select(i.characteristic)
        .join(o, o.order_id == i.order_id)
        .where(o.order_ref == order_ref, i.item_no == 1)
    ).scalar_one()
    return done["billingAccount"][1], datetime.fromisoformat(done["from"])


def account(
    connection: Connection, account_id: int, subscription_id: int, at: datetime
) -> AccountView:
    """One account as it stands at `at`, for one of its subscriptions."""
    found = balances.accounts(connection, {account_id})[account_id]
    s = m.Subscription
    refs = connection.execute(
        select(s.subscription_ref)
        .where(s.subscription_id.in_(balances.members(connection, account_id, at)))
        .order_by(s.subscription_ref)
    )
    paid = sum(fen for _, fen in found.payments if fen > 0)
    return AccountView(
        account_id=account_id,
        is_own=account_id == balances.own_account(connection, subscription_id),
        balance_fen=found.balance(),
        arrears_fen=found.arrears(at),
        billed_fen=sum(fen for _, _, fen in found.bills),
        paid_fen=paid,
        refunded_fen=paid - sum(fen for _, fen in found.payments),
        members=tuple(refs.scalars()),
        bucket=buckets.of_account(connection, account_id, at),
    )


def standing(connection: Connection, key: int, ref: str, at: datetime) -> Standing:
    """The account that pays for a subscription, and its own if that is another."""
    own = balances.own_account(connection, key)
    paying = balances.account_of(connection, key, at)
    s = m.Subscription
    since = connection.execute(select(s.activated_at).where(s.subscription_id == key)).scalar_one()
    changes = [(row[1], row[2]) for row in find(connection, queries.memberships, [key])]
    return Standing(
        subscription_ref=ref,
        accounts=tuple(
            account(connection, account_id, key, at) for account_id in dict.fromkeys((paying, own))
        ),
        history=((since, own), *changes),
    )
