"""查询和咨询: what a customer or clerk asks, shown as the role may see it, and logged.

Here: inquiries (data are shown) and consultations (a question is answered), each
a PartyInteraction (TMF683). Not here: the answers themselves (`care`'s knowledge
base) and changing anything.

An inquiry is written down, with every field and how it was shown, in the same
transaction that reads the data: what cannot be logged is not shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, select

from mingdan.orders import checks
from mingdan.orders.access import log
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import allow
from mingdan.orders.care.model import KbArticle
from mingdan.orders.care.versions import in_force, rows_of
from mingdan.orders.journal import Journal
from mingdan.orders.offers import masks
from mingdan.orders.offers.model import PartyInteraction
from mingdan.orders.offers.subjects import FIELDS, Subject, subject_of
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore

_STEPS = {"open": {"inProgress", "completed"}, "inProgress": {"completed"}, "completed": set[str]()}
_DIRECTIONS = frozenset({"inbound", "outbound"})
Direction = Literal["inbound", "outbound"]


@dataclass(frozen=True, kw_only=True)
class Inquiry:
    """查询: fields (`subjects.FIELDS`) of one subscription, and why they are asked for."""

    interaction_ref: str
    subscription: str
    fields: Sequence[str]
    reason: str
    channel: str = "counter"
    direction: Direction = "inbound"


@dataclass(frozen=True, kw_only=True)
class Consultation:
    """咨询: a question in general, or about one subscription."""

    interaction_ref: str
    question: str
    subscription: str | None = None
    channel: str = "hotline"
    direction: Direction = "inbound"


@dataclass(frozen=True, kw_only=True)
class InteractionView:
    """An interaction; instants are UTC. `values` are empty but for the inquiry just made."""

    interaction_ref: str
    kind: str
    status: str
    subscription_id: int | None
    party_id: int | None
    reason: str
    article_ref: str | None
    shown: dict[str, str]
    opened_at: datetime
    completed_at: datetime | None
    values: dict[str, Any]


class InquiryDesk:
    """Inquiries and consultations over an open store.

    Every call may raise Refused as the gate does (businesses INQUIRY and
    CONSULTATION), and `invalid_value`.
    """

    def __init__(self, store: OrderStore) -> None:
        self._database = store.database

    def look_up(self, inquiry: Inquiry, *, actor: Actor, at: datetime) -> InteractionView:
        """The fields asked for, each in full, masked or not at all by the mask policy.

        Every call is a look of its own, so a reference is good for one only.
        Raises Refused: unknown_subscription, interaction_ref_reused.
        """
        at = checks.instant("at", at)
        fields = list(dict.fromkeys(inquiry.fields))
        for field in fields:
            checks.one_of("fields", field, frozenset(FIELDS))
        if not fields:
            raise Refused("invalid_value", field="fields", problem="names none")
        with self._database.writing() as connection:
            allow(connection, actor=actor, business="INQUIRY", at=at)
            self._fresh(connection, inquiry.interaction_ref)
            subject = subject_of(connection, inquiry.subscription, at)
            shown = {field: masks.shown_to(actor.role, field, at) for field in fields}
            values = {field: _value(subject, field, how) for field, how in shown.items()}
            row = self._write(
                Journal(connection, at, str(actor)),
                actor,
                inquiry,
                kind="inquiry",
                reason=checks.words("reason", inquiry.reason),
                status="completed",
                subject=subject,
                shown=shown,
            )
            self._look(connection, actor, subject, row)
            return _view(row, values)

    def consult(self, asked: Consultation, *, actor: Actor, at: datetime) -> InteractionView:
        """Take a question down: status `open`; nothing of the customer is shown.

        Raises Refused: unknown_subscription, interaction_ref_reused.
        """
        at = checks.instant("at", at)
        with self._database.writing() as connection:
            allow(connection, actor=actor, business="CONSULTATION", at=at)
            self._fresh(connection, asked.interaction_ref)
            subject = None
            if asked.subscription is not None:
                subject = subject_of(connection, asked.subscription, at)
            row = self._write(
                Journal(connection, at, str(actor)),
                actor,
                asked,
                kind="consultation",
                reason=checks.words("question", asked.question),
                status="open",
                subject=subject,
                shown={},
            )
            return _view(row, {})

    def move(
        self,
        interaction_ref: str,
        status: str,
        *,
        article_ref: str | None = None,
        actor: Actor,
        at: datetime,
    ) -> InteractionView:
        """Work on a consultation (`inProgress`) or answer it (`completed`).

        `article_ref`: the knowledge article the answer came from. Raises Refused:
        unknown_interaction, interaction_closed, unknown_article.
        """
        at = checks.instant("at", at)
        target = checks.one_of("status", status, frozenset(_STEPS))
        with self._database.writing() as connection:
            allow(connection, actor=actor, business="CONSULTATION", at=at)
            self._database.lock(connection, "customers", [f"interaction:{interaction_ref}"])
            row = _row(connection, interaction_ref)
            if row is None:
                raise Refused("unknown_interaction", interaction_ref=interaction_ref)
            if target not in _STEPS[row.status]:
                raise Refused("interaction_closed", interaction_ref=interaction_ref)
            values: dict[str, Any] = {"status": target}
            if article_ref is not None:
                values["article_ref"] = _published(connection, article_ref, at)
            if target == "completed":
                values["completed_at"] = max(at, row.opened_at)
            journal = Journal(connection, at, str(actor))
            journal.update(PartyInteraction, row.interaction_id, **values)
            return _view(_row(connection, interaction_ref), {})

    def _fresh(self, connection: Connection, interaction_ref: str) -> None:
        ref = checks.words("interaction_ref", interaction_ref)
        self._database.lock(connection, "customers", [f"interaction:{ref}"])
        if _row(connection, ref) is not None:
            raise Refused("interaction_ref_reused", interaction_ref=ref)

    def _look(
        self,
        connection: Connection,
        actor: Actor,
        subject: Subject,
        row: Row[Any],
    ) -> None:
        ways = [how for how in row.shown.values() if how != masks.HIDDEN]
        if not ways:
            return
        full, masked = ways.count(masks.FULL), ways.count(masks.MASKED)
        log.note(
            self._database,
            connection,
            actor=actor,
            purpose=row.reason,
            what=f"interaction:{row.interaction_id} ({full} full, {masked} masked)",
            subjects=[
                f"subscription:{subject.subscription_id}",
                f"party:{subject.holder.party_id}",
            ],
            at=subject.at,
        )

    def _write(
        self,
        journal: Journal,
        actor: Actor,
        asked: Inquiry | Consultation,
        *,
        kind: str,
        reason: str,
        status: str,
        subject: Subject | None,
        shown: dict[str, str],
    ) -> Row[Any]:
        journal.insert(
            PartyInteraction,
            interaction_ref=asked.interaction_ref,
            party_id=None if subject is None else subject.holder.party_id,
            subscription_id=None if subject is None else subject.subscription_id,
            kind=kind,
            direction=checks.one_of("direction", asked.direction, _DIRECTIONS),
            channel=checks.words("channel", asked.channel),
            reason=reason,
            status=status,
            shown=shown,
            actor_role=actor.role,
            interface_no=actor.interface_no,
            actor_name=actor.name,
            opened_at=journal.at,
            completed_at=journal.at if status == "completed" else None,
        )
        row = _row(journal.connection, asked.interaction_ref)
        assert row is not None  # noqa: S101 - it was written just now
        return row


def _value(subject: Subject, field: str, how: str) -> Any:
    if how == masks.HIDDEN:
        return None
    value = FIELDS[field](subject)
    return value if how == masks.FULL else masks.masked(field, value)


def _published(connection: Connection, article_ref: str, at: datetime) -> str:
    """The article with the version in force, as `REF@2`."""
    ref = checks.words("article_ref", article_ref)
    found = rows_of(connection, (KbArticle.article_ref == ref) & in_force(at))
    if not found:
        raise Refused("unknown_article", article_ref=ref)
    return f"{ref}@{found[-1].version_no}"


def _row(connection: Connection, interaction_ref: str) -> Row[Any] | None:
    i = PartyInteraction
    return connection.execute(
        select(i.__table__).where(i.interaction_ref == interaction_ref)
    ).one_or_none()


def _view(row: Row[Any] | None, values: dict[str, Any]) -> InteractionView:
    assert row is not None  # noqa: S101 - callers have read it
    return InteractionView(
        interaction_ref=row.interaction_ref,
        kind=row.kind,
        status=row.status,
        subscription_id=row.subscription_id,
        party_id=row.party_id,
        reason=row.reason,
        article_ref=row.article_ref,
        shown=dict(row.shown),
        opened_at=row.opened_at,
        completed_at=row.completed_at,
        values=values,
    )
