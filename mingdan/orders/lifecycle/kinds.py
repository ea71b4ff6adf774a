"""Kinds of orders: what a command's order type is and how such an order runs.

Here: the names and the data of `reference/order_lifecycle.csv` and
`order_type.csv`. Not here: what a business checks and does (`businesses`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from mingdan.orders import checks
from mingdan.orders import commands as c
from mingdan.orders.jsonl import COMMANDS, INTERNAL
from mingdan.orders.refusals import Refused
from mingdan.reference import load

_NAMES = {kind: name for name, kind in (COMMANDS | INTERNAL).items()}
_SIM_TYPES = {"swap": "SIM_SWAP", "replace": "SIM_REPLACE"}


@dataclass(frozen=True)
class Kind:
    """How orders of one type run.

    `waits`: whether there is anything between acceptance and completion (a bill
    or a payment is a fact at once). `exclusive`: at most one such order of a
    subscription is on its way. `reversal`: the command that takes it back.
    """

    order_type: str
    waits: bool
    provisioning: bool
    exclusive: bool
    reversal: str
    advice: str


def name_of(command: c.Command) -> str:
    """The command's name in JSON lines. Raises Refused (unknown_business) if it has none."""
    name = _NAMES.get(type(command))
    if name is None:
        raise Refused("unknown_business", business=type(command).__name__)
    return name


def refuse_internal(command: c.Command) -> None:
    """Refuse what only a desk of this package may hand in: unknown_business."""
    if name_of(command) in INTERNAL:
        raise Refused("unknown_business", business=type(command).__name__)


def order_type_of(command: c.Command) -> str:
    """The order type a command becomes. Raises Refused (unknown_business, invalid_value)."""
    if isinstance(command, c.SwapSim):
        return _SIM_TYPES[checks.one_of("reason", command.reason, frozenset(_SIM_TYPES))]
    if isinstance(command, c.Charge):
        return "BILL"
    if isinstance(command, c.SellCard | c.SellVouchers):
        return "PREPAID_CARD_SALE" if isinstance(command, c.SellCard) else "VOUCHER_SALE"
    if isinstance(command, c.ModifyParty):
        return f"MODIFY_PARTY_{command.kind.upper()}"
    return name_of(command).upper()


@cache
def kind(order_type: str) -> Kind:
    """How orders of this type run; a type without a row waits for nothing."""
    row = load.by("order_lifecycle", "order_type").get(order_type, {})
    event = load.by("order_type", "code")[order_type]["event"]
    return Kind(
        order_type=order_type,
        waits=event == "productOrder",
        provisioning=row.get("provisioning") == "yes",
        exclusive=row.get("exclusive") == "yes",
        reversal=row.get("reversal", ""),
        advice=row.get("advice", ""),
    )
