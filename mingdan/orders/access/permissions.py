"""What each interface may do and how fast: permissions and rate limits as data.

Here: setting and listing them. Not here: how one is chosen (`rules.py`,
`rates.py`) and the decision (`gate.py`). They begin now or later and never
change what was allowed before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from mingdan.calendar import day_start
from mingdan.orders import checks
from mingdan.orders.access import hours, rules
from mingdan.orders.access import model as m
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.room import Room, business, code
from mingdan.orders.journal import Journal
from mingdan.orders.model import Base
from mingdan.orders.refusals import Refused
from mingdan.reference import load

BUSINESS = "PERMISSION"
_MOST = 1_000_000
_TAKES_ORDERS = "marketing_channel"


@dataclass(frozen=True, kw_only=True)
class PermissionView:
    """A permission from an instant on; `shipped`: it comes with Mingdan."""

    role: str
    interface_no: str
    business: str
    hours: str
    valid_from: datetime
    shipped: bool


class Permissions(Room):
    """Permissions and rates. Every call may raise Refused as the gate does."""

    def permit(
        self,
        role: str,
        interface_no: str,
        what: str,
        *,
        when: str,
        valid_from: datetime,
        actor: Actor,
        at: datetime,
    ) -> None:
        """Set when a role may do a business through an interface, from `valid_from` on.

        `interface_no` or `what` may be `*`; `when` as in `hours.py`, `never` takes
        it away. Raises Refused: unknown_role, unknown_interface,
        partner_takes_no_orders, invalid_value if it begins before `at`.
        """
        if role not in rules.roles():
            raise Refused("unknown_role", role=checks.words("role", role))
        text = hours.parse(checks.words("hours", when)).text
        start = _not_before(valid_from, at)
        keys = (f"permission:{role}:{interface_no}:{what}",)
        with self._at_work(actor, BUSINESS, at, *keys) as journal:
            if interface_no != rules.ANY:
                adopt(journal, interface_no)
                if what != rules.LIST_EXCHANGE:
                    _may_order(journal.connection, role, interface_no, text)
            _set(
                journal,
                m.Permission,
                {
                    "role": role,
                    "interface_no": interface_no,
                    "business": business(what),
                    "valid_from": start,
                },
                hours=text,
            )

    def limit(
        self,
        interface_no: str,
        *,
        requests: int,
        per_seconds: int,
        burst: int,
        valid_from: datetime,
        actor: Actor,
        at: datetime,
    ) -> None:
        """Set an interface's rate (`*`: every one without its own) from `valid_from` on.

        `burst` requests may come at once, then `requests` per `per_seconds`.
        Raises Refused: unknown_interface, invalid_value.
        """
        start = _not_before(valid_from, at)
        rate = {"requests": requests, "per_seconds": per_seconds, "burst": burst}
        for field, value in rate.items():
            if type(value) is not int or not 0 < value <= 1_000_000:
                raise Refused("invalid_value", field=field, problem="is not 1 to 1,000,000")
        with self._at_work(actor, BUSINESS, at, f"rate:{interface_no}") as journal:
            if interface_no != rules.ANY:
                adopt(journal, interface_no)
            _set(
                journal,
                m.RateLimit,
                {"interface_no": interface_no, "valid_from": start},
                **rate,
            )

    def list(self, *, actor: Actor, at: datetime) -> list[PermissionView]:
        """Every permission, shipped and own, by role, interface, business and time."""
        p = m.Permission
        with self._looking(actor, BUSINESS, at) as connection:
            rows = connection.execute(
                select(p.role, p.interface_no, p.business, p.hours, p.valid_from)
            ).all()
        own = [PermissionView(**row._mapping, shipped=False) for row in rows]
        own.extend(
            PermissionView(
                role=row["role"],
                interface_no=row["interface_no"],
                business=row["business"],
                hours=row["hours"],
                valid_from=day_start(date.fromisoformat(row["valid_from"])),
                shipped=True,
            )
            for row in load.rows("permission")
        )
        return sorted(own, key=lambda e: (e.role, e.interface_no, e.business, e.valid_from))


def adopt(journal: Journal, interface_no: str) -> int:
    """The key of an interface number on record; a shipped one is put on record first.

    Raises Refused: unknown_interface.
    """
    n = m.InterfaceNumber
    key = journal.connection.execute(
        select(n.interface_id).where(n.interface_no == code("interface_no", interface_no))
    ).scalar()
    if key is not None:
        return key
    shipped = load.by("interface", "interface_no").get(interface_no)
    if shipped is None:
        raise Refused("unknown_interface", interface_no=interface_no)
    made: int = journal.insert(
        n, interface_no=interface_no, partner_id=None, recorded_at=journal.at
    )
    first = day_start(date.fromisoformat(shipped["valid_from"]))
    journal.insert(
        m.InterfacePeriod,
        interface_id=made,
        valid_from=first,
        valid_to=None,
        reason=shipped["name_en"],
    )
    return made


def copy(journal: Journal, interface_no: str, new_no: str) -> None:
    """Give `new_no` the newest permissions and rate of `interface_no`."""
    for model, parts in ((m.Permission, ("role", "business")), (m.RateLimit, ())):
        table = model.__table__
        rows = journal.connection.execute(
            select(table).where(table.c.interface_no == interface_no).order_by(table.c.valid_from)
        ).mappings()
        newest = {tuple(row[part] for part in parts): row for row in rows}
        for row in newest.values():
            values = {name: value for name, value in row.items() if not name.endswith("_id")}
            start = max(values.pop("valid_from"), journal.at)
            names = {"interface_no": new_no, "valid_from": start}
            names |= {part: values.pop(part) for part in parts}
            values.pop("interface_no")
            _set(journal, model, names, **values)


def _set(journal: Journal, model: type[Base], names: dict[str, Any], **values: Any) -> None:
    """Insert the row of these names, or change it if it is there."""
    table = model.__table__
    key = next(iter(table.primary_key))
    found = journal.connection.execute(
        select(key).where(*(table.c[name] == value for name, value in names.items()))
    ).scalar()
    if found is None:
        journal.insert(model, **names, **values)
    else:
        journal.update(model, found, **values)


def _not_before(valid_from: datetime, at: datetime) -> datetime:
    start = checks.instant("valid_from", valid_from)
    if start < checks.instant("at", at):
        raise Refused("invalid_value", field="valid_from", problem="is in the past")
    return start


def _may_order(connection: Connection, role: str, interface_no: str, text: str) -> None:
    """A partner of the kind that takes no orders is granted none, whatever else it may do."""
    n, partner = m.InterfaceNumber, m.Partner
    row = connection.execute(
        select(partner.code, partner.kind)
        .join(n, n.partner_id == partner.partner_id)
        .where(n.interface_no == interface_no)
    ).one_or_none()
    if row is not None and row.kind != _TAKES_ORDERS and text != "never":
        raise Refused("partner_takes_no_orders", partner=row.code, kind=row.kind)
    if (row is not None) != (role == rules.PARTNER_ROLE):
        raise Refused("business_not_permitted", role=role, business="*", interface_no=interface_no)
