"""Taking back a change of account (合帐, 分帐), in effect or yet to come.

Here: the command that does it. Not here: what was billed and paid meanwhile, which
stays where it is, and the other businesses' commands (`inverses.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from mingdan.orders import commands as c
from mingdan.orders import model as m
from mingdan.orders.lifecycle.taken import Inverse, Taken
from mingdan.orders.money.balances import account_of, own_account
from mingdan.orders.money.memberships import counts
from mingdan.orders.money.model import AccountMembership


def former_account(taken: Taken) -> Inverse:
    """What was billed and paid meanwhile stays where it is."""
    taken.still(_last_membership(taken))
    if datetime.fromisoformat(taken.done["from"]) > taken.frame["at"]:
        return Inverse(c.CancelAccountChange(**taken.frame))
    return _to_account(taken, taken.done["billingAccount"][0], None)


def change_again(taken: Taken) -> Inverse:
    """The change that was yet to come, while it still is."""
    start = datetime.fromisoformat(taken.done["from"])
    if start <= taken.frame["at"]:
        taken.later(start)
    return _to_account(taken, taken.done["billingAccount"][0], start)


def _last_membership(taken: Taken) -> Any:
    a = AccountMembership
    return taken.connection.execute(
        select(a.order_id, a.valid_from)
        .where(a.subscription_id == taken.record.subscription_id, *counts())
        .order_by(a.valid_from.desc())
        .limit(1)
    ).one_or_none()


def _to_account(taken: Taken, account_id: int, start: datetime | None) -> Inverse:
    """A change to an account, its own or another's, from `start` on."""
    s, record = m.Subscription, taken.record
    assert record.subscription_id is not None  # noqa: S101 - these orders are of a subscription
    if account_id == own_account(taken.connection, record.subscription_id):
        return Inverse(c.SplitAccount(**taken.frame, effective_from=start))
    host = taken.connection.execute(
        select(s.subscription_id, s.subscription_ref).where(s.account_id == account_id)
    ).one()
    at = start or taken.frame["at"]
    if account_of(taken.connection, host.subscription_id, at) != account_id:
        taken.later(at)
    frame = {**taken.frame, "effective_from": start}
    return Inverse(c.MergeAccount(**frame, with_subscription_ref=host.subscription_ref))
