"""The engine: what an order changed, kept beside its event, so the log can be replayed.

Here: `order_event.payload`, and for a store filled before it an image of every
row that only orders write (`BaselineEvent` in the journal's log); quicker
guards of the bitemporal tables. Not here: other rooms' tables.

PostgreSQL's exclusion constraints over four ranges took more than half of an
order's time (85 us a row). What holds now is guarded by a unique index, also
between writers who do not see each other; the past by a trigger that looks at
all new rows of a statement at once, between writers who wait for each other by
the store's locks.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from mingdan.orders.column_types import microseconds
from mingdan.orders.migrations.versions.r0001_first import exclusions

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
GUARDED = {
    "number_holding": ("uq_number_holding_holder", "key_kind", "key"),
    "subscription_holding": ("uq_subscription_holding_now", "subscription_id"),
    "subscription_block": ("uq_subscription_block_now", "subscription_id", "reason", "direction"),
}
"""Bitemporal table -> its unique index, and the key whose rows never overlap."""
NOW = sa.text("valid_to IS NULL AND superseded_at IS NULL")
OVERLAP = """
CREATE FUNCTION mingdan_{table}_overlap() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM fresh AS n JOIN {table} AS o USING ({key}) WHERE o.{row} <> n.{row}
        AND tstzrange(o.valid_from, o.valid_to) && tstzrange(n.valid_from, n.valid_to)
        AND tstzrange(o.recorded_at, o.superseded_at) && tstzrange(n.recorded_at, n.superseded_at)
    ) THEN
        RAISE EXCEPTION '{table}: rows overlap' USING ERRCODE = 'exclusion_violation';
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    for table, (name, *key) in GUARDED.items():
        op.create_index(name, table, key, unique=True, postgresql_where=NOW, sqlite_where=NOW)
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ex_{table}")
            op.execute(OVERLAP.format(table=table, key=", ".join(key), row=_row(table)))
            op.execute(
                f"CREATE TRIGGER {table}_overlap AFTER INSERT ON {table} REFERENCING NEW TABLE"
                f" AS fresh FOR EACH STATEMENT EXECUTE FUNCTION mingdan_{table}_overlap()"
            )
    op.add_column("order_event", sa.Column("payload", sa.JSON(), nullable=True))
    bind = op.get_bind()
    there = set(sa.inspect(bind).get_table_names())
    for table in LOGGED_BY_ORDERS:
        if table in there:
            _baseline(bind, table)


def downgrade() -> None:
    op.drop_column("order_event", "payload")
    for table, (name, *_) in GUARDED.items():
        op.drop_index(name, table)
    if op.get_bind().dialect.name == "postgresql":
        for table in GUARDED:
            op.execute(f"DROP TRIGGER {table}_overlap ON {table}")
            op.execute(f"DROP FUNCTION mingdan_{table}_overlap()")
        for statement in exclusions():
            op.execute(statement)


def _row(table: str) -> str:
    return "block_id" if table == "subscription_block" else "holding_id"


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
