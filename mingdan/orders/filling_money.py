"""Reading a working set's money: accounts, what they owe and who pays from them.

Here: only that. Not here: the queries (`queries.py`), everything else a batch names
(`filling.py`) and what becomes of the money (`money`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mingdan.orders import queries
from mingdan.orders.naming import Named
from mingdan.orders.records import Paid

if TYPE_CHECKING:
    from mingdan.orders.working_set import WorkingSet


def accounts(known: WorkingSet, rows: Callable[..., Any], named: Named, *, locked: bool) -> None:
    """Accounts, locked if not all is: after the customers and before numbers and SIMs."""
    asked = named.accounts_of | named.billed
    own = {
        known.subscriptions[ref].subscription_id: known.subscriptions[ref].account_id
        for ref in asked
        if ref in known.subscriptions
    }
    if not own:
        return
    _guests(known, rows, named)
    for subscription_id, valid_from, account_id in rows(
        queries.memberships, own.keys() | known.guests
    ):
        known.memberships[subscription_id].append((valid_from, account_id))
    accounts = {
        account_id
        for ref in named.accounts_of
        if ref in known.subscriptions
        for account_id in (
            known.subscriptions[ref].account_id,
            *(a for _, a in known.memberships[known.subscriptions[ref].subscription_id]),
        )
    }
    _paid(known, rows, named)
    for paid in known.paid.values():
        accounts |= paid.left.keys()
    if not locked:
        rows(queries.locked_accounts, accounts)
    for row in rows(queries.bills, accounts):
        known.accounts[row[0]].bills.append(tuple(row[1:]))
    for make in (queries.payments, queries.refunds):
        for row in rows(make, accounts):
            known.accounts[row[0]].payments.append(tuple(row[1:]))


def account_data(known: WorkingSet, rows: Callable[..., Any], named: Named) -> None:
    asked = {
        known.subscriptions[ref].account_id for ref in named.edited if ref in known.subscriptions
    }
    for account_id, name, medium, address in rows(queries.account_data, asked):
        known.account_data[account_id] = {
            "name": name, "bill_medium": medium, "bill_address": address,
        }  # fmt: skip


def _guests(known: WorkingSet, rows: Callable[..., Any], named: Named) -> None:
    hosted = {
        known.subscriptions[ref].account_id for ref in named.hosts if ref in known.subscriptions
    }
    known.guests = {row[0] for row in rows(queries.guests, hosted)}


def _paid(known: WorkingSet, rows: Callable[..., Any], named: Named) -> None:
    by_order: dict[int, Paid] = {}
    for ref, order_id, order_type, subscription_id, account_id, paid_at, fen in rows(
        queries.paid, named.payments
    ):
        if ref not in known.paid:
            known.paid[ref] = by_order[order_id] = Paid(
                order_id, order_type, subscription_id, paid_at
            )
        left = known.paid[ref].left
        left[account_id] = left.get(account_id, 0) + fen
    for order_id, account_id, fen in rows(queries.given_back, by_order):
        by_order[order_id].left[account_id] -= fen
