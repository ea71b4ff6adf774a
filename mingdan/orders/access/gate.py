"""The gate: may this interface do this business now (接口管理)?

Here: the one decision every typed call asks for before it does anything. Not
here: the rules (`rules.py`), who changes them (`interfaces.py`), and whether
the business itself is in order (its own checks).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from mingdan.orders import checks
from mingdan.orders.access import model as m
from mingdan.orders.access import rules
from mingdan.orders.access.actor import Actor
from mingdan.orders.column_types import Instant
from mingdan.orders.finding import Maker, find_all
from mingdan.orders.refusals import Refused

_A, _AT = m.PartnerAgreement, bindparam("at", type_=Instant())
_AGREEMENT = (
    select(_A.agreement_id)
    .where(
        _A.partner_id == bindparam("partner_id"),
        _A.status == "approved",
        _A.valid_from <= _AT,
        _A.valid_to > _AT,
    )
    .limit(1)
)


def allow(connection: Connection, *, actor: Actor, business: str, at: datetime) -> None:
    """Return if `actor` may do `business` through his interface at `at` (aware).

    Raises Refused: unknown_interface, interface_closed, agreement_not_in_force,
    business_not_permitted, or out_of_hours unless an approved request covers `at`.
    """
    knock = Knock(actor, business, at)
    knock.answer(connection, find_all(connection, knock.asks(), **knock.values()))


@dataclass(frozen=True, slots=True)
class Knock:
    """`allow` for those who ask for more on the same way: `asks` and `values` for `find_all`."""

    actor: Actor
    business: str
    at: datetime

    def asks(self) -> tuple[tuple[Maker, set[str]], ...]:
        """The questions. Raises Refused: invalid_value."""
        return rules.asked_at_gate(checks.words("interface_no", self.actor.interface_no))

    def values(self) -> dict[str, Any]:
        return {"role": self.actor.role, "business": self.business, "at": self.at}

    def answer(self, connection: Connection, found: Sequence[Sequence[Any]]) -> None:
        """What `allow` says to the rows found."""
        _judge(connection, found, self.actor, self.business, self.at)


def _judge(
    connection: Connection,
    rows: Sequence[Sequence[Any]],
    actor: Actor,
    business: str,
    at: datetime,
) -> None:
    number = actor.interface_no
    found, hours = rules.at_gate(rows, actor.role, number, business, at)
    interface = _open(connection, number, found, at)
    # A partner acts through his own interface and nobody else does.
    own_way = (actor.role == rules.PARTNER_ROLE) == (interface.partner_id is not None)
    if not own_way or hours is None or hours.never:
        raise Refused(
            "business_not_permitted",
            role=actor.role,
            business=business,
            interface_no=actor.interface_no,
        )
    if hours.cover(at) or _leave_given(connection, actor, business, at):
        return
    raise Refused(
        "out_of_hours", business=business, interface_no=actor.interface_no, hours=hours.text
    )


def open_interface(connection: Connection, interface_no: str, at: datetime) -> rules.Interface:
    """The interface, if it is open at `at` and its partner may act.

    Raises Refused: unknown_interface, interface_closed, agreement_not_in_force.
    """
    number = checks.words("interface_no", interface_no)
    return _open(connection, number, rules.interface(connection, number, at), at)


def _open(
    connection: Connection, interface_no: str, found: rules.Interface | None, at: datetime
) -> rules.Interface:
    if found is None:
        raise Refused("unknown_interface", interface_no=interface_no)
    if not found.open or found.partner_status not in (None, "active"):
        raise Refused("interface_closed", interface_no=interface_no, at=at)
    if found.partner_id is not None and not _agreed(connection, found.partner_id, at):
        raise Refused("agreement_not_in_force", interface_no=interface_no, at=at)
    return found


def _agreed(connection: Connection, partner_id: int, at: datetime) -> bool:
    found = connection.execute(_AGREEMENT, {"partner_id": partner_id, "at": at})
    return found.first() is not None


def _leave_given(connection: Connection, actor: Actor, business: str, at: datetime) -> bool:
    """Whether leave approved by `at` covers it; it ends by the clock, nobody takes it back."""
    r = m.OutOfHoursRequest
    found = connection.execute(
        select(r.request_id)
        .where(
            r.interface_no == actor.interface_no,
            r.role == actor.role,
            r.business.in_((business, rules.ANY)),
            r.status == "approved",
            r.decided_at <= at,
            r.starts_at <= at,
            r.ends_at > at,
        )
        .limit(1)
    )
    return found.first() is not None
