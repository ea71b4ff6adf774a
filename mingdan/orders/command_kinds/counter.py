"""Over the counter: handsets (购买, 换机身), prepaid cards, vouchers, and their way back.

Here: the commands. Not here: the stock they come from (`mingdan/orders/stock`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mingdan.orders.command_kinds.frame import Command


@dataclass(frozen=True, kw_only=True)
class BuyDevice(Command):
    """购买: a handset out of stock (IMEI) for a subscription in service."""

    subscription_ref: str
    imei: str


@dataclass(frozen=True, kw_only=True)
class SwapDevice(Command):
    """换机身: another handset for one the subscription has; the old one is handed back."""

    subscription_ref: str
    imei: str
    old_imei: str
    old_is: Literal["returned", "damaged"] = "returned"


@dataclass(frozen=True, kw_only=True)
class SellCard(Command):
    """售卡: a prepaid card (预付费卡) over the counter, at its face value."""

    card_no: str


@dataclass(frozen=True, kw_only=True)
class SellVouchers(Command):
    """充值卡: `quantity` vouchers of a batch, the lowest serials, at `price_fen` each."""

    batch_ref: str
    quantity: int
    price_fen: int


@dataclass(frozen=True, kw_only=True)
class ReturnDevice(Command):
    """退机: a bought handset comes back. Only taking the sale back (冲正) hands it in."""

    subscription_ref: str
    imei: str


@dataclass(frozen=True, kw_only=True)
class ReturnCards(Command):
    """退卡: what `sale_ref` sold comes back. Only taking the sale back (冲正) hands it in."""

    sale_ref: str
