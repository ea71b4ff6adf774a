"""Care: the tables of `mingdan/orders/care`.

Here: their creation, their guards and their removal. Not here: other rooms'
tables.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from mingdan.orders.column_types import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = (
    "kb_article",
    "kb_version",
    "kb_term",
    "trouble_ticket",
    "ticket_change",
    "complaint_export",
    "complaint_delivery",
    "service_visit",
    "class_entry",
    "class_assignment",
)


def upgrade() -> None:
    _knowledge()
    _tickets()
    _complaints()
    _visits()
    _classes()
    for table in ("ticket_change", "complaint_delivery", "complaint_export"):
        _append_only(table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _key(name: str) -> sa.Column[Any]:
    return sa.Column(name, BIG, sa.Identity(), primary_key=True)


def _link(name: str, target: str, *, nullable: bool = False, index: bool = False) -> sa.Column[Any]:
    return sa.Column(name, BIG, sa.ForeignKey(target), nullable=nullable, index=index)


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, BIG, nullable=False)


def _text(name: str, *, nullable: bool = False, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=nullable, **options)


def _instant(name: str, *, nullable: bool = False, index: bool = False) -> sa.Column[Any]:
    return sa.Column(name, Instant(), nullable=nullable, index=index)


def _one(name: str, *columns: str, where: str) -> sa.Index:
    """At most one row per `columns` among those `where` holds for."""
    condition = sa.text(where)
    return sa.Index(name, *columns, unique=True, postgresql_where=condition, sqlite_where=condition)


def _two_people(table: str, when: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        f"{when} OR (checker IS NOT NULL AND checker <> maker)", name=f"ck_{table}_two_people"
    )


def _append_only(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_grows BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION mingdan_refuse()"
        )
        return
    for name, event in (("grows", "DELETE"), ("kept", "UPDATE")):
        op.execute(
            f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table}: rows are never changed'); END"
        )


def _knowledge() -> None:
    op.create_table(
        "kb_article",
        _key("article_id"),
        _text("article_ref", unique=True),
        _text("kind"),
        _instant("recorded_at"),
    )
    op.create_table(
        "kb_version",
        _key("version_id"),
        _link("article_id", "kb_article.article_id"),
        _number("version_no"),
        _text("category"),
        _text("title"),
        _text("body"),
        _text("keywords"),
        _number("terms"),
        _text("state"),
        _text("maker"),
        _text("checker", nullable=True),
        _instant("drafted_at"),
        _instant("published_at", nullable=True),
        _instant("retired_at", nullable=True),
        sa.UniqueConstraint("article_id", "version_no"),
        sa.CheckConstraint(
            "state <> 'published' OR published_at IS NOT NULL", name="ck_kb_version_published"
        ),
        _two_people("kb_version", "published_at IS NULL"),
        sa.CheckConstraint(
            "retired_at IS NULL OR published_at IS NULL OR retired_at >= published_at",
            name="ck_kb_version_order",
        ),
        _one("uq_kb_version_draft", "article_id", where="state = 'draft'"),
        _one("uq_kb_version_published", "article_id", where="state = 'published'"),
    )
    op.create_table(
        "kb_term",
        _text("term", primary_key=True),
        sa.Column(
            "version_id",
            BIG,
            sa.ForeignKey("kb_version.version_id"),
            primary_key=True,
            autoincrement=False,
        ),
        _number("in_head"),
        _number("in_body"),
    )


def _tickets() -> None:
    op.create_table(
        "trouble_ticket",
        _key("ticket_id"),
        _text("request_ref", nullable=True, unique=True),
        _text("request_digest", nullable=True),
        _text("ticket_type"),
        _text("category"),
        _text("report_category", nullable=True),
        _text("severity"),
        _text("state", index=True),
        _text("description"),
        _text("channel"),
        _text("interface_no"),
        _text("number", nullable=True, index=True),
        _text("reporter_number", nullable=True),
        _link("subscription_id", "subscription.subscription_id", nullable=True, index=True),
        _link("party_id", "party.party_id", nullable=True),
        _text("order_ref", nullable=True),
        _instant("occurred_at"),
        _instant("received_at"),
        _instant("recorded_at", index=True),
        _text("assigned_to", nullable=True),
        _text("resolution", nullable=True),
        _instant("changed_at"),
        sa.CheckConstraint("occurred_at <= received_at", name="ck_trouble_ticket_occurred"),
        sa.CheckConstraint(
            "reporter_number IS NULL OR number IS NULL OR reporter_number <> number"
            " OR ticket_type <> 'complaint' OR report_category IS NULL",
            name="ck_trouble_ticket_self_report",
        ),
    )
    op.create_table(
        "ticket_change",
        _key("change_id"),
        _link("ticket_id", "trouble_ticket.ticket_id"),
        _number("change_no"),
        _text("state"),
        _text("assigned_to", nullable=True),
        _text("note", nullable=True),
        _text("actor"),
        _instant("recorded_at", index=True),
        sa.UniqueConstraint("ticket_id", "change_no"),
    )


def _complaints() -> None:
    op.create_table(
        "complaint_export",
        sa.Column("day", sa.Date(), primary_key=True),
        _number("complaints"),
        _text("digest"),
        _instant("recorded_at"),
    )
    op.create_table(
        "complaint_delivery",
        sa.Column(
            "ticket_id",
            BIG,
            sa.ForeignKey("trouble_ticket.ticket_id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column(
            "day", sa.Date(), sa.ForeignKey("complaint_export.day"), nullable=False, index=True
        ),
    )


def _visits() -> None:
    op.create_table(
        "service_visit",
        _key("visit_id"),
        _text("visit_ref", unique=True),
        _text("channel"),
        _text("interface_no"),
        _text("state"),
        _instant("arrived_at", index=True),
        _instant("served_at", nullable=True, index=True),
        _instant("ended_at", nullable=True),
        _text("served_by", nullable=True),
        sa.CheckConstraint(
            "served_at IS NULL OR served_at >= arrived_at", name="ck_service_visit_served"
        ),
        sa.CheckConstraint(
            "ended_at IS NULL OR ended_at >= COALESCE(served_at, arrived_at)",
            name="ck_service_visit_ended",
        ),
    )


def _classes() -> None:
    standing = "state = 'approved' AND valid_to IS NULL"
    op.create_table(
        "class_entry",
        _key("entry_id"),
        _text("class_code"),
        _number("version_no"),
        _text("name_zh"),
        _text("name_en"),
        _text("meaning"),
        _text("state"),
        _instant("valid_from"),
        _instant("valid_to", nullable=True),
        _text("maker"),
        _text("checker", nullable=True),
        _instant("recorded_at"),
        _instant("decided_at", nullable=True),
        sa.UniqueConstraint("class_code", "version_no"),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to >= valid_from", name="ck_class_entry_valid"
        ),
        _two_people("class_entry", "state <> 'approved'"),
        _one("uq_class_entry_standing", "class_code", where=standing),
    )
    op.create_table(
        "class_assignment",
        _key("assignment_id"),
        _text("class_code"),
        _link("party_id", "party.party_id", index=True),
        _text("state"),
        _text("reason"),
        _instant("valid_from"),
        _instant("valid_to", nullable=True),
        _text("maker"),
        _text("checker", nullable=True),
        _instant("recorded_at"),
        _instant("decided_at", nullable=True),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to >= valid_from", name="ck_class_assignment_valid"
        ),
        _two_people("class_assignment", "state <> 'approved'"),
        _one("uq_class_assignment_standing", "class_code", "party_id", where=standing),
    )
