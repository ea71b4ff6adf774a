"""A change of a customer's data as rows: staged, carried out, given up.

Here: `party_change`, which keeps what was before and after, and the rows that a
change makes another. Not here: the order it belongs to (`lifecycle`) and its
checks (`businesses/customers.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from mingdan.orders import model as m
from mingdan.orders.batch import Edit
from mingdan.orders.journal import Journal
from mingdan.orders.offers import party_rows
from mingdan.orders.offers.model import BillingAccountData, PartyChange, PartyCredential
from mingdan.orders.states import machine

_FIELDS = ("name", "bill_medium", "bill_address")


def stage(journal: Journal, edit: Edit, until: datetime) -> None:
    """Note a change that waits (预输入); no row of the customer changes."""
    _insert(journal, edit, until)


def carry_out(journal: Journal, edit: Edit) -> None:
    """Make a change real, staged before or not: the customer's rows change now."""
    change = party_rows.change_row(journal.connection, edit.order_ref)
    if change is None:
        change_id = _insert(journal, edit, journal.at + timedelta(hours=1))
    else:
        change_id = change.change_id
    _EFFECTS[edit.business](journal, edit, change_id)
    _decide(journal, change_id, ("inProgress", "completed"), content=edit.content)


def give_up(journal: Journal, order_ref: str) -> None:
    """The order ends without its change, if it was to make one."""
    change = party_rows.change_row(journal.connection, order_ref)
    if change is not None:
        _decide(journal, change.change_id, ("pending", "cancelled"))


def _insert(journal: Journal, edit: Edit, until: datetime) -> int:
    key: int = journal.insert(
        PartyChange,
        request_ref=edit.order_ref,
        party_id=edit.party_id,
        business=edit.business,
        account_id=edit.account_id,
        state=machine("order").walk(None, "acknowledged"),
        content=edit.content,
        staged_at=journal.at,
        staged_by=journal.actor,
        until=until,
    )
    return key


def _decide(journal: Journal, change_id: int, path: tuple[str, str], **values: Any) -> None:
    """Along TMF622's machine to a final state, in one step for the log."""
    state = machine("order").walk("acknowledged", *path)
    journal.update(
        PartyChange,
        change_id,
        state=state,
        decided_at=journal.at,
        decided_by=journal.actor,
        **values,
    )


def _party(journal: Journal, edit: Edit, _change_id: int) -> None:
    journal.update(m.Party, edit.party_id, **_after(edit))


def _account(journal: Journal, edit: Edit, _change_id: int) -> None:
    assert edit.account_id is not None  # noqa: S101 - the business names one
    values = _after(edit) | {"changed_at": journal.at}
    if party_rows.account_data(journal.connection, edit.account_id) is None:
        plain = dict.fromkeys(_FIELDS)
        journal.insert(BillingAccountData, account_id=edit.account_id, **plain | values)
    else:
        journal.update(BillingAccountData, edit.account_id, **values)


def _password(journal: Journal, edit: Edit, change_id: int) -> None:
    present = party_rows.credential(journal.connection, edit.party_id)
    if present is not None:
        journal.update(PartyCredential, present.credential_id, valid_to=journal.at)
    journal.insert(
        PartyCredential,
        party_id=edit.party_id,
        change_id=change_id,
        verifier=_after(edit)["verifier"],
        valid_from=journal.at,
        failed=0,
    )


def _after(edit: Edit) -> dict[str, Any]:
    return {name: after for name, (_, after) in edit.content.items()}


_EFFECTS: dict[str, Callable[[Journal, Edit, int], None]] = {
    "MODIFY_PARTY_NAME": _party,
    "MODIFY_PARTY_CONTACT": _party,
    "MODIFY_PARTY_ACCOUNT": _account,
    "MODIFY_PARTY_PASSWORD": _password,
}
