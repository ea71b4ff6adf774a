"""Stock: the tables of `mingdan/orders/stock`, and what numbers and SIMs gain by it.

Here: their creation and removal. Not here: other rooms' tables.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from mingdan.orders.column_types import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LIVE = sa.text("state = 'inProgress'")
HELD = sa.text("valid_to IS NULL")
FREE = sa.text("state <> 'in_service'")
ISSUABLE = sa.text("state IN ('in_stock', 'reserved')")
TABLES = (
    "stock_import_line",
    "stock_import",
    "handset_holding",
    "resource_reservation",
    "handset",
    "prepaid_card",
    "number_segment",
    "number_group",
)
ADDED = {
    "msisdn": ("kind", "group_code", "licence_no", "licensed_until"),
    "sim_card": ("capacity_k", "stk"),
}


def upgrade() -> None:
    _numbers()
    _handsets()
    _reservations()
    _cards_and_imports()
    _added()
    op.create_index(None, "entity_event", ["entity", "entity_key"])


def downgrade() -> None:
    op.drop_index("ix_entity_event_entity_entity_key", "entity_event")
    op.drop_index("ix_msisdn_free_group", "msisdn")
    op.drop_index("ix_msisdn_free_kind", "msisdn")
    op.drop_index("ix_sim_card_issuable", "sim_card")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("fk_msisdn_group_code", "msisdn", type_="foreignkey")
    for table, columns in ADDED.items():
        for column in columns:
            # Alembic would look for the constraint by name; SQLite drops it with the column.
            op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    for table in TABLES:
        op.drop_table(table)


def _added() -> None:
    foreign = " REFERENCES number_group (code)"
    if op.get_bind().dialect.name == "postgresql":
        foreign = " CONSTRAINT fk_msisdn_group_code" + foreign
    instant = "TIMESTAMP WITH TIME ZONE" if "CONSTRAINT" in foreign else "BIGINT"
    whole = "BIGINT" if "CONSTRAINT" in foreign else "INTEGER"
    for statement in (
        "ALTER TABLE msisdn ADD COLUMN kind VARCHAR",
        f"ALTER TABLE msisdn ADD COLUMN group_code VARCHAR{foreign}",
        "ALTER TABLE msisdn ADD COLUMN licence_no VARCHAR",
        f"ALTER TABLE msisdn ADD COLUMN licensed_until {instant}",
        f"ALTER TABLE sim_card ADD COLUMN capacity_k {whole} CHECK (capacity_k > 0)",
        "ALTER TABLE sim_card ADD COLUMN stk BOOLEAN",
    ):
        op.execute(statement)
    for name, table, columns, where in (
        ("ix_msisdn_free_kind", "msisdn", ["kind", "number"], FREE),
        ("ix_msisdn_free_group", "msisdn", ["group_code", "number"], FREE),
        ("ix_sim_card_issuable", "sim_card", ["capacity_k", "iccid"], ISSUABLE),
    ):
        op.create_index(name, table, columns, postgresql_where=where, sqlite_where=where)


def _numbers() -> None:
    op.create_table(
        "number_group",
        _text("code", primary_key=True),
        _text("name"),
        _text("name_zh"),
        _text("category"),
        _text("pattern", nullable=True),
        _big("rank"),
        sa.Column("valid_from", sa.Date(), nullable=False),
    )
    op.create_table(
        "number_segment",
        _key("segment_id"),
        _text("prefix", unique=True),
        _text("kind"),
        _text("operator"),
        _text("area_code", nullable=True),
        _text("state"),
        _instant("changed_at"),
    )


def _handsets() -> None:
    op.create_table(
        "handset",
        _text("imei", primary_key=True),
        _text("model", index=True),
        _text("state"),
        _text("usage", nullable=True),
        _instant("until", nullable=True),
        _instant("changed_at"),
    )
    op.create_table(
        "handset_holding",
        _key("holding_id"),
        _link("imei", "handset.imei", sa.String(), index=True),
        _link("subscription_id", "subscription.subscription_id", BIG, index=True),
        _link("order_id", "product_order.order_id", BIG),
        _instant("valid_from"),
        _instant("valid_to", nullable=True),
        sa.CheckConstraint("valid_to > valid_from"),
        sa.Index(
            "uq_handset_holding_now",
            "imei",
            unique=True,
            postgresql_where=HELD,
            sqlite_where=HELD,
        ),
    )


def _reservations() -> None:
    op.create_table(
        "resource_reservation",
        _key("reservation_id"),
        _link("number", "msisdn.number", sa.String(), nullable=True),
        _link("iccid", "sim_card.iccid", sa.String(), nullable=True),
        _link("imei", "handset.imei", sa.String(), nullable=True),
        _big("order_id", nullable=True, index=True),
        _text("reserved_for"),
        _text("state"),
        _text("reason", nullable=True),
        _instant("reserved_at"),
        _instant("until"),
        _instant("ended_at", nullable=True),
        sa.CheckConstraint("number IS NOT NULL OR iccid IS NOT NULL OR imei IS NOT NULL"),
        sa.CheckConstraint("until > reserved_at"),
        *(
            sa.Index(
                f"uq_resource_reservation_{name}",
                name,
                unique=True,
                postgresql_where=LIVE,
                sqlite_where=LIVE,
            )
            for name in ("number", "iccid", "imei")
        ),
    )


def _cards_and_imports() -> None:
    op.create_table(
        "prepaid_card",
        _text("card_no", primary_key=True),
        _link("iccid", "sim_card.iccid", sa.String(), nullable=True, unique=True),
        _big("face_value_fen"),
        _big("validity_days"),
        _instant("sell_by"),
        _text("state"),
        _instant("activated_at", nullable=True),
        _instant("expires_at", nullable=True),
        _instant("changed_at"),
        sa.CheckConstraint("face_value_fen > 0"),
        sa.CheckConstraint("validity_days > 0"),
    )
    op.create_table(
        "stock_import",
        _key("import_id"),
        _text("kind"),
        _text("digest"),
        _text("file_name"),
        _big("lines"),
        _big("taken"),
        _big("refused"),
        _instant("recorded_at"),
        sa.UniqueConstraint("kind", "digest"),
    )
    op.create_table(
        "stock_import_line",
        sa.Column("import_id", BIG, sa.ForeignKey("stock_import.import_id"), primary_key=True),
        sa.Column("line", BIG, primary_key=True),
        _text("code"),
        _text("reason"),
        _text("reason_zh"),
        _text("content"),
    )


def _key(name: str) -> sa.Column[Any]:
    return sa.Column(name, BIG, sa.Identity(), primary_key=True)


def _link(
    name: str, target: str, kind: Any, *, nullable: bool = False, **options: Any
) -> sa.Column[Any]:
    return sa.Column(name, kind, sa.ForeignKey(target), nullable=nullable, **options)


def _big(name: str, *, nullable: bool = False, index: bool = False) -> sa.Column[Any]:
    return sa.Column(name, BIG, nullable=nullable, index=index)


def _text(name: str, *, nullable: bool = False, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=nullable, **options)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, Instant(), nullable=nullable)
