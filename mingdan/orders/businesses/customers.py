"""客户资料修改: which fields of a customer or an account change, from what to what.

Here: the checks against what is on record. Not here: identifying the customer and
checking what was entered (`offers/customers.py`), the rows (`offers/party_effects.py`).
"""

from __future__ import annotations

from typing import Any

from mingdan.orders import checks
from mingdan.orders.batch import Batch, Edit, Work
from mingdan.orders.commands import ModifyParty
from mingdan.orders.refusals import Refused
from mingdan.orders.working_set import Party, Subscription

FIELDS = {
    "name": frozenset({"name"}),
    "contact": frozenset({"contact"}),
    "account": frozenset({"name", "bill_medium", "bill_address"}),
    "password": frozenset({"verifier"}),
}
"""What each kind may change; of a password only what checks it is known here."""


def modify_party(batch: Batch, work: Work, command: ModifyParty) -> None:
    """客户资料修改: name, contact, an account's data or the password, one kind an order.

    Refused if the customer is unknown, does not hold the account's subscription,
    or nothing would change.
    """
    kind = checks.one_of("kind", command.kind, frozenset(FIELDS))
    if not set(command.values) <= FIELDS[kind]:
        raise Refused("invalid_value", field="values", problem=f"are not all of {kind}")
    party = batch.on_record.parties.get(checks.words("party_ref", command.party_ref))
    if party is None:
        raise Refused("unknown_party", party_ref=command.party_ref)
    subscription = _held(batch, work, party, command) if kind == "account" else None
    account_id = None if subscription is None else subscription.account_id
    before = _before(batch, party, kind, account_id)
    changed = {
        name: [before.get(name), value]
        for name, value in command.values.items()
        # Nobody can say whether a password is the same.
        if kind == "password" or before.get(name) != value
    }
    if not changed:
        raise Refused("nothing_changed")
    business = f"MODIFY_PARTY_{kind.upper()}"
    batch.edits.append(Edit(work.order_ref, business, party.party_id, account_id, changed))
    batch.complete(
        work,
        business,
        subscription=subscription,
        party=party,
        # The values are with the change (`party_change`), not in every order shown.
        characteristic={"fields": sorted(changed)},
    )


def _held(batch: Batch, work: Work, party: Party, command: ModifyParty) -> Subscription:
    subscription = batch.known(checks.words("subscription_ref", command.subscription_ref), work)
    held = batch.on_record.owners.at(0, work.at, subscription.subscription_id)
    if held is None or held.what[1] != party.party_id:
        raise Refused(
            "not_the_holder", party_ref=party.party_ref, subscription_ref=subscription.ref
        )
    return subscription


def _before(batch: Batch, party: Party, kind: str, account_id: int | None) -> dict[str, Any]:
    if account_id is not None:
        return batch.on_record.account_data.get(account_id, {})
    return {} if kind == "password" else {"name": party.name, "contact": party.contact}
