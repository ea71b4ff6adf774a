"""The journal: a log of rows written outside an order.

Here: `entity_event` and its guards. Not here: the tables it logs.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from mingdan.orders.column_types import Instant, TransactionId

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    number = "pg_current_xact_id()" if postgresql else None
    op.create_table(
        "entity_event",
        sa.Column("seq", BIG, sa.Identity(), primary_key=True),
        sa.Column(
            "transaction_id",
            TransactionId(),
            nullable=True,
            index=True,
            server_default=sa.text(number) if number else None,
        ),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("entity", sa.String(), nullable=False, index=True),
        sa.Column("entity_key", sa.String(), nullable=False),
        sa.Column("image", JSON, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False, index=True),
        sqlite_autoincrement=True,
    )
    if postgresql:
        op.execute(
            "CREATE TRIGGER entity_event_grows BEFORE UPDATE OR DELETE ON entity_event "
            "FOR EACH ROW EXECUTE FUNCTION mingdan_refuse()"
        )
        return
    for name, event in (("grows", "DELETE"), ("kept", "UPDATE")):
        op.execute(
            f"CREATE TRIGGER entity_event_{name} BEFORE {event} ON entity_event "
            "BEGIN SELECT RAISE(ABORT, 'entity_event: rows are never changed'); END"
        )


def downgrade() -> None:
    op.drop_table("entity_event")
