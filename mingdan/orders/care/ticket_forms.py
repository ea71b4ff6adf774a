"""Tickets as callers see them: what is asked for, and what is answered.

Here: the typed request and view, and the checks of a request's own values. Not
here: what becomes of a ticket (`tickets.py`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from mingdan.orders import checks
from mingdan.orders.access.actor import Actor
from mingdan.orders.care import words
from mingdan.orders.care.clocks import Clock
from mingdan.orders.policy import Policy
from mingdan.orders.refusals import Refused
from mingdan.reference import load

APPEAL = "appeal"
"""The type of tickets that are taken down and decided as appeals (`appeals.py`)."""
SEVERITIES = frozenset({"critical", "major", "minor"})


@dataclass(frozen=True, kw_only=True)
class NewTicket:
    """A complaint or fault report as taken down. Instants are aware.

    `number`: what it is about. A complaint about messages or calls names the
    number they came from; every other ticket the customer's own. `received_at`:
    when the customer spoke (default: now); `occurred_at`: when it happened
    (default: when the customer spoke). `request_ref`: repeat it to retry safely.
    """

    category: str
    description: str
    channel: str
    number: str | None = None
    reporter_number: str | None = None
    occurred_at: datetime | None = None
    received_at: datetime | None = None
    severity: Literal["critical", "major", "minor"] | None = None
    order_ref: str | None = None
    request_ref: str | None = None


@dataclass(frozen=True)
class Change:
    """One step of a ticket's life."""

    at: datetime
    state: str
    assigned_to: str | None
    note: str | None
    actor: str


@dataclass(frozen=True, kw_only=True)
class TicketView:
    """A ticket at an instant; numbers are masked, within texts too, instants are UTC.

    `subscription_id` and `party_id` held the number when it happened, as known
    when the ticket was opened; `same_holder` says whether that subscription and
    party hold it now: `yes`, `no`, or `no_data` (not ours, or nobody's, then).
    """

    ticket_ref: str
    ticket_type: str
    category: str
    severity: str
    state: str
    description: str
    channel: str
    interface_no: str
    number: str | None
    reporter_number: str | None
    subscription_id: int | None
    party_id: int | None
    same_holder: str
    order_ref: str | None
    occurred_at: datetime
    received_at: datetime
    recorded_at: datetime
    assigned_to: str | None
    resolution: str | None
    changes: tuple[Change, ...]
    clocks: tuple[Clock, ...]
    repeated: bool = False
    """Whether this answers a request that had been carried out before."""

    @property
    def overdue(self) -> bool:
        """Whether a clock that still runs has passed its limit."""
        return any(clock.verdict == "broken" and clock.ended_at is None for clock in self.clocks)

    @property
    def due_at(self) -> datetime | None:
        """When the first clock that has not ended is or was due; None while all stand still."""
        return min((c.due_at for c in self.clocks if c.ended_at is None and c.due_at), default=None)


def checked(request: NewTicket, policy: Policy, actor: Actor, at: datetime) -> dict[str, Any]:
    """The row of a new ticket, as far as the request alone says. Raises Refused."""
    category = checks.one_of("category", request.category, frozenset(_categories()))
    kind = _categories()[category]
    channel = checks.one_of("channel", request.channel, frozenset(load.by("care_channel", "code")))
    number = None if request.number is None else words.number("number", request.number)
    reporter = request.reporter_number
    reporter = None if reporter is None else words.number("reporter_number", reporter)
    if kind["about"] == "other":
        if number is None:
            raise Refused("invalid_value", field="number", problem="is missing: complained of whom")
        if number == reporter:
            raise Refused(
                "invalid_value", field="reporter_number", problem="is the number complained of"
            )
    severity = checks.one_of("severity", request.severity or kind["severity"], SEVERITIES)
    received = checks.instant("received_at", request.received_at or at)
    occurred = checks.instant("occurred_at", request.occurred_at or received)
    if received > at:
        raise Refused("future_effect", at=received, recorded_at=at)
    if occurred > received:
        raise Refused("future_effect", at=occurred, recorded_at=received)
    longest = int(policy.at("complaint_max_age_days", at))
    if kind["report_category"]:
        for field, first, last in (
            ("received_at", received, at),
            ("occurred_at", occurred, received),
        ):
            if last - first > timedelta(days=longest):
                raise Refused("invalid_value", field=field, problem=f"more than {longest} days ago")
    ref, order_ref = request.request_ref, request.order_ref
    return {
        "request_ref": None if ref is None else checks.words("request_ref", ref),
        "request_digest": None if ref is None else request_digest(request),
        "ticket_type": kind["ticket_type"],
        "category": category,
        "report_category": kind["report_category"] or None,
        "severity": severity,
        "description": words.block("description", request.description, words.NOTE),
        "channel": channel,
        "interface_no": checks.words("interface_no", actor.interface_no),
        "number": number,
        "reporter_number": reporter,
        "order_ref": None if order_ref is None else checks.words("order_ref", order_ref),
        "occurred_at": occurred,
        "received_at": received,
    }


def _categories() -> dict[str, dict[str, str]]:
    return load.by("ticket_category", "code")


def request_digest(request: object) -> str:
    """Of what was asked, without when it was asked."""
    asked = {name: value for name, value in vars(request).items() if name != "request_ref"}
    text = json.dumps(asked, sort_keys=True, ensure_ascii=False, default=_utc)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _utc(value: datetime) -> str:
    return checks.instant("", value).isoformat()
