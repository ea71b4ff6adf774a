"""Appeals (申诉) against labels.

Here: the table and the guards it keeps itself: a decision takes two people, and one that
was made is never changed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mingdan.orders.column_types import Instant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "appeal",
        sa.Column(
            "ticket_id",
            BIG,
            sa.ForeignKey("trouble_ticket.ticket_id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("subject_type", sa.String(), nullable=False),
        sa.Column("subject_id", BIG, nullable=False),
        sa.Column("class_code", sa.String(), nullable=False),
        sa.Column("reason_code", sa.String(), nullable=False),
        sa.Column("maker", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("finding", sa.String(), nullable=True),
        sa.Column("checker", sa.String(), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True, index=True),
        sa.Column("holds_until", Instant(), nullable=True),
        sa.CheckConstraint("subject_type IN ('party', 'subscription')", name="ck_appeal_subject"),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('upheld', 'dismissed')", name="ck_appeal_outcome"
        ),
        sa.CheckConstraint("(outcome IS NULL) = (decided_at IS NULL)", name="ck_appeal_decided"),
        sa.CheckConstraint(
            "outcome IS NULL OR (finding IS NOT NULL AND checker IS NOT NULL AND checker <> maker)",
            name="ck_appeal_two_people",
        ),
        sa.CheckConstraint(
            "(holds_until IS NOT NULL) = (outcome IS NOT NULL AND outcome = 'upheld')",
            name="ck_appeal_holds",
        ),
    )
    op.create_index("ix_appeal_subject", "appeal", ["subject_type", "subject_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER appeal_kept BEFORE UPDATE ON appeal"
            " FOR EACH ROW WHEN (OLD.outcome IS NOT NULL) EXECUTE FUNCTION mingdan_refuse()"
        )
    else:
        op.execute(
            "CREATE TRIGGER appeal_kept BEFORE UPDATE ON appeal WHEN OLD.outcome IS NOT NULL BEGIN"
            " SELECT RAISE(ABORT, 'appeal: a decision is never changed'); END"
        )


def downgrade() -> None:
    op.drop_table("appeal")
