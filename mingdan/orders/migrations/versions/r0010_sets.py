"""Sets: references checked once for all rows of a statement, on PostgreSQL.

Here: the guards that take the place of foreign keys in the tables of which an
order writes the most rows, and how the log's payloads are kept. Not here: SQLite,
whose foreign keys cost a tenth.

PostgreSQL looks up and locks the row referred to once for each row: half of the
server's time of a load. A trigger that looks at all new rows of a statement at
once proves the same, as long as what is referred to never goes away and no
reference is ever changed; both are guarded here.
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ORDER = ("order_id", "product_order", "order_id")
SUBSCRIPTION = ("subscription_id", "subscription", "subscription_id")
ACCOUNT = ("account_id", "billing_account", "account_id")
PARTY = ("party_id", "party", "party_id")
REFERENCES = {
    "subscription": (ACCOUNT,),
    "product": (SUBSCRIPTION,),
    "product_order_item": (ORDER, ("product_id", "product", "product_id")),
    "number_holding": (SUBSCRIPTION, ORDER),
    "subscription_holding": (SUBSCRIPTION, PARTY, ORDER),
    "subscription_block": (SUBSCRIPTION, ORDER),
    "customer_bill": (ACCOUNT, ORDER),
    "payment": (ACCOUNT, ORDER),
    "order_event": (ORDER,),
}
"""Table -> column, table referred to and its key; the column is never changed."""
KEPT = {target: key for references in REFERENCES.values() for _, target, key in references}
"""Tables referred to and their keys: no row goes away, no key changes."""
KNOWN = """
CREATE FUNCTION mingdan_{table}_known() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM fresh AS n WHERE {unknown}) THEN
        RAISE EXCEPTION '{table}: a row refers to what is not there'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$
"""
UNKNOWN = (
    "(n.{column} IS NOT NULL AND (SELECT 1 FROM {target} AS o WHERE o.{key} = n.{column}) IS NULL)"
)
"""A value, not EXISTS: that may be answered by reading the whole table into a hash, and a
session that once did so for a load would go on doing so for single orders."""


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for target, key in KEPT.items():
        op.execute(
            f"CREATE TRIGGER {target}_stays BEFORE DELETE ON {target}"
            " FOR EACH ROW EXECUTE FUNCTION mingdan_refuse()"
        )
        op.execute(
            f"CREATE TRIGGER {target}_keyed BEFORE UPDATE OF {key} ON {target} FOR EACH ROW"
            f" WHEN (OLD.{key} <> NEW.{key}) EXECUTE FUNCTION mingdan_refuse()"
        )
    for table, references in REFERENCES.items():
        for column, _, _ in references:
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT fk_{table}_{column}")
        columns = ", ".join(column for column, _, _ in references)
        changed = " OR ".join(f"OLD.{c} IS DISTINCT FROM NEW.{c}" for c, _, _ in references)
        op.execute(
            f"CREATE TRIGGER {table}_refers BEFORE UPDATE OF {columns} ON {table} FOR EACH ROW"
            f" WHEN ({changed}) EXECUTE FUNCTION mingdan_refuse()"
        )
        unknown = " OR ".join(
            UNKNOWN.format(column=column, target=target, key=key)
            for column, target, key in references
        )
        op.execute(KNOWN.format(table=table, unknown=unknown))
        op.execute(
            f"CREATE TRIGGER {table}_known AFTER INSERT ON {table} REFERENCING NEW TABLE"
            f" AS fresh FOR EACH STATEMENT EXECUTE FUNCTION mingdan_{table}_known()"
        )
    # Not squeezed: a load's payload is long, and squeezing it took longer than writing it.
    op.execute("ALTER TABLE order_event ALTER COLUMN payload SET STORAGE EXTERNAL")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("ALTER TABLE order_event ALTER COLUMN payload SET STORAGE EXTENDED")
    for table, references in REFERENCES.items():
        op.execute(f"DROP TRIGGER {table}_known ON {table}")
        op.execute(f"DROP FUNCTION mingdan_{table}_known()")
        op.execute(f"DROP TRIGGER {table}_refers ON {table}")
        for column, target, key in references:
            op.create_foreign_key(f"fk_{table}_{column}", table, target, [column], [key])
    for target in KEPT:
        op.execute(f"DROP TRIGGER {target}_stays ON {target}")
        op.execute(f"DROP TRIGGER {target}_keyed ON {target}")
