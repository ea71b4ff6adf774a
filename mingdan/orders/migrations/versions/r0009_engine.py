"""The engine: what an order changed, kept beside its event, so the log can be replayed.

Here: `order_event.payload`, and for a store filled before it an image of every
row that only orders write (`BaselineEvent` in the journal's log). Not here:
other rooms' tables.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from mingdan.orders.column_types import microseconds

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

LOGGED_BY_ORDERS = (
    "party",
    "billing_account",
    "subscription",
    "product",
    "msisdn",
    "sim_card",
    "product_order",
    "product_order_item",
    "number_holding",
    "subscription_holding",
    "subscription_block",
    "customer_bill",
    "payment",
    "party_protection",
    "refund",
    "account_membership",
    "account_entry",
    "money_transaction",
)


def upgrade() -> None:
    op.add_column("order_event", sa.Column("payload", sa.JSON(), nullable=True))
    bind = op.get_bind()
    there = set(sa.inspect(bind).get_table_names())
    for table in LOGGED_BY_ORDERS:
        if table in there:
            _baseline(bind, table)


def downgrade() -> None:
    op.drop_column("order_event", "payload")


def _baseline(bind: sa.Connection, table: str) -> None:
    inspector = sa.inspect(bind)
    keys = ", ".join(inspector.get_pk_constraint(table)["constrained_columns"])
    if bind.dialect.name == "postgresql":
        key, image = f"jsonb_build_array({keys})::text", "to_jsonb(t)"
        now = "now()"
    else:
        columns = inspector.get_columns(table)
        pairs = ", ".join(f"'{c['name']}', {_value(c)}" for c in columns)
        key, image = f"json_array({keys})", f"json_object({pairs})"
        now = str(microseconds(datetime.now(UTC)))
    images = f"SELECT 'BaselineEvent', '{table}', {key}, {image}, 'migration 0009', {now}"
    op.execute(
        "INSERT INTO entity_event "
        f"(event_type, entity, entity_key, image, actor, recorded_at) {images} FROM {table} AS t"
    )


def _value(column: object) -> str:
    name = str(column["name"])  # type: ignore[index]
    # As it is kept, JSON in SQLite is text.
    return f"json({name})" if isinstance(column["type"], sa.JSON) else name  # type: ignore[index]
