"""What the commands of `mingdan order` share: options, opening the store, the answer.

Here: how an option is spelled and how an answer is printed. Not here: the
commands (`order.py`). Nothing that identifies a person is printed.
"""

from __future__ import annotations

import json
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from mingdan.calendar import BUSINESS_ZONE
from mingdan.errors import InputRefused, WrongUsage
from mingdan.orders import commands as c
from mingdan.orders.policy import Policy
from mingdan.orders.store import OrderStore
from mingdan.settings import Settings

Subscription = Annotated[
    str,
    typer.Argument(
        metavar="NUMBER|REFERENCE|KEY",
        help="Its number, the ordering system's reference, or its key.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for a script.")]
Ref = Annotated[
    str | None,
    typer.Option("--order-ref", help="Repeat it to retry safely.", show_default="a new one"),
]
At = Annotated[
    str | None,
    typer.Option(
        help="When it took effect, e.g. '2026-11-01 12:00' (Shanghai).", show_default="now"
    ),
]
Channel = Annotated[str, typer.Option(help="Where the request came from.")]
PolicyFile = Annotated[
    Path | None,
    typer.Option("--policy", help="Policy values of your own.", show_default="as shipped"),
]
PartyRef = Annotated[str, typer.Option("--party", help="The customer's reference.")]
Name = Annotated[str, typer.Option(help="Full name.", envvar="MINGDAN_NAME")]
DocumentNumber = Annotated[
    str, typer.Option(help="Number of the ID document.", envvar="MINGDAN_DOCUMENT_NUMBER")
]
DocumentType = Annotated[str, typer.Option(help="reference/document_type.csv.")]
PartyType = Annotated[str, typer.Option(help="individual or organization.")]
Contact = Annotated[str | None, typer.Option(help="Contact number or address.")]
Reason = Annotated[
    str, typer.Option(help="customer_request, lost, arrears, realname, spam, fraud or police.")
]


def store_at(policy: Path | None) -> OrderStore:
    """The installation's order store, with the policy of a file or as shipped."""
    chosen = None if policy is None else Policy.read(policy)
    return OrderStore.open(Settings().database, policy=chosen)


def customer(
    ref: str, kind: str, name: str, document_type: str, document_number: str, contact: str | None
) -> c.PartyData:
    """A customer as typed at the counter."""
    values: dict[str, Any] = {"party_type": kind}
    return c.PartyData(
        party_ref=ref,
        name=name,
        document_type=document_type,
        document_number=document_number,
        contact=contact,
        **values,
    )


def new_ref(kind: str) -> str:
    """A reference for whoever typed none."""
    return f"{kind}-{uuid.uuid4()}"


def cli_ref() -> str:
    """The same in short, of what is done but once."""
    return f"cli-{uuid.uuid4().hex[:16]}"


def request(order_ref: str | None, at: str | None, channel: str) -> dict[str, Any]:
    """What all commands share; the store learns of them now."""
    now = datetime.now(UTC)
    return {
        "order_ref": order_ref or cli_ref(),
        "at": now if at is None else instant("--at", at),
        "recorded_at": now,
        "channel": channel,
    }


def instant(option: str, text: str) -> datetime:
    """An instant as typed; Shanghai time unless it says otherwise."""
    with suppress(ValueError):
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=BUSINESS_ZONE)
    raise WrongUsage(f"{option} is an instant such as '2026-11-01 12:00', not {text!r}")


def carry_out(store: OrderStore, command: c.AnyCommand, *, as_json: bool) -> None:
    """Apply one command, say what came of it, and fail if it was refused."""
    applied = store.apply([command])
    for refused in applied.refused:
        if not as_json:
            raise InputRefused(f"{refused.reason} ({refused.code}; {refused.reason_zh})")
        print(
            json.dumps(
                {
                    "order_ref": refused.order_ref,
                    "state": "rejected",
                    "code": refused.code,
                    "reason": refused.reason,
                    "reason_zh": refused.reason_zh,
                },
                ensure_ascii=False,
            )
        )
        raise typer.Exit(1)
    result = {
        "order_ref": command.order_ref,
        "state": "completed",
        "repeated": bool(applied.repeated),
        "subscription_id": next(iter(applied.subscription_ids.values()), None),
        "party_id": next(iter(applied.party_ids.values()), None),
    }
    if as_json:
        print(json.dumps(result))
        return
    again = " before; nothing was done again" if applied.repeated else ""
    about = f", subscription {result['subscription_id']}" if result["subscription_id"] else ""
    print(f"order {command.order_ref} completed{again}{about}")
