"""Appeals as callers see them: what is asked for, and what is answered.

Here: the typed request and view. Not here: what becomes of an appeal (`appeals.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mingdan.orders.care.ticket_forms import TicketView
from mingdan.orders.refusals import Refused


@dataclass(frozen=True, kw_only=True)
class NewAppeal:
    """An appeal as taken down. Instants are aware.

    `label`: `class:reason`. Whose: the customer `party_ref`, or whoever holds
    `number` when it was received; a label about a subscription takes a number.
    `request_ref`: repeat it to retry safely.
    """

    label: str
    description: str
    channel: str
    party_ref: str | None = None
    number: str | None = None
    received_at: datetime | None = None
    request_ref: str | None = None


@dataclass(frozen=True, kw_only=True)
class AppealView:
    """An appeal with its ticket; instants are UTC. `outcome`: upheld or dismissed.

    `subscription_id`: one by which the label can be explained, its own or its customer's.
    """

    label: str
    subscription_id: int | None
    subject_type: str
    subject_id: int
    maker: str
    outcome: str | None
    finding: str | None
    checker: str | None
    decided_at: datetime | None
    holds_until: datetime | None
    ticket: TicketView


def one_is_named(new: NewAppeal, label: str, subject: str) -> None:
    """Refuse an appeal that names nobody, two, or no number where the label is of one."""
    named = (new.party_ref is not None, new.number is not None)
    if sum(named) != 1 or (subject == "subscription" and new.number is None):
        allowed = "its number" if subject == "subscription" else "the customer, or the number"
        raise Refused("appeal_whose", label=label, subject=subject, named=allowed)
