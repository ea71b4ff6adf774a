"""What a change of a customer's data says, and what committing it does.

Here: per business the values before and after, and the rows that change. Not
here: identifying the customer, staging and time limits (`customers.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from mingdan.orders import checks
from mingdan.orders import model as m
from mingdan.orders.journal import Journal
from mingdan.orders.offers import names, party_rows, passwords
from mingdan.orders.offers.model import BillingAccountData, PartyCredential
from mingdan.orders.offers.party_forms import (
    AccountChange,
    ContactChange,
    NameChange,
    PartyRequest,
    PasswordChange,
)
from mingdan.orders.policy import Policy
from mingdan.orders.refusals import Refused
from mingdan.reference import load

ACCOUNT_FIELDS = ("name", "bill_medium", "bill_address")
VERIFIER = "verifier"


def entered(
    connection: Connection, policy: Policy, pepper: bytes, request: PartyRequest, at: datetime
) -> tuple[int | None, dict[str, Any]]:
    """The account it is about, if any, and the values it asks for, checked.

    Raises Refused: name_unacceptable, password_weak, unknown_subscription,
    not_the_holder, invalid_value.
    """
    party = party_rows.party_of(connection, request.party_ref)
    longest = int(policy.at("name_longest", at))
    if isinstance(request, NameChange):
        name = names.acceptable(request.name, party_type=party.party_type, longest=longest)
        return None, {"name": name}
    if isinstance(request, ContactChange):
        contact = request.contact
        return None, {"contact": contact if contact is None else checks.words("contact", contact)}
    if isinstance(request, PasswordChange):
        known = [party.document_number, *party_rows.numbers_of(connection, party.party_id, at)]
        value = passwords.acceptable(request.password, policy, at, known)
        return None, {VERIFIER: passwords.verifier(value, pepper, policy, at)}
    if isinstance(request, AccountChange):
        account_id = party_rows.held_account(connection, party, request.subscription_ref)
        media = load.by("bill_medium", "code")
        medium = checks.one_of("bill_medium", request.bill_medium, frozenset(media))
        address = request.bill_address
        if address is not None or media[medium]["needs_address"] == "yes":
            address = checks.words("bill_address", address)
        payer = request.name
        if payer is not None:
            # whoever bills are made out to may be another one than the customer
            payer = names.acceptable(payer, party_type="organization", longest=longest)
        return account_id, {"name": payer, "bill_medium": medium, "bill_address": address}
    raise TypeError(type(request).__name__)


def content(
    connection: Connection, party: Row[Any], account_id: int | None, after: dict[str, Any]
) -> dict[str, Any]:
    """Field -> [before, after] of what would change. Raises Refused: nothing_changed.

    A password has no before: nobody can say whether it is the same.
    """
    if VERIFIER in after:
        return {VERIFIER: [None, after[VERIFIER]]}
    found = party if account_id is None else party_rows.account_data(connection, account_id)
    before = {name: getattr(found, name, None) for name in after}
    changed = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    if not changed:
        raise Refused("nothing_changed")
    return changed


def same(stored: dict[str, Any], request: PartyRequest, pepper: bytes) -> bool:
    """Whether a change on record asked for the same values."""
    if isinstance(request, PasswordChange):
        kept = stored.get(VERIFIER)
        return kept is not None and passwords.matches(request.password, pepper, kept[1])
    return all(getattr(request, name, None) == value for name, (_, value) in stored.items())


def _party(journal: Journal, row: Row[Any]) -> None:
    values = {name: after for name, (_, after) in row.content.items()}
    journal.update(m.Party, row.party_id, **values)


def _account(journal: Journal, row: Row[Any]) -> None:
    values = {name: after for name, (_, after) in row.content.items()}
    values["changed_at"] = journal.at
    if party_rows.account_data(journal.connection, row.account_id) is None:
        plain = dict.fromkeys(ACCOUNT_FIELDS)
        journal.insert(BillingAccountData, account_id=row.account_id, **plain | values)
    else:
        journal.update(BillingAccountData, row.account_id, **values)


def _password(journal: Journal, row: Row[Any]) -> None:
    present = party_rows.credential(journal.connection, row.party_id)
    if present is not None:
        journal.update(PartyCredential, present.credential_id, valid_to=journal.at)
    journal.insert(
        PartyCredential,
        party_id=row.party_id,
        change_id=row.change_id,
        verifier=row.content[VERIFIER][1],
        valid_from=journal.at,
        failed=0,
    )


EFFECTS: dict[str, Callable[[Journal, Row[Any]], None]] = {
    "MODIFY_PARTY_NAME": _party,
    "MODIFY_PARTY_CONTACT": _party,
    "MODIFY_PARTY_ACCOUNT": _account,
    "MODIFY_PARTY_PASSWORD": _password,
}
