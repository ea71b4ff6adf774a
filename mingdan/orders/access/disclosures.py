"""Leave to tell a partner numbers in the clear (明文披露): asked by one, approved by two others.

Here: asking, approving, refusing, taking back, and whether leave is in force. Not
here: agreements (`agreements.py`) and what then leaves (`mingdan/lists`).

Leave is for one agreement, names every column and reason that may be told, and
ends by the clock. Three people are in it: whoever asks and two who approve, all
different. Every step is in the access log.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from mingdan.orders import checks
from mingdan.orders.access import log
from mingdan.orders.access import model as m
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.room import Room, code, other_person, period
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused

BUSINESS = "DISCLOSURE"
APPROVAL = "DISCLOSURE_APPROVAL"


@dataclass(frozen=True, kw_only=True)
class DisclosureView:
    """Leave asked for; `status` requested, approved, refused or withdrawn."""

    disclosure_no: str
    partner: str
    agreement_no: str
    columns: tuple[str, ...]
    reason_codes: tuple[str, ...]
    reason: str
    valid_from: datetime
    valid_to: datetime
    status: str
    maker: str
    first_checker: str | None
    second_checker: str | None
    requested_at: datetime
    decided_at: datetime | None


class Disclosures(Room):
    """Leave for the clear. Every call may raise Refused as the gate does."""

    def ask(
        self,
        agreement_no: str,
        *,
        columns: Collection[str],
        reason_codes: Collection[str],
        reason: str,
        valid_from: datetime,
        valid_to: datetime,
        actor: Actor,
        at: datetime,
    ) -> str:
        """Ask for leave under an approved agreement; the request's number.

        `columns` beside the number, `reason_codes` of the entries. Raises Refused:
        unknown_agreement, agreement_not_approved, invalid_value.
        """
        start, end = period(valid_from, valid_to)
        number = f"D{uuid.uuid4().hex[:12]}"
        with self._at_work(actor, BUSINESS, at, f"agreement:{agreement_no}") as journal:
            a, p = m.PartnerAgreement, m.Partner
            agreed = journal.connection.execute(
                select(a.agreement_id, a.status, a.valid_to, p.code)
                .join(p, p.partner_id == a.partner_id)
                .where(a.agreement_no == code("agreement_no", agreement_no))
            ).one_or_none()
            if agreed is None:
                raise Refused("unknown_agreement", agreement_no=agreement_no)
            if agreed.status != "approved" or agreed.valid_to <= journal.at:
                raise Refused("agreement_not_approved", agreement_no=agreement_no)
            journal.insert(
                m.PartnerDisclosure,
                disclosure_no=number,
                agreement_id=agreed.agreement_id,
                columns=_names("columns", columns),
                reason_codes=_names("reason_codes", reason_codes),
                reason=checks.words("reason", reason),
                valid_from=start,
                valid_to=end,
                status="requested",
                maker=checks.words("name", actor.name),
                requested_at=journal.at,
            )
            self._note(journal, actor, "disclosure_requested", number, agreed.code)
        return number

    def approve(self, disclosure_no: str, *, actor: Actor, at: datetime) -> str:
        """Approve, as another person than who asked and who approved first; the status then.

        `requested` after the first approval, `approved` after the second. Raises
        Refused: unknown_request, already_decided, request_past, same_person.
        """
        with self._at_work(actor, APPROVAL, at, f"disclosure:{disclosure_no}") as journal:
            row = _open(journal, disclosure_no)
            name = other_person(row.maker, actor)
            if row.first_checker is None:
                values: dict[str, Any] = {"status": "requested", "first_checker": name}
            else:
                name = other_person(row.first_checker, actor)
                values = {"status": "approved", "second_checker": name, "decided_at": journal.at}
            journal.update(m.PartnerDisclosure, row.disclosure_id, **values)
            self._note(journal, actor, "disclosure_approved", disclosure_no, row.code)
        return str(values["status"])

    def refuse(self, disclosure_no: str, *, actor: Actor, at: datetime) -> None:
        """Refuse what has been asked for.

        Raises Refused: unknown_request, already_decided, request_past.
        """
        with self._at_work(actor, APPROVAL, at, f"disclosure:{disclosure_no}") as journal:
            row = _open(journal, disclosure_no)
            journal.update(
                m.PartnerDisclosure, row.disclosure_id, status="refused", decided_at=journal.at
            )
            self._note(journal, actor, "disclosure_refused", disclosure_no, row.code)

    def withdraw(self, disclosure_no: str, *, actor: Actor, at: datetime) -> None:
        """Take leave back at once, or the request for it; one person is enough.

        Raises Refused: unknown_request, already_decided.
        """
        with self._at_work(actor, BUSINESS, at, f"disclosure:{disclosure_no}") as journal:
            row = _known(journal.connection, disclosure_no)
            if row.status not in ("requested", "approved"):
                raise Refused("already_decided", request_no=disclosure_no, status=row.status)
            journal.update(
                m.PartnerDisclosure, row.disclosure_id, status="withdrawn", decided_at=journal.at
            )
            self._note(journal, actor, "disclosure_withdrawn", disclosure_no, row.code)

    def list(
        self, partner: str | None = None, *, actor: Actor, at: datetime
    ) -> list[DisclosureView]:
        """All leave ever asked for (for one partner), the newest first."""
        with self._looking(actor, BUSINESS, at) as connection:
            d = m.PartnerDisclosure
            rows = connection.execute(_ROWS.order_by(d.disclosure_id.desc()))
            found = [_view(row) for row in rows]
        return [each for each in found if partner in (None, each.partner)]

    def _note(self, journal: Journal, actor: Actor, what: str, number: str, partner: str) -> None:
        log.note(
            self._database,
            journal.connection,
            actor=actor,
            purpose=BUSINESS,
            what=what,
            subjects=[f"disclosure:{number}", f"partner:{partner}"],
            at=journal.at,
        )


def in_force(connection: Connection, interface_no: str, at: datetime) -> list[DisclosureView]:
    """Leave in force at `at` for the partner of an interface, the newest first.

    Approved by two people other than who asked, within its own term and that of an approved
    agreement of that partner; whether the partner may act at all is the gate's to say.
    """
    d, a, n = m.PartnerDisclosure, m.PartnerAgreement, m.InterfaceNumber
    rows = connection.execute(
        _ROWS.join(n, n.partner_id == a.partner_id)
        .where(
            n.interface_no == interface_no,
            d.status == "approved",
            d.decided_at <= at,
            d.valid_from <= at,
            d.valid_to > at,
            a.status == "approved",
            a.valid_from <= at,
            a.valid_to > at,
        )
        .order_by(d.disclosure_id.desc())
    )
    return [view for view in map(_view, rows) if _three_people(view)]


def _three_people(view: DisclosureView) -> bool:
    people = (view.maker, view.first_checker, view.second_checker)
    names = {name.strip().casefold() for name in people if name is not None}
    return len(names) == len(people)


_ROWS = (
    select(m.PartnerDisclosure.__table__, m.PartnerAgreement.agreement_no, m.Partner.code)
    .join(m.PartnerAgreement, m.PartnerAgreement.agreement_id == m.PartnerDisclosure.agreement_id)
    .join(m.Partner, m.Partner.partner_id == m.PartnerAgreement.partner_id)
)


def _known(connection: Connection, disclosure_no: str) -> Row[Any]:
    number = code("disclosure_no", disclosure_no)
    row = connection.execute(_ROWS.where(m.PartnerDisclosure.disclosure_no == number)).one_or_none()
    if row is None:
        raise Refused("unknown_request", request_no=disclosure_no)
    return row


def _open(journal: Journal, disclosure_no: str) -> Row[Any]:
    row = _known(journal.connection, disclosure_no)
    if row.status != "requested":
        raise Refused("already_decided", request_no=disclosure_no, status=row.status)
    if row.valid_to <= journal.at:
        raise Refused("request_past", request_no=disclosure_no, until=row.valid_to)
    return row


def _names(field: str, names: Collection[str]) -> list[str]:
    found = sorted({code(field, name) for name in names})
    if not found:
        raise Refused("invalid_value", field=field, problem="names nothing")
    return found


def _view(row: Row[Any]) -> DisclosureView:
    values = row._mapping
    same = {name: values[name] for name in DisclosureView.__dataclass_fields__ if name in values}
    lists = {name: tuple(values[name]) for name in ("columns", "reason_codes")}
    return DisclosureView(**{**same, **lists, "partner": row.code})
