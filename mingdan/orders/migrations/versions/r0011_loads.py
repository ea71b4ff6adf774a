"""Loads: fewer look-ups and fewer index entries for each row of an order.

Here: the last foreign keys of rows that every order writes, checked set-wise as in
`r0010_sets`, on PostgreSQL; what else is checked there once for all rows instead of one by
one; and one index where there were two, on both databases. Not here: what an order writes.

The keys that new rows refer to were mostly given out together, without gaps. So the
number of rows between the lowest and the highest of them proves that every one is
there; only where the keys lie further apart is each one looked up.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mingdan.orders.migrations.versions import r0009_engine, r0010_sets
from mingdan.orders.migrations.versions.r0010_sets import PARTY, SUBSCRIPTION, UNKNOWN

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

References = tuple[tuple[str, str, str], ...]
"""Columns, the tables they refer to, and their keys."""
OFFERING = ("offering_code", "product_offering", "code")
ADDED = {
    "product": (OFFERING,),
    "product_order": (SUBSCRIPTION, PARTY),
    "msisdn": (SUBSCRIPTION,),
    "sim_card": (SUBSCRIPTION,),
}
"""As `REFERENCES`, but the column may be changed: then its row is looked at by itself."""
KNOWN = """
CREATE OR REPLACE FUNCTION mingdan_{table}_known() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    IF NOT (
        SELECT {dense} FROM (SELECT count(*) AS rows, {ends} FROM fresh) AS n
    ) AND EXISTS (SELECT 1 FROM fresh AS n WHERE {unknown}) THEN
        RAISE EXCEPTION '{table}: a row refers to what is not there'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$
"""
DENSE = (
    "CASE WHEN n.{column}_low IS NULL THEN true WHEN n.{column}_high - n.{column}_low < n.rows"
    " THEN (SELECT count(*) FROM {target} AS o WHERE o.{key} BETWEEN n.{column}_low AND"
    " n.{column}_high) = n.{column}_high - n.{column}_low + 1 ELSE false END"
)
"""Whether all keys between the lowest and the highest are there; false if that is too many to
count."""
ONE = """
CREATE FUNCTION mingdan_{table}_{column}_known() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM {target} AS o WHERE o.{key} = NEW.{column}) THEN
        RAISE EXCEPTION '{table}: a row refers to what is not there'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$
"""
MONEY = {
    "closes": (
        "money_transaction",
        (
            "(SELECT count(*) > 1 AND sum(amount_fen) = 0 FROM account_entry AS e"
            " WHERE e.transaction_ref = n.transaction_ref) IS NOT TRUE"
        ),
        "entries do not sum to zero",
    ),
    "closed": (
        "account_entry",
        (
            "(SELECT 1 FROM money_transaction AS t WHERE t.transaction_ref = n.transaction_ref)"
            " IS NOT NULL"
        ),
        "the transaction is closed",
    ),
}
"""Guard of `r0004_money` -> its table, what is refused of a new row `n`, and its words."""
BOOKED = """
CREATE FUNCTION mingdan_money_{name}_all() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM fresh AS n WHERE {refused}) THEN
        RAISE EXCEPTION '{table}: {words}';
    END IF;
    RETURN NULL;
