"""Called off: a change of account yet to come may be taken back by one row more.

Here: `account_membership` takes rows without an account, and several of one
`valid_from`, of which the one recorded last counts. Not here: other rooms' tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLE = "account_membership"
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ONE = "uq_account_membership_subscription_id_valid_from"
LAST = f"{ONE}_recorded_at"
GUARDS = {
    "sqlite": {
        f"{TABLE}_never_{event.lower()}": f"BEFORE {event} ON {TABLE} "
        f"BEGIN SELECT RAISE(ABORT, '{TABLE}: rows are never changed'); END"
        for event in ("UPDATE", "DELETE")
    },
    "postgresql": {
        f"{TABLE}_grows": f"BEFORE UPDATE OR DELETE ON {TABLE} "
        "FOR EACH ROW EXECUTE FUNCTION mingdan_refuse()"
    },
}
NO_LONGER = f"""
DELETE FROM {TABLE} WHERE account_id IS NULL OR EXISTS (
    SELECT 1 FROM {TABLE} AS later
    WHERE later.subscription_id = {TABLE}.subscription_id
    AND later.valid_from = {TABLE}.valid_from AND later.recorded_at > {TABLE}.recorded_at)
"""  # noqa: S608 - a table's name, no value


def upgrade() -> None:
    _reshape(nullable=True, before=ONE, after=LAST)


def downgrade() -> None:
    _reshape(nullable=False, before=LAST, after=ONE)


def _reshape(*, nullable: bool, before: str, after: str) -> None:
    """The guards step aside meanwhile; where a row must have an account, what counts stays."""
    guards = GUARDS[op.get_bind().dialect.name]
    for name in guards:
        on = f" ON {TABLE}" if op.get_bind().dialect.name == "postgresql" else ""
        op.execute(f"DROP TRIGGER {name}{on}")
    if not nullable:
        op.execute(NO_LONGER)
    columns = ["subscription_id", "valid_from"]
    with op.batch_alter_table(TABLE) as table:
        table.drop_constraint(before, type_="unique")
        table.alter_column("account_id", existing_type=BIG, nullable=nullable)
        table.create_unique_constraint(after, columns + ["recorded_at"] * nullable)
    for name, what in guards.items():
        op.execute(f"CREATE TRIGGER {name} {what}")
