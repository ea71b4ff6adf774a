"""What a change of a customer's data asks for: the values, checked.

Here: per kind the values entered, and whether they are those of an earlier
request. Not here: identifying the customer (`customers.py`), what is on record
(`businesses/customers.py`) and the rows (`party_changes.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from mingdan.orders import checks
from mingdan.orders.offers import names, party_rows, passwords
from mingdan.orders.offers.party_forms import (
    AccountChange,
    ContactChange,
    NameChange,
    PartyRequest,
    PasswordChange,
)
from mingdan.orders.policy import Policy
from mingdan.reference import load

VERIFIER = "verifier"


def entered(
    connection: Connection, policy: Policy, pepper: bytes, request: PartyRequest, at: datetime
) -> dict[str, str | None]:
    """The values it asks for, checked.

    Raises Refused: name_unacceptable, password_weak, invalid_value.
    """
    party = party_rows.party_of(connection, request.party_ref)
    longest = int(policy.at("name_longest", at))
    if isinstance(request, NameChange):
        name = names.acceptable(request.name, party_type=party.party_type, longest=longest)
        return {"name": name}
    if isinstance(request, ContactChange):
        contact = request.contact
        return {"contact": contact if contact is None else checks.words("contact", contact)}
    if isinstance(request, PasswordChange):
        known = [party.document_number, *party_rows.numbers_of(connection, party.party_id, at)]
        value = passwords.acceptable(request.password, policy, at, known)
        return {VERIFIER: passwords.verifier(value, pepper, policy, at)}
    if isinstance(request, AccountChange):
        media = load.by("bill_medium", "code")
        medium = checks.one_of("bill_medium", request.bill_medium, frozenset(media))
        address = request.bill_address
        if address is not None or media[medium]["needs_address"] == "yes":
            address = checks.words("bill_address", address)
        payer = request.name
        if payer is not None:
            # whoever bills are made out to may be another one than the customer
            payer = names.acceptable(payer, party_type="organization", longest=longest)
        return {"name": payer, "bill_medium": medium, "bill_address": address}
    raise TypeError(type(request).__name__)


def same(stored: dict[str, Any], request: PartyRequest, pepper: bytes) -> bool:
    """Whether a change on record asked for the same values."""
    if isinstance(request, PasswordChange):
        kept = stored.get(VERIFIER)
        return kept is not None and passwords.matches(request.password, pepper, kept[1])
    return all(getattr(request, name, None) == value for name, (_, value) in stored.items())
