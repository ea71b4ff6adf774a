"""Disclosures: leave to tell a partner numbers in the clear (明文披露).

Here: the table and the guards it keeps itself: nothing is approved without two people
other than who asked for it, and other than each other; what was asked for stays as it was.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from mingdan.orders.column_types import Instant

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
TWO_OTHERS = (
    "status <> 'approved' OR (first_checker IS NOT NULL AND second_checker IS NOT NULL"
    " AND decided_at IS NOT NULL)"
)
DIFFERENT = (
    "first_checker <> maker AND (second_checker IS NULL OR"
    " (second_checker <> maker AND second_checker <> first_checker))"
)
FIXED = (
    *("disclosure_no", "agreement_id", "columns", "reason_codes", "reason"),
    *("valid_from", "valid_to", "maker", "requested_at"),
)


def upgrade() -> None:
    op.create_table(
        "partner_disclosure",
        sa.Column("disclosure_id", BIG, sa.Identity(), primary_key=True),
        sa.Column("disclosure_no", sa.String(), nullable=False, unique=True),
        sa.Column(
            "agreement_id",
            BIG,
            sa.ForeignKey("partner_agreement.agreement_id"),
            nullable=False,
            index=True,
        ),
        sa.Column("columns", JSON, nullable=False),
        sa.Column("reason_codes", JSON, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("valid_from", Instant(), nullable=False),
        sa.Column("valid_to", Instant(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("maker", sa.String(), nullable=False),
        sa.Column("first_checker", sa.String(), nullable=True),
        sa.Column("second_checker", sa.String(), nullable=True),
        sa.Column("requested_at", Instant(), nullable=False),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.CheckConstraint("valid_to > valid_from"),
        sa.CheckConstraint("status IN ('requested', 'approved', 'refused', 'withdrawn')"),
        sa.CheckConstraint(TWO_OTHERS),
        sa.CheckConstraint(DIFFERENT),
    )
    if op.get_bind().dialect.name == "postgresql":
        changed = " OR ".join(f"OLD.{c} IS DISTINCT FROM NEW.{c}" for c in FIXED)
        op.execute(
            "CREATE TRIGGER partner_disclosure_kept BEFORE UPDATE ON partner_disclosure"
            f" FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION mingdan_refuse()"
        )
    else:
        changed = " OR ".join(f"OLD.{c} IS NOT NEW.{c}" for c in FIXED)
        op.execute(
            "CREATE TRIGGER partner_disclosure_kept BEFORE UPDATE ON partner_disclosure"
            f" WHEN {changed} BEGIN"
            " SELECT RAISE(ABORT, 'partner_disclosure: rows are never changed'); END"
        )


def downgrade() -> None:
    op.drop_table("partner_disclosure")
