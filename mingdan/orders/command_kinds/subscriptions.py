"""A subscription's life: 开户, 改号, 换卡, 补卡, 过户, 停机, 复机, 销号.

Here: the commands. Not here: what it pays (`money.py`) and has (`offers.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mingdan.orders.command_kinds.frame import Command, PartyData

SuspendReason = Literal[
    "customer_request", "lost", "arrears", "realname", "spam", "fraud", "police"
]
Direction = Literal["out", "in", "both", "sms_out"]


@dataclass(frozen=True, kw_only=True)
class Open(Command):
    """开户: a new subscription with its number and SIM."""

    subscription_ref: str
    party: PartyData
    product_code: str
    msisdn: str
    imsi: str
    iccid: str


@dataclass(frozen=True, kw_only=True)
class ChangeNumber(Command):
    """改号: same subscription, new number; the old one begins to age."""

    subscription_ref: str
    msisdn: str


@dataclass(frozen=True, kw_only=True)
class SwapSim(Command):
    """换卡 (reason `swap`) or 补卡 (reason `replace`): new SIM, same number."""

    subscription_ref: str
    imsi: str
    iccid: str
    reason: Literal["swap", "replace"]


@dataclass(frozen=True, kw_only=True)
class TransferOwner(Command):
    """过户: another party holds the subscription from `at` on.

    `holder_document`: number of the document the present holder shows; a desk asks
    for it (policy `transfer_verifies_holder`), in bulk it is checked if it is given.
    """

    subscription_ref: str
    party: PartyData
    holder_document: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Suspend(Command):
    """停机: adds one block; blocks of several reasons stack."""

    subscription_ref: str
    reason: SuspendReason
    direction: Direction = "both"


@dataclass(frozen=True, kw_only=True)
class Resume(Command):
    """复机: lifts the block of one reason only."""

    subscription_ref: str
    reason: SuspendReason


@dataclass(frozen=True, kw_only=True)
class Terminate(Command):
    """销号: the subscription ends, its number ages before it is issued again."""

    subscription_ref: str


@dataclass(frozen=True, kw_only=True)
class Reinstate(Command):
    """销号撤回: the subscription goes on. Only taking a 销号 back (冲正) hands it in.

    `termination_id`: the order that ended it; `party`, `msisdn`, `imsi`, `iccid`:
    who held it and what it held then.
    """

    subscription_ref: str
    termination_id: int
    party: PartyData
    msisdn: str
    imsi: str
    iccid: str
