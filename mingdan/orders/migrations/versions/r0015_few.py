"""Few rows: what a single order costs the guards of `r0010_sets` and `r0011_loads`.

Here: the same checks, on PostgreSQL, for a third of the time where a statement writes few
rows; and a ledger transaction written by one statement with its entries. Not here: SQLite,
which looks at each row by itself.

To begin a query costs more than to look up a few keys: what proves a whole load at once is
asked only of many rows.
"""

from __future__ import annotations

from alembic import op

from mingdan.orders.migrations.versions import r0010_sets, r0011_loads
from mingdan.orders.migrations.versions.r0010_sets import UNKNOWN

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

FEW = 20
"""Rows up to which each reference is looked up at once."""
KNOWN = """
CREATE OR REPLACE FUNCTION mingdan_{table}_known() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM fresh OFFSET {few}) THEN
        IF (SELECT {dense} FROM (SELECT count(*) AS rows, {ends} FROM fresh) AS n) THEN
            RETURN NULL;
        END IF;
    END IF;
    IF EXISTS (SELECT 1 FROM fresh AS n WHERE {unknown}) THEN
        RAISE EXCEPTION '{table}: a row refers to what is not there'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$
"""
ADDED_TO = (
    "(SELECT 1 FROM money_transaction AS t WHERE t.transaction_ref = n.transaction_ref"
    " AND (SELECT 1 FROM account_entry AS e WHERE e.transaction_ref = n.transaction_ref"
    " AND e.leg_no = n.leg_no AND e.xmin = t.xmin AND e.cmin = t.cmin) IS NULL) IS NOT NULL"
)
"""A transaction is there that another statement wrote than this entry's."""


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    _, _, words = r0011_loads.MONEY["closed"]
    _money(ADDED_TO, words)
    for table, references in _references():
        ends, dense = r0011_loads.dense(references)
        unknown = (UNKNOWN.format(column=c, target=t, key=key) for c, t, key in references)
        op.execute(
            KNOWN.format(table=table, few=FEW, ends=ends, dense=dense, unknown=" OR ".join(unknown))
        )


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    _, refused, words = r0011_loads.MONEY["closed"]
    _money(refused, words)
    for table, references in _references():
        op.execute(r0011_loads.known(table, references))


def _references() -> list[tuple[str, tuple[tuple[str, str, str], ...]]]:
    before, after = r0010_sets.REFERENCES, r0011_loads.ADDED
    return [
        (table, (*before.get(table, ()), *after.get(table, ())))
        for table in before.keys() | after.keys()
    ]


def _money(refused: str, words: str) -> None:
    booked = r0011_loads.BOOKED.format(
        name="closed", table="account_entry", refused=refused, words=words
    )
    op.execute(booked.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
