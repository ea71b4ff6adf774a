"""What each step of a diagnosis looks at: one check a function, a finding as the answer.

Here: reading the store for one number. Not here: in which order checks are made
and what a finding means (`diagnosis.py`, `reference/diagnosis_*.csv`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from mingdan.orders import model as m
from mingdan.orders.care import cases
from mingdan.orders.care.flows import flow_of
from mingdan.orders.lifecycle import views
from mingdan.orders.lifecycle.model import StagedOrder
from mingdan.orders.money.balances import arrears
from mingdan.orders.offers.recommend import yuan
from mingdan.orders.offers.subjects import Subject
from mingdan.orders.stock.model import ResourceReservation
from mingdan.reference import load

_AUTHORITY = ("police", "fraud", "spam", "realname")
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Finding:
    """What a check found: a code of `reference/diagnosis_finding.csv` and its values."""

    code: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass
class Patient:
    """A number at an instant, read as far as the checks go."""

    connection: Connection
    number: str
    at: datetime

    @cached_property
    def row(self) -> Row[Any] | None:
        n = m.Msisdn
        return self.connection.execute(
            select(n.__table__).where(n.number == self.number)
        ).one_or_none()

    @cached_property
    def subject(self) -> Subject | None:
        """The subscription that holds the number at the instant, or held it last."""
        h = m.NumberHolding
        key = self.connection.execute(
            select(h.subscription_id)
            .where(
                h.key_kind == "msisdn",
                h.key == int(self.number),
                h.superseded_at.is_(None),
                h.valid_from <= self.at,
            )
            .order_by(h.valid_from.desc())
            .limit(1)
        ).scalar()
        return None if key is None else Subject(self.connection, key, self.at)

    @cached_property
    def holds(self) -> bool:
        return self.subject is not None and self.subject.key("msisdn") == self.number

    @cached_property
    def reservation(self) -> Row[Any] | None:
        """The last reservation of the number, live or not."""
        r = ResourceReservation
        return self.connection.execute(
            select(r.__table__)
            .where(r.number == self.number)
            .order_by(r.reservation_id.desc())
            .limit(1)
        ).one_or_none()

    def last_order(self, types: list[str]) -> Row[Any] | None:
        """The subscription's last order of these types, or the one that holds the number."""
        o = m.ProductOrder
        whose = []
        if self.holds and self.subject is not None:
            whose.append(o.subscription_id == self.subject.subscription_id)
            s = StagedOrder
            staged = select(s.order_id).where(
                s.subscription_ref == self.subject.contract.subscription_ref
            )
            whose.append(o.order_id.in_(staged))
        elif self.reservation is not None and self.reservation.order_id is not None:
            whose.append(o.order_id == self.reservation.order_id)
        if not whose:
            return None
        return self.connection.execute(
            select(o.order_ref)
            .where(or_(*whose), o.order_type.in_(types), o.order_date <= self.at)
            .order_by(o.order_date.desc(), o.order_id.desc())
            .limit(1)
        ).one_or_none()


def number(patient: Patient, _about: list[str]) -> Finding:
    """Who has the number."""
    if patient.holds:
        return Finding("held")
    reservation, row = patient.reservation, patient.row
    if reservation is not None and reservation.state == "inProgress":
        live = patient.at < reservation.until
        return Finding("reserved" if live else "reservation_over", {"until": reservation.until})
    if row is None:
        return Finding("unknown")
    if row.state in ("blocked", "retired"):
        return Finding("withdrawn", {"state": row.state})
    if row.state == "aging" and row.until is not None and patient.at < row.until:
        return Finding("ageing", {"until": row.until})
    return Finding("free")


def state(patient: Patient, _about: list[str]) -> Finding:
    """The product's state."""
    if patient.subject is None or not patient.holds:
        return Finding("none")
    found = patient.subject.contract
    if found.status == "terminated":
        s = m.Subscription
        ended = patient.connection.execute(
            select(s.terminated_at).where(s.subscription_id == patient.subject.subscription_id)
        ).scalar_one()
        return Finding("terminated", {"at": ended})
    return Finding("suspended" if found.status == "suspended" else "active")


def customer_class(patient: Patient, _about: list[str]) -> Finding:
    """Restrictions and protections that follow the holder."""
    if patient.subject is None or not patient.holds:
        return Finding("none")
    if patient.subject.restrictions:
        return Finding("restricted", {"reasons": ", ".join(patient.subject.restrictions)})
    p = m.PartyProtection
    scopes = patient.connection.execute(
        select(p.scope).where(
            p.party_id == patient.subject.holder.party_id,
            p.checker.is_not(None),
            p.valid_from <= patient.at,
            p.valid_to > patient.at,
        )
    ).scalars()
    found = sorted(set(scopes))
    return Finding("protected", {"scopes": ", ".join(found)}) if found else Finding("none")


