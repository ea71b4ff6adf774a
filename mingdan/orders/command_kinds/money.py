"""Accounts: 出账, 收 / 退通信费, 合帐 / 分帐, 充值.

Here: the commands. Not here: desks' requests of the same businesses (`money/requests.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mingdan.orders.command_kinds.frame import Command


@dataclass(frozen=True, kw_only=True)
class Charge(Command):
    """A bill due on the account (`amount_fen` > 0) at `due_at`."""

    subscription_ref: str
    amount_fen: int
    due_at: datetime


@dataclass(frozen=True, kw_only=True)
class Pay(Command):
    """收通信费: a payment; covers the oldest bills first."""

    subscription_ref: str
    amount_fen: int


@dataclass(frozen=True, kw_only=True)
class Refund(Command):
    """退通信费: part or all of one payment back, named by its `order_ref`.

    `account_id`: only what it brought to this account, if it went to two (合帐).
    """

    subscription_ref: str
    payment_ref: str
    amount_fen: int
    account_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class MergeAccount(Command):
    """合帐: from an instant on (default `at`) it pays from another one's account."""

    subscription_ref: str
    with_subscription_ref: str
    effective_from: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class SplitAccount(Command):
    """分帐: from an instant on (default `at`) it pays from its own account again."""

    subscription_ref: str
    effective_from: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class CancelAccountChange(Command):
    """The 合帐 or 分帐 that is yet to come does not take effect."""

    subscription_ref: str


@dataclass(frozen=True, kw_only=True)
class TopUp(Command):
    """充值: a voucher's value into the account. Only `money.vouchers` hands it in."""

    subscription_ref: str
    amount_fen: int
    voucher: str
