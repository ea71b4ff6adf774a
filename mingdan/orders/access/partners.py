"""Partners (合作伙伴) at the order side: who they are and what is agreed with them.

Here: register, change, suspend, resume, remove. Not here: agreements
(`agreements.py`), interface numbers (`interfaces.py`), the offers they ask for
(`offer_requests.py`) and the lists exchanged with them (`mingdan.lists`).

Two kinds: `information_exchange` (信息交换) tells and is told, and takes no
orders; `marketing_channel` (营销渠道) takes the orders its interfaces are
granted. A removed partner stays on record, ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from mingdan.orders import checks
from mingdan.orders.access import ending
from mingdan.orders.access import model as m
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.room import Room, code
from mingdan.orders.refusals import Refused

KINDS = frozenset({"information_exchange", "marketing_channel"})
BUSINESS = "PARTNER"


@dataclass(frozen=True, kw_only=True)
class PartnerView:
    """A partner on record; `interfaces` are the numbers open at the instant asked for."""

    code: str
    kind: str
    name: str
    name_zh: str
    contact: str | None
    status: str
    status_reason: str | None
    valid_from: datetime
    valid_to: datetime | None
    interfaces: tuple[str, ...]


class Partners(Room):
    """The partner registry. Every call may raise Refused as the gate does."""

    def register(
        self,
        partner: str,
        *,
        kind: str,
        name: str,
        name_zh: str,
        contact: str | None = None,
        actor: Actor,
        at: datetime,
    ) -> None:
        """Add a partner, active from `at`. Raises Refused: partner_exists, invalid_value."""
        with self._at_work(actor, BUSINESS, at, f"partner:{partner}") as journal:
            values = {
                "code": code("partner", partner),
                "kind": checks.one_of("kind", kind, KINDS),
                "name": checks.words("name", name),
                "name_zh": checks.words("name_zh", name_zh),
                "contact": None if contact is None else checks.words("contact", contact),
            }
            if row_of(journal.connection, partner) is not None:
                raise Refused("partner_exists", partner=partner)
            journal.insert(
                m.Partner, **values, status="active", valid_from=journal.at, changed_at=journal.at
            )

    def change(
        self,
        partner: str,
        *,
        name: str | None = None,
        name_zh: str | None = None,
        contact: str | None = None,
        actor: Actor,
        at: datetime,
    ) -> None:
        """Change what is given. Raises Refused: unknown_partner, partner_not_active."""
        given = {"name": name, "name_zh": name_zh, "contact": contact}
        values = {field: checks.words(field, v) for field, v in given.items() if v is not None}
        if not values:
            raise Refused("nothing_changed")
        with self._at_work(actor, BUSINESS, at, f"partner:{partner}") as journal:
            row = standing(journal.connection, partner)
            journal.update(m.Partner, row.partner_id, **values, changed_at=journal.at)

    def suspend(self, partner: str, *, reason: str, actor: Actor, at: datetime) -> None:
        """Its interfaces do nothing until `resume`."""
        self._move(partner, "active", "suspended", reason, actor, at)

    def resume(self, partner: str, *, reason: str, actor: Actor, at: datetime) -> None:
        """A suspended partner may act again."""
        self._move(partner, "suspended", "active", reason, actor, at)

    def _move(
        self, partner: str, state: str, to: str, reason: str, actor: Actor, at: datetime
    ) -> None:
        words = checks.words("reason", reason)
        with self._at_work(actor, BUSINESS, at, f"partner:{partner}") as journal:
            row = standing(journal.connection, partner)
            if row.status != state:
                raise Refused("partner_not_active", partner=partner, status=row.status)
            journal.update(
                m.Partner,
                row.partner_id,
                status=to,
                status_reason=words,
                changed_at=journal.at,
            )

    def remove(self, partner: str, *, reason: str, actor: Actor, at: datetime) -> None:
        """End a partner for ever: its interfaces close, keys and agreements end at `at`.

        Raises Refused: unknown_partner, partner_not_active if it ended before.
        """
        words = checks.words("reason", reason)
        with self._at_work(actor, BUSINESS, at, f"partner:{partner}") as journal:
            row = standing(journal.connection, partner)
            key = row.partner_id
            ending.interfaces_of(journal, key, reason=words)
            ending.agreements_of(journal, key)
            journal.update(
                m.Partner,
                key,
                status="ended",
                status_reason=words,
                valid_to=journal.at,
                changed_at=journal.at,
            )

    def list(self, *, actor: Actor, at: datetime) -> list[PartnerView]:
        """Every partner there ever was, by code."""
        with self._looking(actor, BUSINESS, at) as connection:
            rows = connection.execute(select(m.Partner.__table__).order_by(m.Partner.code)).all()
            return [_view(connection, row, at) for row in rows]

    def get(self, partner: str, *, actor: Actor, at: datetime) -> PartnerView:
        """One partner. Raises Refused: unknown_partner."""
        with self._looking(actor, BUSINESS, at) as connection:
            return _view(connection, known(connection, partner), at)


def row_of(connection: Connection, partner: str) -> Row[Any] | None:
    """The row of a partner's code."""
    table = m.Partner.__table__
    return connection.execute(select(table).where(m.Partner.code == partner)).one_or_none()


def known(connection: Connection, partner: str) -> Row[Any]:
    """The row of a partner. Raises Refused: unknown_partner."""
    row = row_of(connection, code("partner", partner))
    if row is None:
        raise Refused("unknown_partner", partner=partner)
    return row


def standing(connection: Connection, partner: str) -> Row[Any]:
    """The row of a partner that has not ended. Raises Refused: partner_not_active."""
    row = known(connection, partner)
    if row.status == "ended":
        raise Refused("partner_not_active", partner=partner, status=row.status)
    return row


def _view(connection: Connection, row: Row[Any], at: datetime) -> PartnerView:
    n, p = m.InterfaceNumber, m.InterfacePeriod
    numbers = connection.execute(
        select(n.interface_no)
        .join(p, p.interface_id == n.interface_id)
        .where(
            n.partner_id == row.partner_id,
            p.valid_from <= at,
            or_(p.valid_to.is_(None), p.valid_to > at),
        )
        .order_by(n.interface_no)
    )
    return PartnerView(
        code=row.code,
        kind=row.kind,
        name=row.name,
        name_zh=row.name_zh,
        contact=row.contact,
        status=row.status,
        status_reason=row.status_reason,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        interfaces=tuple(numbers.scalars()),
    )
