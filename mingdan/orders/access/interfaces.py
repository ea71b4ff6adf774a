"""Interface numbers (接口编号): given out, closed, opened again, replaced; their history.

Here: numbers and when each was open. Not here: what they may do
(`permissions.py`), keys (`keys.py`) and the decision (`gate.py`).

A number is given to one partner for ever: it may be opened again for that
partner, never for another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, Row, select

from mingdan.calendar import day_start
from mingdan.orders import checks
from mingdan.orders.access import ending, partners, permissions
from mingdan.orders.access import model as m
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.room import Room, code
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused
from mingdan.reference import load

BUSINESS = "INTERFACE"


@dataclass(frozen=True, kw_only=True)
class PeriodView:
    """A time an interface number was open, and why it began or ended."""

    interface_no: str
    partner: str | None
    valid_from: datetime
    valid_to: datetime | None
    reason: str


class Interfaces(Room):
    """Interface numbers. Every call may raise Refused as the gate does."""

    def open(
        self, interface_no: str, *, partner: str | None, reason: str, actor: Actor, at: datetime
    ) -> None:
        """Give a number to a partner (None: to ourselves), or open a closed one again.

        Raises Refused: unknown_partner, partner_not_active, interface_taken if it
        is or was another's, interface_open.
        """
        keys = (f"interface:{interface_no}", f"partner:{partner}")
        with self._at_work(actor, BUSINESS, at, *keys) as journal:
            _open(journal, interface_no, partner, checks.words("reason", reason))

    def close(self, interface_no: str, *, reason: str, actor: Actor, at: datetime) -> None:
        """Close a number and revoke its keys.

        Raises Refused: unknown_interface, interface_closed.
        """
        words = checks.words("reason", reason)
        with self._at_work(actor, BUSINESS, at, f"interface:{interface_no}") as journal:
            interface_id = permissions.adopt(journal, interface_no)
            if not ending.interface(journal, interface_id, reason=words):
                raise Refused("interface_closed", interface_no=interface_no, at=journal.at)

    def replace(
        self, interface_no: str, new_no: str, *, reason: str, actor: Actor, at: datetime
    ) -> None:
        """Change a partner's number: the old one closes as the new one opens.

        Permissions and rate limits go along; keys do not. Raises Refused as `open`
        and `close`.
        """
        words = checks.words("reason", reason)
        keys = (f"interface:{interface_no}", f"interface:{new_no}")
        with self._at_work(actor, BUSINESS, at, *keys) as journal:
            interface_id = permissions.adopt(journal, interface_no)
            owner = _owner(journal.connection, interface_no)
            if not ending.interface(journal, interface_id, reason=words):
                raise Refused("interface_closed", interface_no=interface_no, at=journal.at)
            _open(journal, new_no, owner, words)
            permissions.copy(journal, interface_no, new_no)

    def history(
        self, interface_no: str | None = None, *, actor: Actor, at: datetime
    ) -> list[PeriodView]:
        """When each number (or one) was open, by number and time; shipped ones too."""
        n, p, partner = m.InterfaceNumber, m.InterfacePeriod, m.Partner
        with self._looking(actor, BUSINESS, at) as connection:
            rows = connection.execute(
                select(n.interface_no, partner.code, p.valid_from, p.valid_to, p.reason)
                .join(p, p.interface_id == n.interface_id)
                .outerjoin(partner, partner.partner_id == n.partner_id)
            ).all()
        found = [
            PeriodView(
                interface_no=r.interface_no,
                partner=r.code,
                valid_from=r.valid_from,
                valid_to=r.valid_to,
                reason=r.reason,
            )
            for r in rows
        ]
        adopted = {row.interface_no for row in rows}
        found.extend(
            _shipped(row) for row in load.rows("interface") if row["interface_no"] not in adopted
        )
        chosen = [each for each in found if interface_no in (None, each.interface_no)]
        if interface_no is not None and not chosen:
            raise Refused("unknown_interface", interface_no=code("interface_no", interface_no))
        return sorted(chosen, key=lambda each: (each.interface_no, each.valid_from))


def _open(journal: Journal, interface_no: str, partner: str | None, reason: str) -> None:
    n = m.InterfaceNumber
    number = code("interface_no", interface_no)
    owner = None
    if partner is not None:
        row = partners.standing(journal.connection, partner)
        owner = row.partner_id
    found = journal.connection.execute(
        select(n.interface_id, n.partner_id).where(n.interface_no == number)
    ).one_or_none()
    shipped = number in load.by("interface", "interface_no")
    if found is None and not shipped:
        key = journal.insert(n, interface_no=number, partner_id=owner, recorded_at=journal.at)
    elif (shipped and owner is not None) or (found is not None and found.partner_id != owner):
        raise Refused("interface_taken", interface_no=number)
    elif found is None:
        raise Refused("interface_open", interface_no=number)
    else:
        key = found.interface_id
    last = _last(journal.connection, key)
    if last is not None and (last.valid_to is None or last.valid_to > journal.at):
        raise Refused("interface_open", interface_no=number)
    journal.insert(
        m.InterfacePeriod,
        interface_id=key,
        valid_from=journal.at,
        valid_to=None,
        reason=reason,
    )


def _last(connection: Connection, interface_id: int) -> Row[datetime, datetime | None] | None:
    p = m.InterfacePeriod
    return connection.execute(
        select(p.valid_from, p.valid_to)
        .where(p.interface_id == interface_id)
        .order_by(p.valid_from.desc(), p.period_id.desc())
        .limit(1)
    ).one_or_none()


def _owner(connection: Connection, interface_no: str) -> str | None:
    n, partner = m.InterfaceNumber, m.Partner
    return connection.execute(
        select(partner.code)
        .join(n, n.partner_id == partner.partner_id)
        .where(n.interface_no == interface_no)
    ).scalar_one_or_none()


def _shipped(row: dict[str, str]) -> PeriodView:
    return PeriodView(
        interface_no=row["interface_no"],
        partner=None,
        valid_from=day_start(date.fromisoformat(row["valid_from"])),
        valid_to=None,
        reason=row["name_en"],
    )
