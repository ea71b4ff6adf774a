"""Offers: the tables of `mingdan/orders/offers`.

Here: their creation, guards and removal. Not here: other rooms' tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from mingdan.orders.column_types import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
LASTING = sa.text("valid_to IS NULL AND superseded_at IS NULL")
TABLES = (
    "party_interaction",
    "billing_account_data",
    "party_credential",
    "party_change",
    "subscription_offering",
    "subscription_feature",
    "charge_price",
)
SPANS = {
    "subscription_feature": ("subscription_id", "feature_code"),
    "subscription_offering": ("subscription_id",),
}
"""Bitemporal table -> the key for which its rows never overlap."""
PAYLOAD = {
    "subscription_feature": ("feature_id", "subscription_id", "feature_code", "order_id"),
    "subscription_offering": ("change_id", "subscription_id", "offering_code", "order_id"),
}


def upgrade() -> None:
    op.create_table(
        "charge_price",
        sa.Column("product_code", sa.String(), primary_key=True),
        sa.Column("order_type", sa.String(), primary_key=True),
        sa.Column("code", sa.String(), primary_key=True),
        sa.Column("valid_from", sa.Date(), primary_key=True),
        sa.Column("amount_fen", BIG, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.CheckConstraint("amount_fen >= 0", name="ck_charge_price_amount"),
    )
    op.create_table(
        "subscription_feature",
        sa.Column("feature_id", BIG, sa.Identity(), primary_key=True),
        _link("subscription_id", "subscription.subscription_id", index=True),
        sa.Column("feature_code", sa.String(), nullable=False),
        _link("order_id", "product_order.order_id"),
        *_times(),
    )
    op.create_table(
        "subscription_offering",
        sa.Column("change_id", BIG, sa.Identity(), primary_key=True),
        _link("subscription_id", "subscription.subscription_id", index=True),
        sa.Column(
            "offering_code", sa.String(), sa.ForeignKey("product_offering.code"), nullable=False
        ),
        _link("order_id", "product_order.order_id"),
        *_times(),
    )
    for table, key in SPANS.items():
        _unique_while(f"uq_{table}_now", table, key, LASTING)
    _customers()
    for statement in _guards():
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)


def _customers() -> None:
    op.create_table(
        "party_change",
        sa.Column("change_id", BIG, sa.Identity(), primary_key=True),
        sa.Column("request_ref", sa.String(), nullable=False, unique=True),
        _link("party_id", "party.party_id", index=True),
        sa.Column("business", sa.String(), nullable=False),
        _link("account_id", "billing_account.account_id", nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("staged_at", Instant(), nullable=False),
        sa.Column("staged_by", sa.String(), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.CheckConstraint("until > staged_at", name="ck_party_change_until"),
    )
    _unique_while(
        "uq_party_change_staged",
        "party_change",
        ("party_id", "business"),
        sa.text("state = 'acknowledged'"),
    )
    op.create_table(
        "party_credential",
        sa.Column("credential_id", BIG, sa.Identity(), primary_key=True),
        _link("party_id", "party.party_id", index=True),
        _link("change_id", "party_change.change_id"),
        sa.Column("verifier", sa.String(), nullable=False),
        sa.Column("valid_from", Instant(), nullable=False),
        sa.Column("valid_to", Instant(), nullable=True),
        sa.Column("failed", BIG, nullable=False),
        sa.Column("locked_until", Instant(), nullable=True),
        sa.CheckConstraint("failed >= 0", name="ck_party_credential_failed"),
    )
    _unique_while(
        "uq_party_credential_now", "party_credential", ("party_id",), sa.text("valid_to IS NULL")
    )
    op.create_table(
        "billing_account_data",
        sa.Column(
            "account_id",
            BIG,
            sa.ForeignKey("billing_account.account_id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("bill_medium", sa.String(), nullable=True),
        sa.Column("bill_address", sa.String(), nullable=True),
        sa.Column("changed_at", Instant(), nullable=False),
    )
    op.create_table(
        "party_interaction",
        sa.Column("interaction_id", BIG, sa.Identity(), primary_key=True),
        sa.Column("interaction_ref", sa.String(), nullable=False, unique=True),
        _link("party_id", "party.party_id", index=True, nullable=True),
        _link("subscription_id", "subscription.subscription_id", index=True, nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("article_ref", sa.String(), nullable=True),
        sa.Column("shown", JSON, nullable=False),
        sa.Column("actor_role", sa.String(), nullable=False),
        sa.Column("interface_no", sa.String(), nullable=False),
        sa.Column("actor_name", sa.String(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False, index=True),
        sa.Column("completed_at", Instant(), nullable=True),
        sa.CheckConstraint(
            "status IN ('open', 'inProgress', 'completed')", name="ck_party_interaction_status"
        ),
    )


def _link(name: str, target: str, *, index: bool = False, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, BIG, sa.ForeignKey(target), nullable=nullable, index=index)


def _times() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("valid_from", Instant(), nullable=False),
        sa.Column("valid_to", Instant(), nullable=True),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("superseded_at", Instant(), nullable=True),
    )


def _unique_while(name: str, table: str, key: tuple[str, ...], where: sa.TextClause) -> None:
    op.create_index(name, table, list(key), unique=True, postgresql_where=where, sqlite_where=where)


def _guards() -> list[str]:
    """No two rows of a bitemporal table overlap in both times; a row is superseded once."""
    make = _postgresql if op.get_bind().dialect.name == "postgresql" else _sqlite
    return [statement for table, key in SPANS.items() for statement in make(table, key)]


def _postgresql(table: str, key: tuple[str, ...]) -> list[str]:
    # A range holds integers without the btree_gist extension; a word becomes its hash.
    bounds = [f"hashtext({c})::bigint" if c == "feature_code" else c for c in key]
    parts = [f"int8range({bound}, {bound}, '[]') WITH &&" for bound in bounds]
    changed = " OR ".join(f"OLD.{c} IS DISTINCT FROM NEW.{c}" for c in _fixed(table))
    return [
        f"ALTER TABLE {table} ADD CONSTRAINT ex_{table} EXCLUDE USING gist ("
        + ", ".join(parts)
        + ", tstzrange(valid_from, valid_to) WITH &&"
        + ", tstzrange(recorded_at, superseded_at) WITH &&)",
        (
            f"CREATE TRIGGER {table}_kept BEFORE UPDATE ON {table} FOR EACH ROW "
            f"WHEN (OLD.superseded_at IS NOT NULL OR NEW.superseded_at IS NULL OR {changed}) "
            "EXECUTE FUNCTION mingdan_refuse()"
        ),
        (
            f"CREATE TRIGGER {table}_grows BEFORE DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION mingdan_refuse()"
        ),
    ]


def _sqlite(table: str, key: tuple[str, ...]) -> list[str]:
    same = " AND ".join(f"o.{column} = NEW.{column}" for column in key)
    changed = " OR ".join(f"OLD.{c} IS NOT NEW.{c}" for c in _fixed(table))
    late = "9223372036854775807"
    return [
        (
            f"CREATE TRIGGER {table}_overlap BEFORE INSERT ON {table} "  # noqa: S608
            f"WHEN EXISTS (SELECT 1 FROM {table} AS o WHERE {same}"
            f" AND o.valid_from < coalesce(NEW.valid_to, {late})"
            f" AND NEW.valid_from < coalesce(o.valid_to, {late})"
            f" AND o.recorded_at < coalesce(NEW.superseded_at, {late})"
            f" AND NEW.recorded_at < coalesce(o.superseded_at, {late})) "
            f"BEGIN SELECT RAISE(ABORT, '{table}: rows overlap'); END"
        ),
        (
            f"CREATE TRIGGER {table}_kept BEFORE UPDATE ON {table} "
            f"WHEN OLD.superseded_at IS NOT NULL OR NEW.superseded_at IS NULL OR {changed} "
            f"BEGIN SELECT RAISE(ABORT, '{table}: rows are never changed'); END"
        ),
        (
            f"CREATE TRIGGER {table}_grows BEFORE DELETE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table}: rows are never changed'); END"
        ),
    ]


def _fixed(table: str) -> tuple[str, ...]:
    return (*PAYLOAD[table], "valid_from", "valid_to", "recorded_at")
