"""Diagnosis (常用预处理流程): walks a fault flow for one number, step by step.

Here: `DiagnosisDesk`. The flows, their steps and what a finding means are data
(`reference/diagnosis_flow.csv`, `_step`, `_finding`). Not here: the checks
(`symptoms.py`) and repairing anything: it says what to do next, and opens a
ticket if asked to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mingdan.identifiers import mask_number
from mingdan.orders import checks
from mingdan.orders.access import log
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import allow
from mingdan.orders.care.ticket_forms import NewTicket
from mingdan.orders.care.tickets import TicketDesk
from mingdan.orders.lookups import local
from mingdan.orders.offers.symptoms import CHECKS, Finding, Patient
from mingdan.orders.store import OrderStore
from mingdan.reference import load

FAULT = "fault"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step: what was looked at, what was found, and what to do about it.

    `verdict`: ok, note or fault.
    """

    number: int
    title: str
    title_zh: str
    finding: str
    verdict: str
    found: str
    found_zh: str
    next: str
    next_zh: str


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """A walk through one flow. `number` is masked; `cause` the first step at fault, if any."""

    number: str
    flow: str
    name: str
    name_zh: str
    subscription_id: int | None
    steps: tuple[Step, ...]
    cause: Step | None
    ticket_ref: str | None = None


class DiagnosisDesk:
    """Diagnosis over an open store."""

    def __init__(self, store: OrderStore) -> None:
        self._store = store

    def diagnose(
        self,
        number: str,
        *,
        actor: Actor,
        at: datetime,
        flow: str | None = None,
        open_ticket: bool = False,
        channel: str = "hotline",
    ) -> Diagnosis:
        """Walk the flow of a number's fault, and say what was found at each step.

        `flow`: of `diagnosis_flow.csv`; by default that of a new subscription if
        it was opened within the policy's `diagnosis_new_days` or an order holds
        the number, else that of suspending and resuming. `open_ticket` opens a
        fault report of the flow's category, or notes what was found on the one
        that is open already. The look is written to the access log. Raises Refused as the
        gate does (businesses DIAGNOSE, TICKET), number_invalid, invalid_value.
        """
        at = checks.instant("at", at)
        plain = checks.number(number, "", "call_centre")
        database = self._store.database
        with database.writing() as connection:
            allow(connection, actor=actor, business="DIAGNOSE", at=at)
            patient = Patient(connection, plain, at)
            chosen = self._flow(patient) if flow is None else _known(flow)
            steps = _walk(patient, chosen)
            key = None
            if patient.holds and patient.subject is not None:
                key = patient.subject.subscription_id
                log.note(
                    database,
                    connection,
                    actor=actor,
                    purpose=f"diagnosis {chosen}",
                    what="state, orders, balance, blocks",
                    subjects=[f"subscription:{key}"],
                    at=at,
                )
        row = load.by("diagnosis_flow", "flow")[chosen]
        cause = next((step for step in steps if step.verdict == FAULT), None)
        ticket = None
        if open_ticket:
            ticket = self._ticket(plain, row, steps, actor, at, channel)
        return Diagnosis(
            number=mask_number(plain),
            flow=chosen,
            name=row["name"],
            name_zh=row["name_zh"],
            subscription_id=key,
            steps=steps,
            cause=cause,
            ticket_ref=ticket,
        )

    def _flow(self, patient: Patient) -> str:
        if not patient.holds or patient.subject is None:
            return "late_activation" if patient.reservation is not None else "suspend_resume"
        days = int(self._store.policy.at("diagnosis_new_days", patient.at))
        young = patient.at - patient.subject.contract.activated_at < timedelta(days=days)
        return "late_activation" if young else "suspend_resume"

    def _ticket(
        self,
        number: str,
        row: dict[str, str],
        steps: tuple[Step, ...],
        actor: Actor,
        at: datetime,
        channel: str,
    ) -> str:
        said = "\n".join(f"{each.number}. {each.title_zh}：{each.found_zh}" for each in steps)
        cause = next((each.next_zh for each in steps if each.verdict == FAULT), "")
        text = f"{row['name_zh']}\n{said}\n{cause}".strip()
        desk, category = TicketDesk(self._store), row["ticket_category"]
        for waiting in desk.list(at=at, category=category, number=number, open_only=True, limit=1):
            return desk.note(waiting.ticket_ref, text, actor=actor, at=at).ticket_ref
        request = NewTicket(category=category, description=text, channel=channel, number=number)
        return desk.open(request, actor=actor, at=at).ticket_ref


def _walk(patient: Patient, flow: str) -> tuple[Step, ...]:
    steps = []
    for row in load.rows("diagnosis_step"):
        if row["flow"] != flow:
            continue
        finding = CHECKS[row["check"]](patient, row["about"].split())
        steps.append(_step(row, finding))
        if finding.code in row["stop_on"].split():
            break
    return tuple(steps)


def _step(row: dict[str, str], finding: Finding) -> Step:
    meaning = next(
        each
        for each in load.rows("diagnosis_finding")
        if (each["check"], each["finding"]) == (row["check"], finding.code)
    )
    values = {
        name: local(value) if isinstance(value, datetime) else value
        for name, value in finding.values.items()
    }
    return Step(
        number=int(row["step"]),
        title=row["title"],
        title_zh=row["title_zh"],
        finding=finding.code,
        verdict=meaning["verdict"],
        found=meaning["en"].format(**values),
        found_zh=meaning["zh"].format(**values),
        next=meaning["do_en"],
        next_zh=meaning["do_zh"],
    )


def _known(flow: str) -> str:
    known = frozenset(load.by("diagnosis_flow", "flow"))
    return checks.one_of("flow", flow, known)
