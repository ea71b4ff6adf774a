"""Agreements with partners (TMF651): proposed by one, approved by another, in force by the clock.

Here: propose, decide, end. Not here: what the gate makes of them (`gate.py`:
without an approved agreement in force a partner's interface does nothing).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from mingdan.orders import checks
from mingdan.orders.access import ending, partners
from mingdan.orders.access import model as m
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.room import Room, code, other_person, period
from mingdan.orders.refusals import Refused

BUSINESS = "PARTNER"
APPROVAL = "AGREEMENT_APPROVAL"


@dataclass(frozen=True, kw_only=True)
class AgreementView:
    """An agreement; `status` inProcess, approved or rejected (TMF651)."""

    agreement_no: str
    partner: str
    purpose: str
    legal_basis: str
    status: str
    valid_from: datetime
    valid_to: datetime
    maker: str
    checker: str | None


class Agreements(Room):
    """Agreements with partners. Every call may raise Refused as the gate does."""

    def propose(
        self,
        agreement_no: str,
        *,
        partner: str,
        purpose: str,
        legal_basis: str,
        valid_from: datetime,
        valid_to: datetime,
        actor: Actor,
        at: datetime,
    ) -> None:
        """Put an agreement on record; another person's approval brings it into force.

        Raises Refused: unknown_partner, partner_not_active, agreement_exists.
        """
        start, stop = period(valid_from, valid_to)
        keys = (f"agreement:{agreement_no}", f"partner:{partner}")
        with self._at_work(actor, BUSINESS, at, *keys) as journal:
            values = {
                "agreement_no": code("agreement_no", agreement_no),
                "purpose": checks.words("purpose", purpose),
                "legal_basis": checks.words("legal_basis", legal_basis),
                "maker": checks.words("name", actor.name),
            }
            row = partners.standing(journal.connection, partner)
            if _row(journal.connection, agreement_no) is not None:
                raise Refused("agreement_exists", agreement_no=agreement_no)
            journal.insert(
                m.PartnerAgreement,
                **values,
                partner_id=row.partner_id,
                status="inProcess",
                valid_from=start,
                valid_to=stop,
                changed_at=journal.at,
            )

    def decide(self, agreement_no: str, *, approve: bool, actor: Actor, at: datetime) -> None:
        """Approve or reject, as another person than who proposed it.

        Raises Refused: unknown_agreement, already_decided, same_person.
        """
        with self._at_work(actor, APPROVAL, at, f"agreement:{agreement_no}") as journal:
            row = _known(journal.connection, agreement_no)
            if row.status != "inProcess":
                raise Refused("already_decided", request_no=agreement_no, status=row.status)
            journal.update(
                m.PartnerAgreement,
                row.agreement_id,
                status="approved" if approve else "rejected",
                checker=other_person(row.maker, actor),
                changed_at=journal.at,
            )

    def end(self, agreement_no: str, *, actor: Actor, at: datetime) -> None:
        """End an approved agreement now. Raises Refused: unknown_agreement, already_decided."""
        with self._at_work(actor, BUSINESS, at, f"agreement:{agreement_no}") as journal:
            row = _known(journal.connection, agreement_no)
            if row.status != "approved" or row.valid_to <= journal.at:
                raise Refused("already_decided", request_no=agreement_no, status="ended")
            ending.agreement(journal, row)

    def of(self, partner: str, *, actor: Actor, at: datetime) -> list[AgreementView]:
        """A partner's agreements, oldest first. Raises Refused: unknown_partner."""
        with self._looking(actor, BUSINESS, at) as connection:
            row = partners.known(connection, partner)
            a = m.PartnerAgreement
            found = connection.execute(
                select(a.__table__)
                .where(a.partner_id == row.partner_id)
                .order_by(a.valid_from, a.agreement_id)
            )
            return [
                AgreementView(
                    agreement_no=each.agreement_no,
                    partner=partner,
                    purpose=each.purpose,
                    legal_basis=each.legal_basis,
                    status=each.status,
                    valid_from=each.valid_from,
                    valid_to=each.valid_to,
                    maker=each.maker,
                    checker=each.checker,
                )
                for each in found
            ]


def _row(connection: Connection, agreement_no: str) -> Row[Any] | None:
    a = m.PartnerAgreement
    return connection.execute(
        select(a.__table__).where(a.agreement_no == agreement_no)
    ).one_or_none()


def _known(connection: Connection, agreement_no: str) -> Row[Any]:
    row = _row(connection, code("agreement_no", agreement_no))
    if row is None:
        raise Refused("unknown_agreement", agreement_no=agreement_no)
    return row
