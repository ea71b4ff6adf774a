"""Leave to do business out of hours: asked for by one, approved by another, ended by the clock.

Here: ask, decide, list. Not here: what the gate makes of it (`gate.py`). Leave
works from its approval on and never for what was done before.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from mingdan.orders import checks
from mingdan.orders.access import model as m
from mingdan.orders.access import rules
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import open_interface
from mingdan.orders.access.room import Room, business, other_person, period
from mingdan.orders.refusals import Refused

BUSINESS = "OUT_OF_HOURS"
APPROVAL = "OUT_OF_HOURS_APPROVAL"


@dataclass(frozen=True, kw_only=True)
class LeaveView:
    """A request to work out of hours; `status` requested, approved or refused."""

    request_no: str
    role: str
    interface_no: str
    business: str
    starts_at: datetime
    ends_at: datetime
    reason: str
    status: str
    maker: str
    checker: str | None


class Leave(Room):
    """Requests to work out of hours. Every call may raise Refused as the gate does."""

    def ask(
        self,
        *,
        role: str,
        interface_no: str,
        what: str,
        starts_at: datetime,
        ends_at: datetime,
        reason: str,
        actor: Actor,
        at: datetime,
    ) -> str:
        """Ask that a role may do a business (`*`: all it may) out of hours; the request's number.

        Raises Refused: unknown_role, unknown_interface, interface_closed,
        leave_too_long (policy `leave_longest_hours`), request_past.
        """
        if role not in rules.roles():
            raise Refused("unknown_role", role=checks.words("role", role))
        start, end = period(starts_at, ends_at)
        instant = checks.instant("at", at)
        longest = self._policy.at("leave_longest_hours", instant)
        if end - start > timedelta(hours=longest):
            raise Refused("leave_too_long", hours=longest)
        number = f"L{uuid.uuid4().hex[:12]}"
        if end <= instant:
            raise Refused("request_past", request_no=number, until=end)
        with self._at_work(actor, BUSINESS, at) as journal:
            open_interface(journal.connection, interface_no, instant)
            journal.insert(
                m.OutOfHoursRequest,
                request_no=number,
                role=role,
                interface_no=interface_no,
                business=business(what),
                starts_at=start,
                ends_at=end,
                reason=checks.words("reason", reason),
                status="requested",
                maker=checks.words("name", actor.name),
                requested_at=journal.at,
            )
        return number

    def decide(self, request_no: str, *, approve: bool, actor: Actor, at: datetime) -> None:
        """Approve or refuse, as another person than who asked.

        Raises Refused: unknown_request, already_decided, request_past, same_person.
        """
        r = m.OutOfHoursRequest
        with self._at_work(actor, APPROVAL, at, f"leave:{request_no}") as journal:
            row = journal.connection.execute(
                select(r.request_id, r.status, r.maker, r.ends_at).where(
                    r.request_no == checks.words("request_no", request_no)
                )
            ).one_or_none()
            if row is None:
                raise Refused("unknown_request", request_no=request_no)
            if row.status != "requested":
                raise Refused("already_decided", request_no=request_no, status=row.status)
            if row.ends_at <= journal.at:
                raise Refused("request_past", request_no=request_no, until=row.ends_at)
            journal.update(
                r,
                row.request_id,
                status="approved" if approve else "refused",
                checker=other_person(row.maker, actor),
                decided_at=journal.at,
            )

    def list(self, *, actor: Actor, at: datetime) -> list[LeaveView]:
        """Every request, the newest first."""
        r = m.OutOfHoursRequest
        fields = LeaveView.__dataclass_fields__
        with self._looking(actor, BUSINESS, at) as connection:
            rows = connection.execute(
                select(*(getattr(r, name) for name in fields)).order_by(r.request_id.desc())
            )
            return [LeaveView(**row._mapping) for row in rows]
