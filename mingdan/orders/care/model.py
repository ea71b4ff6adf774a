"""Customer care: knowledge base, tickets, visits, customer classes by hand.

Here: the tables of care. Not here: complaints as the lake sees them (`reports`)
and process flows, which are read off the events of orders, tickets and visits
(`flows.py`) and have no table.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mingdan.orders.model import Base, key_column, link_column

_DRAFT = text("state = 'draft'")
_PUBLISHED = text("state = 'published'")
_STANDING = text("state = 'approved' AND valid_to IS NULL")


class KbArticle(Base):
    """An article or reply template (常用回答模板) through all its versions."""

    __tablename__ = "kb_article"
    article_id: Mapped[int] = key_column()
    article_ref: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    recorded_at: Mapped[datetime]


class KbVersion(Base):
    """One text of an article; its words are never changed, only its state."""

    __tablename__ = "kb_version"
    __table_args__ = (
        UniqueConstraint("article_id", "version_no"),
        Index("uq_kb_version_draft", "article_id", unique=True,
              postgresql_where=_DRAFT, sqlite_where=_DRAFT),
        Index("uq_kb_version_published", "article_id", unique=True,
              postgresql_where=_PUBLISHED, sqlite_where=_PUBLISHED),
        CheckConstraint("state <> 'published' OR published_at IS NOT NULL",
                        name="ck_kb_version_published"),
        CheckConstraint("published_at IS NULL OR (checker IS NOT NULL AND checker <> maker)",
                        name="ck_kb_version_two_people"),
        CheckConstraint("retired_at IS NULL OR published_at IS NULL OR retired_at >= published_at",
                        name="ck_kb_version_order"),
    )  # fmt: skip
    version_id: Mapped[int] = key_column()
    article_id: Mapped[int] = link_column("kb_article.article_id")
    version_no: Mapped[int]
    category: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    keywords: Mapped[str]
    """Further words it is to be found by, separated by blanks; may be empty."""
    terms: Mapped[int]
    """How many terms title, keywords and body have, for ranking."""
    state: Mapped[str]
    maker: Mapped[str]
    checker: Mapped[str | None]
    drafted_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]


class KbTerm(Base):
    """How often a term stands in a version: the full-text index, derived from `kb_version`.

    Outside the journal: `index.rebuild` makes it again from the versions.
    """

    __tablename__ = "kb_term"
    term: Mapped[str] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(
        ForeignKey("kb_version.version_id"), primary_key=True, autoincrement=False
    )
    in_head: Mapped[int]
    in_body: Mapped[int]


class TroubleTicket(Base):
    """A complaint (投诉), fault report (障碍申告) or appeal (申诉) as TMF621 has it."""

    __tablename__ = "trouble_ticket"
    __table_args__ = (
        CheckConstraint("occurred_at <= received_at", name="ck_trouble_ticket_occurred"),
        CheckConstraint("reporter_number IS NULL OR number IS NULL OR reporter_number <> number"
                        " OR ticket_type <> 'complaint' OR report_category IS NULL",
                        name="ck_trouble_ticket_self_report"),
    )  # fmt: skip
    ticket_id: Mapped[int] = key_column()
    request_ref: Mapped[str | None] = mapped_column(unique=True)
    """The sender's own reference: the same request again opens no second ticket."""
    request_digest: Mapped[str | None]
    ticket_type: Mapped[str]
    category: Mapped[str]
    report_category: Mapped[str | None]
    """What the label pipeline calls it; empty if it says nothing about another number."""
    severity: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)
    description: Mapped[str]
    channel: Mapped[str]
    interface_no: Mapped[str]
    number: Mapped[str | None] = mapped_column(index=True)
    """The number it is about, as E.164 without `+` or as dialled."""
    reporter_number: Mapped[str | None]
    subscription_id: Mapped[int | None] = link_column("subscription.subscription_id", index=True)
    """Who held the number at `occurred_at`, as known when the ticket was opened."""
    party_id: Mapped[int | None] = link_column("party.party_id")
    order_ref: Mapped[str | None]
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(index=True)
    assigned_to: Mapped[str | None]
    resolution: Mapped[str | None]
    changed_at: Mapped[datetime]


class TicketChange(Base):
    """One step in a ticket's life: a state, an assignment or a note; append-only."""

    __tablename__ = "ticket_change"
    __table_args__ = (UniqueConstraint("ticket_id", "change_no"),)
    change_id: Mapped[int] = key_column()
    ticket_id: Mapped[int] = link_column("trouble_ticket.ticket_id")
    change_no: Mapped[int]
    state: Mapped[str]
    assigned_to: Mapped[str | None]
    note: Mapped[str | None]
    actor: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(index=True)