END $$
"""
SINGLE: dict[str, dict[str, tuple[str, ...]]] = {
    "number_holding": {
        "uq_number_holding_now": ("subscription_id", "key_kind"),
        "uq_number_holding_holder": ("key_kind", "key"),
    },
    "subscription_holding": {"uq_subscription_holding_now": ("subscription_id",)},
    "subscription_block": {"uq_subscription_block_now": ("subscription_id", "reason", "direction")},
}
"""Table -> unique index of what holds now -> its columns, from here on with every row in it."""
NOW = sa.text("NULLIF(valid_to IS NULL AND superseded_at IS NULL, false)")
"""True of what holds now; of all else empty, and so equal to nothing."""
NEEDLESS = {
    "ix_number_holding_subscription_id": ("number_holding", "subscription_id"),
    "ix_number_holding_key_kind_key": ("number_holding", "key_kind", "key"),
    "ix_subscription_holding_subscription_id": ("subscription_holding", "subscription_id"),
    "ix_subscription_block_subscription_id": ("subscription_block", "subscription_id"),
}
"""Indices whose columns a unique one begins with, now that every row is in that."""


def upgrade() -> None:
    for table, indices in SINGLE.items():
        for name, columns in indices.items():
            op.drop_index(name, table)
            op.create_index(name, table, [*columns, NOW], unique=True)
    for name, (table, *_) in NEEDLESS.items():
        op.drop_index(name, table)
    if op.get_bind().dialect.name == "postgresql":
        _references()
        _money()


def downgrade() -> None:
    for name, (table, *columns) in NEEDLESS.items():
        op.create_index(name, table, columns)
    now = r0009_engine.NOW
    for table, indices in SINGLE.items():
        for name, key in indices.items():
            op.drop_index(name, table)
            op.create_index(
                name, table, list(key), unique=True, postgresql_where=now, sqlite_where=now
            )
    if op.get_bind().dialect.name == "postgresql":
        _foreign_keys()
        _money_by_row()


def _references() -> None:
    for target, key in {target: key for refs in ADDED.values() for _, target, key in refs}.items():
        if target not in r0010_sets.KEPT:
            _kept(target, key)
    for table, references in ADDED.items():
        for column, target, key in references:
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT fk_{table}_{column}")
            op.execute(ONE.format(table=table, column=column, target=target, key=key))
            op.execute(
                f"CREATE TRIGGER {table}_{column}_known AFTER UPDATE OF {column} ON {table}"
                f" FOR EACH ROW WHEN (NEW.{column} IS DISTINCT FROM OLD.{column}"
                f" AND NEW.{column} IS NOT NULL)"
                f" EXECUTE FUNCTION mingdan_{table}_{column}_known()"
            )
    for table in r0010_sets.REFERENCES.keys() | ADDED.keys():
        references = (*r0010_sets.REFERENCES.get(table, ()), *ADDED.get(table, ()))
        op.execute(known(table, references))
        if table not in r0010_sets.REFERENCES:
            op.execute(
                f"CREATE TRIGGER {table}_known AFTER INSERT ON {table} REFERENCING NEW TABLE"
                f" AS fresh FOR EACH STATEMENT EXECUTE FUNCTION mingdan_{table}_known()"
            )


def _money() -> None:
    for name, (table, refused, words) in MONEY.items():
        op.execute(f"DROP TRIGGER {table}_{name} ON {table}")
        op.execute(BOOKED.format(name=name, table=table, refused=refused, words=words))
        op.execute(
            f"CREATE TRIGGER {table}_{name} AFTER INSERT ON {table} REFERENCING NEW TABLE"
            f" AS fresh FOR EACH STATEMENT EXECUTE FUNCTION mingdan_money_{name}_all()"
        )


def _money_by_row() -> None:
    for name, (table, _, _) in MONEY.items():
        op.execute(f"DROP TRIGGER {table}_{name} ON {table}")
        op.execute(f"DROP FUNCTION mingdan_money_{name}_all()")
        op.execute(
            f"CREATE TRIGGER {table}_{name} BEFORE INSERT ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION mingdan_money_{name}()"
        )


def known(table: str, references: References) -> str:
    """The guard of a table, which looks each key up where they lie too far apart."""
    ends, proof = dense(references)
    unknown = [UNKNOWN.format(column=c, target=target, key=key) for c, target, key in references]
    return KNOWN.format(table=table, ends=ends, dense=proof, unknown=" OR ".join(unknown))


def dense(references: References) -> tuple[str, str]:
    """What to find out of the new rows, and whether that proves all references."""
    numbers = [each for each in references if each is not OFFERING]
    ends = [f"min({c}) AS {c}_low, max({c}) AS {c}_high" for c, _, _ in numbers]
    proofs = [DENSE.format(column=c, target=target, key=key) for c, target, key in numbers]
    if OFFERING in references:
        # A few words: the lowest and the highest are mostly the same one.
        ends.append("min(offering_code) AS low, max(offering_code) AS high")
        proofs.append(
            "n.low = n.high AND EXISTS (SELECT 1 FROM product_offering AS o WHERE o.code = n.low)"
        )
    return ", ".join(ends), " AND ".join(proofs)


def _kept(target: str, key: str) -> None:
    op.execute(
        f"CREATE TRIGGER {target}_stays BEFORE DELETE ON {target}"
        " FOR EACH ROW EXECUTE FUNCTION mingdan_refuse()"
    )
    op.execute(
        f"CREATE TRIGGER {target}_keyed BEFORE UPDATE OF {key} ON {target} FOR EACH ROW"
        f" WHEN (OLD.{key} <> NEW.{key}) EXECUTE FUNCTION mingdan_refuse()"
    )


def _foreign_keys() -> None:
    for table, references in r0010_sets.REFERENCES.items():
        unknown = " OR ".join(
            UNKNOWN.format(column=column, target=target, key=key)
            for column, target, key in references
        )
        replaced = r0010_sets.KNOWN.format(table=table, unknown=unknown)
        op.execute(replaced.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    for table, references in ADDED.items():
        if table not in r0010_sets.REFERENCES:
            op.execute(f"DROP TRIGGER {table}_known ON {table}")
            op.execute(f"DROP FUNCTION mingdan_{table}_known()")
        for column, target, key in references:
            op.execute(f"DROP TRIGGER {table}_{column}_known ON {table}")
            op.execute(f"DROP FUNCTION mingdan_{table}_{column}_known()")
            op.create_foreign_key(f"fk_{table}_{column}", table, target, [column], [key])
    for target in {target for refs in ADDED.values() for _, target, _ in refs}:
        if target not in r0010_sets.KEPT:
            op.execute(f"DROP TRIGGER {target}_stays ON {target}")
            op.execute(f"DROP TRIGGER {target}_keyed ON {target}")
