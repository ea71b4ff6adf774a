"""Appeals (申诉) against labels: taken down as tickets, decided by another person.

Here: opening, deciding and listing them, and those upheld as they were known at an
instant. Not here: what an upheld one does to labels (`mingdan.classes`) and lists
(`mingdan.lists`), and steps an appeal shares with every ticket (`tickets.py`: giving
it to somebody, notes, taking it back). Findings are data: `reference/appeal_finding.csv`.

A decision is never changed. Whoever brings something new appeals again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import and_, select, true

from mingdan.orders import checks, restrictions
from mingdan.orders.access.actor import Actor
from mingdan.orders.care import appeal_rows, words
from mingdan.orders.care.appeal_forms import AppealView, NewAppeal, one_is_named
from mingdan.orders.care.desk import Desk
from mingdan.orders.care.model import Appeal, TroubleTicket
from mingdan.orders.care.ticket_forms import NewTicket, checked, request_digest
from mingdan.orders.care.ticket_steps import (
    asked_before,
    begin,
    change,
    no_step,
    row_of,
    ticket_key,
)
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.store import OrderStore
from mingdan.reference import load

CATEGORY = "label_appeal"
LONGEST = timedelta(days=366)
"""Who is to be spared for longer is protected (红名单), which has an order of its own."""


class AppealDesk(Desk):
    """The appeals of an open order store.

    `appealable`: the labels an appeal may be against, each with what it is about
    (`class_file.appealable_labels`).
    """

    def __init__(self, store: OrderStore, appealable: Mapping[str, str] | None = None) -> None:
        super().__init__(store)
        self._appealable = appealable or {}

    def open(self, new: NewAppeal, *, actor: Actor, at: datetime) -> AppealView:
        """Take an appeal down; its ticket's clocks start.

        Raises Refused (appeal_label, appeal_whose, appeal_open, unknown_party,
        no_such_subscription, and as a ticket is refused).
        """
        at, label = checks.instant("at", at), words.label(new.label)
        if label not in self._appealable:
            raise Refused("appeal_label", label=label)
        request = NewTicket(
            category=CATEGORY,
            description=new.description,
            channel=new.channel,
            number=new.number,
            received_at=new.received_at,
            request_ref=new.request_ref,
        )
        row = checked(request, self._policy, actor, at)
        subject = self._appealable[label]
        one_is_named(new, label, subject)
        row["request_digest"] = row["request_ref"] and request_digest(new)
        keys = [f"appeal:{label}", *([f"trouble_ticket:{ref}"] if (ref := new.request_ref) else [])]
        with self._writing(actor, "TICKET", at, *keys) as connection:
            known = asked_before(connection, row)
            if known is not None:
                return appeal_rows.view(connection, known, at, repeated=True)
            row |= appeal_rows.holder(connection, new.party_ref, row)
            subject_id = row[f"{subject}_id"]
            class_code, _, reason_code = label.partition(":")
            what = {
                "subject_type": subject,
                "subject_id": subject_id,
                "class_code": class_code,
                "reason_code": reason_code,
            }
            appeal_rows.none_waits(connection, what, label)
            journal = Journal(connection, at, str(actor))
            key = begin(journal, row)
            maker = checks.words("maker", actor.name)
            journal.insert(Appeal, ticket_id=key, **what, maker=maker)
            return appeal_rows.view(connection, key, at)

    def decide(
        self,
        ticket_ref: str,
        finding: str,
        answer: str,
        *,
        actor: Actor,
        at: datetime,
        holds_until: datetime | None = None,
    ) -> AppealView:
        """Uphold or dismiss it, as the finding says; its ticket is then resolved.

        An upheld one lifts the label's restriction of orders at once and ends the
        label in the next night. `holds_until` (upheld only; default: policy
        `appeal_holds_days`): until then the same fact gives no label again. The
        same decision again changes nothing. Raises Refused (appeal_unknown,
        appeal_decided, same_person, ticket_step, invalid_value; appeal_night: upheld
        as of before a night that was run, which could then not be derived again).
        """
        found = load.by("appeal_finding", "code")
        code = checks.one_of("finding", finding, frozenset(found))
        outcome, checker = found[code]["outcome"], checks.words("checker", actor.name)
        said = words.block("answer", answer, words.NOTE)
        key, at = ticket_key(ticket_ref), checks.instant("at", at)
        with self._writing(actor, "APPEAL_DECISION", at, restrictions.LOCK) as connection:
            row = row_of(connection, key, lock=True)
            appeal = appeal_rows.row(connection, key)
            if appeal.outcome is not None:
                if (appeal.finding, row.resolution) == (code, said):
                    return appeal_rows.view(connection, key, at)
                raise Refused("appeal_decided", ticket_ref=ticket_ref)
            words.two_people(appeal.maker, checker)
            if row.state in machine("ticket").final:
                raise no_step(row, "resolved")
            journal = Journal(connection, max(at, row.changed_at), str(actor))
            until = self._term(outcome, holds_until, journal.at)
            if outcome == "upheld":
                restrictions.not_yet_run(connection, journal.at)
            if row.state != "inProgress":
                change(journal, row, "inProgress", None)
                row = row_of(connection, key)
            change(journal, row, "resolved", said, resolution=said)
            journal.update(
                Appeal,
                key,
                outcome=outcome,
                finding=code,
                checker=checker,
                decided_at=journal.at,
                holds_until=until,
            )
            if outcome == "upheld":
                restrictions.lift(connection, appeal)
            return appeal_rows.view(connection, key, journal.at)

    def show(self, ticket_ref: str, *, at: datetime) -> AppealView:
        """One appeal, its ticket's clocks as of `at`. Raises Refused (appeal_unknown, ...)."""
        key, at = ticket_key(ticket_ref), checks.instant("at", at)
        with self._database.reading() as connection:
            row_of(connection, key)
            appeal_rows.row(connection, key)
            return appeal_rows.view(connection, key, at)

    def list(
        self, *, at: datetime, open_only: bool = False, limit: int = 100
    ) -> tuple[AppealView, ...]:
        """The newest appeals; `open_only`: those neither decided nor taken back."""
        a, t = Appeal, TroubleTicket
        waiting = and_(a.outcome.is_(None), t.state.not_in(sorted(machine("ticket").final)))
        with self._database.reading() as connection:
            keys = connection.execute(
                select(a.ticket_id)
                .join(t, t.ticket_id == a.ticket_id)
                .where(waiting if open_only else true())
                .order_by(a.ticket_id.desc())
                .limit(limit)
            ).scalars()
            instant = checks.instant("at", at)
            return tuple(appeal_rows.view(connection, key, instant) for key in keys)

    def _term(self, outcome: str, until: datetime | None, at: datetime) -> datetime | None:
        if outcome != "upheld":
            if until is not None:
                raise Refused(
                    "invalid_value", field="holds_until", problem="is only for one that is upheld"
                )
            return None
        if until is None:
            return at + timedelta(days=self._policy.at("appeal_holds_days", at))
        ends = checks.instant("holds_until", until)
        if ends <= at:
            raise Refused("invalid_value", field="holds_until", problem="has passed")
        if ends > at + LONGEST:
            raise Refused("invalid_value", field="holds_until", problem="is more than a year ahead")
        return ends
