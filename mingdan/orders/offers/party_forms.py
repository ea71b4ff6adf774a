"""Changes of customers' data as callers see them: what is asked for, what is answered.

Here: the typed requests and the view. Not here: their checks and effects
(`customers.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Medium = Literal["none", "paper", "email", "sms"]
"""How bills go out (`reference/bill_medium.csv`)."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """How the customer was identified: by the document shown, or by the present password."""

    document_type: str | None = None
    document_number: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class PartyRequest:
    """Common to all: idempotent by `request_ref`; `proof` identifies the customer."""

    request_ref: str
    party_ref: str
    proof: Proof


@dataclass(frozen=True, kw_only=True)
class NameChange(PartyRequest):
    """更名: the same person or organization under another name; needs the document."""

    name: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ContactChange(PartyRequest):
    """Another contact number or address; None: none any more."""

    contact: str | None = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class AccountChange(PartyRequest):
    """帐户资料: how the account of one of the customer's subscriptions is billed.

    `name` is whom bills are made out to; None: the customer.
    """

    subscription_ref: str
    name: str | None = field(default=None, repr=False)
    bill_medium: Medium = "none"
    bill_address: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class PasswordChange(PartyRequest):
    """A (new) service password (服务密码)."""

    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ChangeView:
    """A change of a customer's data. Instants are UTC; `fields` are names, never values.

    `state`: acknowledged (staged, dead from `until` on), completed, cancelled.
    """

    request_ref: str
    party_ref: str
    business: str
    state: str
    expired: bool
    fields: tuple[str, ...]
    staged_at: datetime
    staged_by: str
    until: datetime
    decided_at: datetime | None
    decided_by: str | None
    repeated: bool = False
