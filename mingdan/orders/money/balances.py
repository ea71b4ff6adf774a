"""What an account holds and owes, read from the facts: bills, payments, refunds.

Here: the account that pays for a subscription at an instant, its balance and
arrears, by the same rules as the bulk commands. Not here: the ledger
(`ledger.py`), which must say the same (`reconcile.py`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from mingdan.orders import model as m
from mingdan.orders import queries
from mingdan.orders.finding import find
from mingdan.orders.money.memberships import counts
from mingdan.orders.money.model import AccountMembership
from mingdan.orders.working_set import Account


def account_of(connection: Connection, subscription_id: int, at: datetime) -> int:
    """The account that pays for a subscription at `at`: its own, or a shared one (合帐)."""
    a, s = AccountMembership, m.Subscription
    shared = connection.execute(
        select(a.account_id)
        .where(a.subscription_id == subscription_id, a.valid_from <= at, *counts())
        .order_by(a.valid_from.desc())
        .limit(1)
    ).scalar()
    if shared is not None:
        return int(shared)
    own = select(s.account_id).where(s.subscription_id == subscription_id)
    return int(connection.execute(own).scalar_one())


def own_account(connection: Connection, subscription_id: int) -> int:
    """The account a subscription was opened with."""
    s = m.Subscription
    own = select(s.account_id).where(s.subscription_id == subscription_id)
    return int(connection.execute(own).scalar_one())


def accounts(connection: Connection, account_ids: set[int]) -> dict[int, Account]:
    """Bills and payments of accounts; a refund is a payment the other way."""
    found = {account_id: Account() for account_id in account_ids}
    for row in find(connection, queries.bills, account_ids):
        found[row[0]].bills.append((row[1], row[2], row[3]))
    for make in (queries.payments, queries.refunds):
        for row in find(connection, make, account_ids):
            found[row[0]].payments.append((row[1], row[2]))
    return found


def arrears(connection: Connection, subscription_id: int, at: datetime) -> int:
    """Fen past due at `at` on the account that pays for it, and on its own."""
    ids = {own_account(connection, subscription_id), account_of(connection, subscription_id, at)}
    return sum(account.arrears(at) for account in accounts(connection, ids).values())


def balance(connection: Connection, account_id: int) -> int:
    """Fen paid into an account and not billed, due or not; below 0 it owes them."""
    return accounts(connection, {account_id})[account_id].balance()


def members(connection: Connection, account_id: int, at: datetime) -> list[int]:
    """Subscriptions not terminated by `at` that pay from an account at `at`, ascending."""
    s, a = m.Subscription, AccountMembership
    guests = select(a.subscription_id).where(a.account_id == account_id)
    near = connection.execute(
        select(s.subscription_id).where(
            (s.account_id == account_id) | s.subscription_id.in_(guests),
            s.terminated_at.is_(None) | (s.terminated_at > at),
        )
    )
    return sorted(row[0] for row in near if account_of(connection, row[0], at) == account_id)
