"""Commands as JSON lines: one object a line, `command` names the business.

Here: reading them strictly (unknown fields are refused) with the line of every
error. Not here: carrying them out. Errors name fields, never values, which may
identify a person.

`{"command": "suspend", "order_ref": "x1", "at": "2026-11-01T12:00:00+08:00",
"subscription_ref": "S1", "reason": "lost"}`
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mingdan.identifiers import mask_typed
from mingdan.orders import commands as c

COMMANDS: dict[str, type[c.Command]] = {
    "open": c.Open,
    "change_number": c.ChangeNumber,
    "swap_sim": c.SwapSim,
    "transfer_owner": c.TransferOwner,
    "suspend": c.Suspend,
    "resume": c.Resume,
    "terminate": c.Terminate,
    "charge": c.Charge,
    "pay": c.Pay,
    "refund": c.Refund,
    "merge_account": c.MergeAccount,
    "split_account": c.SplitAccount,
    "cancel_account_change": c.CancelAccountChange,
    "protect": c.Protect,
    "change_feature": c.ChangeFeature,
    "change_offer": c.ChangeOffer,
    "cancel_offer_change": c.CancelOfferChange,
    "buy_device": c.BuyDevice,
    "swap_device": c.SwapDevice,
    "sell_card": c.SellCard,
    "sell_vouchers": c.SellVouchers,
}
PAID_ONLY = (c.SellCard, c.SellVouchers)
"""Not in bulk: nothing is handed over the counter that was not paid for."""
INTERNAL: dict[str, type[c.Command]] = {
    "modify_party": c.ModifyParty,
    "return_device": c.ReturnDevice,
    "return_cards": c.ReturnCards,
    "reinstate": c.Reinstate,
}
"""Commands that only a desk of this package hands in, after checks of its own."""
_READERS: dict[str, TypeAdapter[Any]] = {name: TypeAdapter(kind) for name, kind in COMMANDS.items()}


@dataclass(frozen=True)
class BadLine:
    """A line that is not a command, and why."""

    line: int
    order_ref: str | None
    reason: str


def read(lines: Iterable[bytes]) -> tuple[dict[int, c.AnyCommand], list[BadLine]]:
    """Commands by their line (counted from 1), and the lines that are none.

    UTF-8, with or without a BOM; blank lines are passed over. A reference that
    stands on two lines with different content is an error of the second.
    """
    found: dict[int, c.AnyCommand] = {}
    bad: list[BadLine] = []
    seen: dict[str, tuple[int, c.AnyCommand]] = {}
    for number, raw in enumerate(lines, start=1):
        content = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if not content.strip():
            continue
        try:
            command = _command(content)
            line, earlier = seen.setdefault(command.order_ref, (number, command))
            if earlier != command:
                raise _Bad(command.order_ref, f"order_ref is on line {line} with other content")
        except _Bad as problem:
            bad.append(BadLine(number, problem.order_ref, problem.reason))
            continue
        found[number] = command
    return found, bad


class _Bad(Exception):
    def __init__(self, order_ref: str | None, reason: str) -> None:
        super().__init__(reason)
        self.order_ref = order_ref
        self.reason = reason


def _command(content: bytes) -> c.AnyCommand:
    try:
        values = json.loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise _Bad(None, "is not UTF-8") from None
    except (ValueError, RecursionError):
        raise _Bad(None, "is not JSON") from None
    if not isinstance(values, dict):
        raise _Bad(None, "is not a JSON object")
    given = values.get("order_ref")
    ref = given if isinstance(given, str) else None
    name = values.pop("command", None)
    if not isinstance(name, str) or name not in COMMANDS:
        raise _Bad(ref, f"command is none of {', '.join(COMMANDS)}")
    _refuse_unknown(ref, values, COMMANDS[name])
    if isinstance(values.get("party"), dict):
        _refuse_unknown(ref, values["party"], c.PartyData)
    try:
        command: c.AnyCommand = _READERS[name].validate_python(values)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}"
            for each in error.errors(include_input=False, include_url=False)
        )
        raise _Bad(ref, problems) from None
    return command


def _refuse_unknown(ref: str | None, values: dict[str, Any], kind: Any) -> None:
    if unknown := sorted(values.keys() - {field.name for field in fields(kind)}):
        raise _Bad(ref, f"unknown fields: {', '.join(map(mask_typed, unknown))}")
