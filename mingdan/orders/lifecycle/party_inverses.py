"""The command that gives a customer the former data back.

Here: reading what a change (客户资料修改) found and left. Not here: the other
businesses (`inverses.py`).
"""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import Connection, Row, select

from mingdan.orders.commands import ModifyParty
from mingdan.orders.lifecycle.kinds import kind
from mingdan.orders.lifecycle.views import Record
from mingdan.orders.offers import party_rows
from mingdan.orders.offers.model import PartyCredential
from mingdan.orders.refusals import Refused

_KINDS: dict[str, Literal["name", "contact", "account", "password"]] = {
    "MODIFY_PARTY_NAME": "name",
    "MODIFY_PARTY_CONTACT": "contact",
    "MODIFY_PARTY_ACCOUNT": "account",
    "MODIFY_PARTY_PASSWORD": "password",
}


def inverse(connection: Connection, record: Record, frame: dict[str, Any]) -> ModifyParty:
    """The old values back. Raises Refused: later_change, not_reversible (a first password)."""
    change = party_rows.change_row(connection, record.order_ref)
    if change is None:
        raise LookupError(f"order {record.order_id} has no change of data")
    asked = _KINDS[record.order_type]
    if asked == "password":
        values: dict[str, str | None] = {"verifier": _former_verifier(connection, record, change)}
    else:
        _unchanged(connection, change)
        values = {name: before for name, (before, _) in change.content.items()}
    plain = {name: value for name, value in frame.items() if name != "subscription_ref"}
    subscription_ref = record.subscription_ref if asked == "account" else None
    return ModifyParty(
        **plain,
        party_ref=change.party_ref,
        kind=asked,
        values=values,
        subscription_ref=subscription_ref,
    )


def _unchanged(connection: Connection, change: Row[Any]) -> None:
    if change.account_id is None:
        row: Any = party_rows.party_of(connection, change.party_ref)
    else:
        row = party_rows.account_data(connection, change.account_id)
    if any(getattr(row, name) != after for name, (_, after) in change.content.items()):
        raise Refused("later_change", party_ref=change.party_ref)


def _former_verifier(connection: Connection, record: Record, change: Row[Any]) -> str:
    present = party_rows.credential(connection, change.party_id)
    if present is None or present.change_id != change.change_id:
        raise Refused("later_change", party_ref=change.party_ref)
    p = PartyCredential
    former = connection.execute(
        select(p.verifier)
        .where(p.party_id == change.party_id, p.valid_to == present.valid_from)
        .order_by(p.credential_id.desc())
        .limit(1)
    ).scalar_one_or_none()
    if former is None:
        advice = kind(record.order_type).advice
        raise Refused("not_reversible", order_type=record.order_type, advice=advice)
    return str(former)
