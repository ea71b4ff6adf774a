"""The rules in force: which hours, whose interface, by what is shipped and what was decided.

Here: reading `reference/{role,interface,permission}.csv` and, before them, the
operator's own rows of the same meaning. Not here: the decision (`gate.py`) and
changing the rules (`interfaces.py`).

Of several permissions the most specific decides: this interface and business,
then this interface and all, then all interfaces and this business, then all.
So a business is taken from one interface by a row that says `never`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, and_, bindparam, or_, select

from mingdan.calendar import day_start
from mingdan.orders.access import model as m
from mingdan.orders.access.hours import Hours, parse
from mingdan.orders.column_types import Instant
from mingdan.orders.finding import Among, Maker, Query, find
from mingdan.reference import load

ANY = "*"
PARTNER_ROLE = "partner"
LIST_EXCHANGE = "LIST_EXCHANGE"
"""The business (名单交换) of partners with whom information is exchanged; it takes no order."""
_Triple = tuple[str, str, str]


def _interface_at(among: Among) -> Query:
    n, p, partner = m.InterfaceNumber, m.InterfacePeriod, m.Partner
    at = bindparam("at", type_=Instant())
    in_force = and_(
        p.interface_id == n.interface_id,
        p.valid_from <= at,
        or_(p.valid_to.is_(None), p.valid_to > at),
    )
    return (
        select(n.partner_id, p.period_id, partner.status)
        .outerjoin(p, in_force)
        .outerjoin(partner, partner.partner_id == n.partner_id)
        .where(among(n.interface_no))
    )


def _permissions_at(among: Among) -> Query:
    p = m.Permission
    return (
        select(p.interface_no, p.business, p.hours)
        .where(
            p.role == bindparam("role"),
            among(p.interface_no),
            or_(p.business == bindparam("business"), p.business == ANY),
            p.valid_from <= bindparam("at", type_=Instant()),
        )
        .order_by(p.valid_from)
    )


@dataclass(frozen=True)
class Interface:
    """An interface number at an instant. `partner_id` None: our own."""

    interface_no: str
    open: bool
    partner_id: int | None = None
    partner_status: str | None = None


def roles() -> dict[str, dict[str, str]]:
    """`reference/role.csv` by code."""
    return load.by("role", "code")


def interface(connection: Connection, interface_no: str, at: datetime) -> Interface | None:
    """The interface of that number as of `at`; None if there is none."""
    return _interface(interface_no, find(connection, _interface_at, [interface_no], at=at), at)


def _interface(interface_no: str, rows: Sequence[Any], at: datetime) -> Interface | None:
    for partner_id, period_id, status in rows:
        return Interface(interface_no, period_id is not None, partner_id, status)
    shipped = load.by("interface", "interface_no").get(interface_no)
    if shipped is None:
        return None
    return Interface(interface_no, day_start(date.fromisoformat(shipped["valid_from"])) <= at)


def same_owner(connection: Connection, interface_no: str) -> frozenset[str]:
    """The interface numbers, closed ones too, of whoever has this one."""
    n = m.InterfaceNumber
    own = select(n.partner_id).where(n.interface_no == interface_no).scalar_subquery()
    found = connection.execute(select(n.interface_no).where(n.partner_id == own))
    return frozenset(found.scalars()) | {interface_no}


def sees_clear(role: str) -> bool:
    """Whether a role may see personal data unmasked (`reference/role.csv`)."""
    row = roles().get(role)
    return row is not None and row["personal_data"] == "clear"


def asked_at_gate(interface_no: str) -> tuple[tuple[Maker, set[str]], ...]:
    """What must be found (with `role`, `business` and `at`) for `at_gate`: every order asks it."""
    return (_interface_at, {interface_no}), (_permissions_at, {interface_no, ANY})


def at_gate(
    found: Sequence[Sequence[Any]], role: str, interface_no: str, business: str, at: datetime
) -> tuple[Interface | None, Hours | None]:
    """The interface, and the hours of the most specific permission in force (None without any)."""
    interfaces, permissions = found
    own: dict[_Triple, str] = {(role, row[0], row[1]): row[2] for row in permissions}
    hours = _most_specific(own, role, interface_no, business, at)
    return _interface(interface_no, interfaces, at), hours


def _most_specific(
    own: dict[_Triple, str], role: str, interface_no: str, business: str, at: datetime
) -> Hours | None:
    for number in (interface_no, ANY):
        for what in (business, ANY):
            found = own.get((role, number, what)) or _shipped_at((role, number, what), at)
            if found is not None:
                return parse(found)
    return None


def _shipped_at(triple: _Triple, at: datetime) -> str | None:
    found = None
    for first, text in _shipped().get(triple, ()):
        if first <= at:
            found = text
    return found


@cache
def _shipped() -> dict[_Triple, tuple[tuple[datetime, str], ...]]:
    found: dict[_Triple, list[tuple[datetime, str]]] = {}
    for row in load.rows("permission"):
        first = day_start(date.fromisoformat(row["valid_from"]))
        triple = (row["role"], row["interface_no"], row["business"])
        found.setdefault(triple, []).append((first, row["hours"]))
    return {triple: tuple(sorted(rows)) for triple, rows in found.items()}
