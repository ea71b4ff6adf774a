"""What is on record of one thing, in memory.

Here: a record each of parties, subscriptions, resources, orders and accounts, as a
batch of commands works on them. Not here: which of them a batch needs
(`working_set.py`) and their tables (`model.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

Document = tuple[str, str]


@dataclass(slots=True)
class Party:
    party_id: int
    party_ref: str
    party_type: str
    name: str
    document: Document
    contact: str | None
    recorded_at: datetime


@dataclass(slots=True)
class Subscription:
    subscription_id: int
    ref: str
    account_id: int
    activated_at: datetime
    recorded_at: datetime
    terminated_at: datetime | None
    termination_recorded_at: datetime | None
    changed_at: datetime
    product_id: int
    product_code: str
    status: str
    stored: bool = True
    changed: bool = False


@dataclass(slots=True)
class Resource:
    """A number (`name` is the MSISDN) or a SIM (`name` is the ICCID)."""

    name: str
    imsi: str | None
    state: str
    until: datetime | None
    subscription_id: int | None
    changed_at: datetime | None
    from_stock: bool = False
    """Stock knows it; otherwise an order brought it in."""
    licensed_until: datetime | None = None
    stored: bool = True
    changed: bool = False


@dataclass(slots=True)
class Order:
    order_id: int
    digest: str
    subscription_id: int | None
    party_id: int | None
    state: str = "completed"


@dataclass(slots=True)
class Offering:
    code: str
    sender_kind: str
    valid_from: date
    payment_kind: str = ""


@dataclass(slots=True)
class Account:
    """Bills `(due_at, billed_at, fen)` and payments `(paid_at, fen)` of one account."""

    bills: list[tuple[datetime, datetime, int]] = field(default_factory=list)
    payments: list[tuple[datetime, int]] = field(default_factory=list)

    def arrears(self, at: datetime) -> int:
        """Fen unpaid past their due date at `at`; payments cover the oldest bills first."""
        due = sum(fen for due_at, billed_at, fen in self.bills if max(due_at, billed_at) < at)
        return max(0, due - sum(fen for paid_at, fen in self.payments if paid_at <= at))

    def balance(self) -> int:
        """Fen paid and not billed, due or not; below 0 the account owes them."""
        paid = sum(fen for _, fen in self.payments)
        return paid - sum(fen for _, _, fen in self.bills)


@dataclass(slots=True)
class Paid:
    """What an order paid: fen by account that were not given back yet."""

    order_id: int
    order_type: str
    subscription_id: int | None
    paid_at: datetime
    left: dict[int, int] = field(default_factory=dict)


def imsi_text(key: int) -> str:
    """An IMSI as text: test networks' begin with zeros."""
    return f"{key:015d}"