def order(patient: Patient, about: list[str]) -> Finding:
    """How far the last order of these types has come."""
    row = patient.last_order(about)
    record = None if row is None else views.by_ref(patient.connection, row.order_ref)
    if record is None:
        return Finding("none")
    view, case = (
        views.view(record),
        cases.order_case(patient.connection, record.order_ref, patient.at + _INSTANT),
    )
    values: dict[str, Any] = {
        "order_type": view.order_type,
        "reasons": "; ".join(view.reasons) or "-",
        "yuan": yuan(view.due_fen - view.paid_fen),
        "at": view.completed_at or view.placed_at,
        "until": view.reserved_until,
    }
    if view.state in ("completed", "partial", "cancelled", "failed"):
        return Finding("completed" if view.state == "partial" else view.state, values)
    if view.reserved_until is not None and patient.at >= view.reserved_until:
        return Finding("expired", values)
    if view.state == "held":
        return Finding("held", values)
    if view.state in ("assessingCancellation", "pendingCancellation"):
        return Finding("assessing", values)
    if view.state == "pending":
        due = view.due_fen > view.paid_fen
        return Finding("waiting_payment" if due else "waiting_information", values)
    if view.provisioned_at is not None:
        return Finding("provisioned", values)
    clocks = () if case is None else flow_of(case, patient.at).clocks
    broken = [clock.limit.name_zh for clock in clocks if clock.verdict == "broken"]
    if broken:
        return Finding("late", {**values, "limit": ", ".join(broken)})
    return Finding("in_provisioning", values)


def provisioning(patient: Patient, _about: list[str]) -> Finding:
    """Whether product, number and SIM stand as the orders made them."""
    if patient.subject is None or not patient.holds:
        return Finding("agrees")
    found = patient.subject.contract.status
    expected = "suspended" if _stopping(patient.subject) else "active"
    if found in ("active", "suspended") and found != expected:
        return Finding("status_differs", {"found": found, "expected": expected})
    row = patient.row
    if row is None or row.state != "in_service":
        return Finding("number_differs", {"found": "-" if row is None else row.state})
    sim = _sim(patient)
    if sim is not None and sim != "in_use":
        return Finding("sim_differs", {"found": sim})
    return Finding("agrees")


def balance(patient: Patient, _about: list[str]) -> Finding:
    """What is owed, and whether paying it lifted its block."""
    if patient.subject is None or not patient.holds:
        return Finding("clear")
    owed = arrears(patient.connection, patient.subject.subscription_id, patient.at)
    if owed:
        return Finding("owes", {"yuan": yuan(owed)})
    if any(block.startswith("arrears ") for block in patient.subject.blocks):
        return Finding("not_lifted")
    return Finding("clear")


def blocks(patient: Patient, _about: list[str]) -> Finding:
    """What blocks it, the hardest to lift first."""
    if patient.subject is None or not patient.holds:
        return Finding("none")
    stopping = _stopping(patient.subject)
    authority = [reason for reason in _AUTHORITY if reason in stopping]
    if authority:
        return Finding("authority", {"reasons": ", ".join(authority)})
    for reason, code in (
        ("lost", "lost"),
        ("arrears", "arrears"),
        ("customer_request", "customer"),
    ):
        if reason in stopping:
            return Finding(code)
    if patient.subject.blocks:
        return Finding("messages", {"reasons": ", ".join(patient.subject.blocks)})
    return Finding("none")


def sim(patient: Patient, _about: list[str]) -> Finding:
    """The SIM the subscription holds."""
    found = _sim(patient)
    if found is None:
        return Finding("none")
    return Finding("in_use") if found == "in_use" else Finding("other", {"state": found})


def _stopping(subject: Subject) -> set[str]:
    """The reasons of blocks that suspend the product."""
    directions = load.by("suspend_direction", "direction")
    found = set()
    for block in subject.blocks:
        reason, _, direction = block.partition(" ")
        if directions[direction.strip("()")]["product_state"] == "suspended":
            found.add(reason)
    return found


def _sim(patient: Patient) -> str | None:
    imsi = None if patient.subject is None else patient.subject.key("imsi")
    if imsi is None:
        return None
    s = m.SimCard
    return patient.connection.execute(select(s.state).where(s.imsi == imsi)).scalar()


CHECKS: dict[str, Callable[[Patient, list[str]], Finding]] = {
    "number": number,
    "state": state,
    "class": customer_class,
    "order": order,
    "provisioning": provisioning,
    "balance": balance,
    "blocks": blocks,
    "sim": sim,
}
"""Every check by the name the flows know it by."""