class Appeal(Base):
    """An appeal (申诉) against a label: what its ticket is about, and what was decided.

    Once decided it is never changed.
    """

    __tablename__ = "appeal"
    __table_args__ = (
        CheckConstraint("subject_type IN ('party', 'subscription')", name="ck_appeal_subject"),
        CheckConstraint("outcome IS NULL OR outcome IN ('upheld', 'dismissed')",
                        name="ck_appeal_outcome"),
        CheckConstraint("(outcome IS NULL) = (decided_at IS NULL)", name="ck_appeal_decided"),
        CheckConstraint("outcome IS NULL OR"
                        " (finding IS NOT NULL AND checker IS NOT NULL AND checker <> maker)",
                        name="ck_appeal_two_people"),
        CheckConstraint("(holds_until IS NOT NULL) = (outcome IS NOT NULL AND outcome = 'upheld')",
                        name="ck_appeal_holds"),
        Index("ix_appeal_subject", "subject_type", "subject_id"),
    )  # fmt: skip
    ticket_id: Mapped[int] = mapped_column(
        ForeignKey("trouble_ticket.ticket_id"), primary_key=True, autoincrement=False
    )
    subject_type: Mapped[str]
    subject_id: Mapped[int]
    class_code: Mapped[str]
    reason_code: Mapped[str]
    maker: Mapped[str]
    """Who took it down."""
    outcome: Mapped[str | None]
    finding: Mapped[str | None]
    """Why, as a code of `reference/appeal_finding.csv`."""
    checker: Mapped[str | None]
    """Who decided it."""
    decided_at: Mapped[datetime | None] = mapped_column(index=True)
    holds_until: Mapped[datetime | None]


class ComplaintExport(Base):
    """A day whose complaints were given to the label pipeline; what it got is fixed."""

    __tablename__ = "complaint_export"
    day: Mapped[date] = mapped_column(Date(), primary_key=True)
    complaints: Mapped[int]
    digest: Mapped[str]
    """SHA-256 of the file's bytes."""
    recorded_at: Mapped[datetime]


class ComplaintDelivery(Base):
    """Which day's file a complaint stands in: exactly one."""

    __tablename__ = "complaint_delivery"
    ticket_id: Mapped[int] = mapped_column(
        ForeignKey("trouble_ticket.ticket_id"), primary_key=True, autoincrement=False
    )
    day: Mapped[date] = mapped_column(Date(), ForeignKey("complaint_export.day"), index=True)


class ServiceVisit(Base):
    """A customer at a counter or on the line (TMF683): waited, was served, left."""

    __tablename__ = "service_visit"
    __table_args__ = (
        CheckConstraint("served_at IS NULL OR served_at >= arrived_at",
                        name="ck_service_visit_served"),
        CheckConstraint("ended_at IS NULL OR ended_at >= COALESCE(served_at, arrived_at)",
                        name="ck_service_visit_ended"),
    )  # fmt: skip
    visit_id: Mapped[int] = key_column()
    visit_ref: Mapped[str] = mapped_column(unique=True)
    channel: Mapped[str]
    interface_no: Mapped[str]
    state: Mapped[str]
    arrived_at: Mapped[datetime] = mapped_column(index=True)
    served_at: Mapped[datetime | None] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    served_by: Mapped[str | None]


class ClassEntry(Base):
    """A customer class (客户类别) an operator added to the dictionary, from a day on."""

    __tablename__ = "class_entry"
    __table_args__ = (
        UniqueConstraint("class_code", "version_no"),
        Index("uq_class_entry_standing", "class_code", unique=True,
              postgresql_where=_STANDING, sqlite_where=_STANDING),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="ck_class_entry_valid"),
        CheckConstraint("state <> 'approved' OR (checker IS NOT NULL AND checker <> maker)",
                        name="ck_class_entry_two_people"),
    )  # fmt: skip
    entry_id: Mapped[int] = key_column()
    class_code: Mapped[str]
    version_no: Mapped[int]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    meaning: Mapped[str]
    state: Mapped[str]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    maker: Mapped[str]
    checker: Mapped[str | None]
    recorded_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class ClassAssignment(Base):
    """A party put into a class by hand, for a time; many to many."""

    __tablename__ = "class_assignment"
    __table_args__ = (
        Index("uq_class_assignment_standing", "class_code", "party_id", unique=True,
              postgresql_where=_STANDING, sqlite_where=_STANDING),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from",
                        name="ck_class_assignment_valid"),
        CheckConstraint("state <> 'approved' OR (checker IS NOT NULL AND checker <> maker)",
                        name="ck_class_assignment_two_people"),
    )  # fmt: skip
    assignment_id: Mapped[int] = key_column()
    class_code: Mapped[str]
    """A class added by hand, or `class:reason` of the dictionary."""
    party_id: Mapped[int] = link_column("party.party_id", index=True)
    state: Mapped[str]
    reason: Mapped[str]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    maker: Mapped[str]
    checker: Mapped[str | None]
    recorded_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
