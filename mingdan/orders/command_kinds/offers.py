"""What a subscription has (功能变更, 优惠变更) and what is known of its customer.

Here: the commands. Not here: features, prices and offers themselves (`mingdan/orders/offers`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from mingdan.orders.command_kinds.frame import Command


@dataclass(frozen=True, kw_only=True)
class ChangeFeature(Command):
    """功能变更: features (`reference/feature.csv`) that begin and end at `at`."""

    subscription_ref: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ChangeOffer(Command):
    """优惠变更: another offering, at `at` or from the next billing cycle on."""

    subscription_ref: str
    product_code: str
    when: Literal["now", "next_cycle"] = "now"


@dataclass(frozen=True, kw_only=True)
class CancelOfferChange(Command):
    """The offer change that is yet to come does not take effect."""

    subscription_ref: str


@dataclass(frozen=True, kw_only=True)
class ModifyParty(Command):
    """客户资料修改: field -> its new value. Only `offers.customers` hands it in.

    `subscription_ref`: of a change of account data, whose account.
    """

    party_ref: str
    kind: Literal["name", "contact", "account", "password"]
    values: dict[str, str | None] = field(repr=False)
    subscription_ref: str | None = None


@dataclass(frozen=True, kw_only=True)
class Protect(Command):
    """红名单: protect a party (all its subscriptions) in a scope until `until`."""

    party_ref: str
    scope: Literal["credit", "spam", "all"]
    until: datetime
    maker: str
    checker: str | None
