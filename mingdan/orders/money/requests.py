"""What the money desks are asked and what they answer, typed.

Here: requests and results. Not here: checks and effects (`accounts.py`,
`vouchers.py`, `settlement.py`). Amounts are fen; instants are aware.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from mingdan.orders.money.receipts import CURRENCY


@dataclass(frozen=True, kw_only=True)
class PayRequest:
    """收通信费. `correlator`: the caller's own number of the payment (TMF676 correlatorId).

    `payer_ref`: the party that pays, if it is another customer than the holder.
    """

    subscription_ref: str
    amount_fen: int
    correlator: str
    method: str = "cash"
    currency: str = CURRENCY
    payer_ref: str | None = None
    channel: str = "counter"


@dataclass(frozen=True, kw_only=True)
class RefundRequest:
    """退通信费 of the payment made under `payment_ref`, to the one who paid it.

    `payee_ref`: whom the caller means to give it to, checked against the payer.
    """

    subscription_ref: str
    payment_ref: str
    amount_fen: int
    correlator: str
    currency: str = CURRENCY
    payee_ref: str | None = None
    channel: str = "counter"


@dataclass(frozen=True, kw_only=True)
class DeductRequest:
    """Use of a prepaid balance (TMF654 deductBalance)."""

    subscription_ref: str
    amount_fen: int
    correlator: str
    currency: str = CURRENCY
    channel: str = "charging"


@dataclass(frozen=True, kw_only=True)
class MergeRequest:
    """合帐: pay from the account of `with_subscription_ref`; `effective_from`: default now."""

    subscription_ref: str
    with_subscription_ref: str
    order_ref: str
    effective_from: datetime | None = None
    channel: str = "counter"


@dataclass(frozen=True, kw_only=True)
class SplitRequest:
    """分帐: pay from its own account again; `effective_from`: default now."""

    subscription_ref: str
    order_ref: str
    effective_from: datetime | None = None
    channel: str = "counter"


@dataclass(frozen=True, kw_only=True)
class CancelChangeRequest:
    """The 合帐 or 分帐 of a subscription that is yet to come does not take effect."""

    subscription_ref: str
    order_ref: str
    channel: str = "counter"


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What came of a payment, a refund, a deduction or a top-up.

    `repeated`: it was done before under this correlator and nothing was done
    now. `lifted`: other subscriptions of a shared account that serve again.
    `balance_fen` and `arrears_fen` are those of the paying account afterwards.
    """

    order_ref: str
    receipt_no: str | None
    amount_fen: int
    account_id: int
    balance_fen: int
    arrears_fen: int
    repeated: bool = False
    lifted: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Regrouped:
    """What came of 合帐, 分帐 or calling one off: the account that pays, and from when on."""

    order_ref: str
    account_id: int
    effective_from: datetime
    repeated: bool = False


@dataclass(frozen=True, kw_only=True)
class BucketView:
    """A prepaid balance (TMF654 Bucket); `status` as of the instant asked for."""

    bucket_id: int
    status: str
    remaining_fen: int
    valid_from: datetime
    valid_until: datetime
    is_shared: bool


@dataclass(frozen=True, kw_only=True)
class AccountView:
    """One account (TMF666) at an instant; `members` are subscription references."""

    account_id: int
    is_own: bool
    balance_fen: int
    arrears_fen: int
    billed_fen: int
    paid_fen: int
    refunded_fen: int
    members: tuple[str, ...]
    bucket: BucketView | None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What `account show` shows: the paying account first, then its own if another."""

    subscription_ref: str
    accounts: tuple[AccountView, ...]
    history: tuple[tuple[datetime, int], ...]
    """(from, account): which account paid since when, the own one first."""


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """销号: what was given back, what is still owed, and the refunds by payment."""

    subscription_ref: str
    refunded_fen: int
    debt_fen: int
    refunds: tuple[Moved, ...] = field(default=())
