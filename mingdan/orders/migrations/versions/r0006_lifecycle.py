"""Lifecycle: the tables of `mingdan/orders/lifecycle`.

Here: their creation and removal. Not here: other rooms' tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from mingdan.orders.column_types import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "staged_order",
        _order_key("staged_order"),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("request", JSON, nullable=False),
        sa.Column("interface_no", sa.String(), nullable=False),
        sa.Column("accepted_by", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("subscription_ref", sa.String(), nullable=True),
        sa.Column("document_type", sa.String(), nullable=True),
        sa.Column("document_number", sa.String(), nullable=True),
        sa.Column("placed_at", Instant(), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("charges", JSON, nullable=False),
        sa.Column("due_fen", BIG, nullable=False),
        sa.Column("paid_fen", BIG, nullable=False),
        sa.Column("given_back_fen", BIG, nullable=False),
        sa.Column("payments", JSON, nullable=False),
        sa.Column("provisioned_at", Instant(), nullable=True),
        sa.Column("product_status", sa.String(), nullable=True),
        sa.Column("resting_state", sa.String(), nullable=True),
        sa.Column("reasons", JSON, nullable=False),
        sa.UniqueConstraint(
            "interface_no", "idempotency_key", name="uq_staged_order_interface_no_idempotency_key"
        ),
        sa.CheckConstraint(
            "due_fen >= 0 AND paid_fen >= 0 AND paid_fen <= due_fen "
            "AND given_back_fen >= 0 AND given_back_fen <= paid_fen",
            name="ck_staged_order_money",
        ),
    )
    for name, column in (
        ("document", "document_number"),
        ("subscription", "subscription_ref"),
        ("until", "until"),
    ):
        _partial_index("staged_order", f"ix_staged_order_{name}_open", column, "closed_at")
    op.create_table(
        "archive",
        _order_key("archive"),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("request", JSON, nullable=False),
        sa.Column("interface_no", sa.String(), nullable=False),
        sa.Column("accepted_by", sa.String(), nullable=False),
        sa.Column("completed_by", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("accepted_at", Instant(), nullable=False),
        sa.Column("completed_at", Instant(), nullable=False),
        sa.Column("charges", JSON, nullable=False),
        sa.Column("due_fen", BIG, nullable=False),
        sa.Column("receipt", sa.String(), nullable=True),
        sa.Column(
            "reversed_by",
            BIG,
            sa.ForeignKey("product_order.order_id", name="fk_archive_reversed_by"),
            nullable=True,
        ),
        sa.UniqueConstraint(
            "interface_no", "idempotency_key", name="uq_archive_interface_no_idempotency_key"
        ),
        sa.UniqueConstraint("reversed_by", name="uq_archive_reversed_by"),
    )
    op.create_table(
        "notice",
        sa.Column("notice_id", BIG, sa.Identity(), primary_key=True),
        sa.Column(
            "order_id",
            BIG,
            sa.ForeignKey("product_order.order_id", name="fk_notice_order_id"),
            nullable=False,
        ),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("sent_at", Instant(), nullable=True),
        sa.UniqueConstraint("order_id", "template", name="uq_notice_order_id_template"),
    )
    _partial_index("notice", "ix_notice_waiting", "notice_id", "sent_at")


def downgrade() -> None:
    for table in ("notice", "archive", "staged_order"):
        op.drop_table(table)


def _order_key(table: str) -> sa.Column[int]:
    return sa.Column(
        "order_id",
        BIG,
        sa.ForeignKey("product_order.order_id", name=f"fk_{table}_order_id"),
        primary_key=True,
        autoincrement=False,
    )


def _partial_index(table: str, name: str, column: str, while_empty: str) -> None:
    where = sa.text(f"{while_empty} IS NULL")
    op.create_index(name, table, [column], postgresql_where=where, sqlite_where=where)
