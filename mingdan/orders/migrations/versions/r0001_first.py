"""The order store's first shape, and the guards the databases keep themselves.

Guards: two rows of a bitemporal table never overlap in both times (exclusion
constraints in PostgreSQL, a trigger in SQLite, which has none); such a row is
never changed but for `superseded_at`, once; the event log only grows.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from mingdan.orders.column_types import Instant, TransactionId

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
SPANS = {
    "number_holding": ("key", "key_kind"),
    "subscription_holding": ("subscription_id",),
    "subscription_block": ("subscription_id", "reason", "direction"),
}
"""Bitemporal table -> the key for which its rows never overlap."""
PAYLOAD = {
    "number_holding": ("key_kind", "key", "subscription_id", "order_id"),
    "subscription_holding": ("subscription_id", "party_id", "order_id"),
    "subscription_block": ("subscription_id", "reason", "direction", "order_id"),
}
NOW = sa.text("valid_to IS NULL AND superseded_at IS NULL")
WORDS = {"key_kind", "reason", "direction"}


def upgrade() -> None:
    _parties_and_offerings()
    _subscriptions()
    _orders()
    _spans()
    _money_and_standing()
    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in _postgresql_guards() if postgresql else _sqlite_guards():
        op.execute(statement)


def _key(name: str) -> sa.Column[Any]:
    return sa.Column(name, BIG, sa.Identity(), primary_key=True)


def _link(name: str, target: str, *, nullable: bool = False, index: bool = False) -> sa.Column[Any]:
    return sa.Column(name, BIG, sa.ForeignKey(target), nullable=nullable, index=index)


def _big(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, BIG, nullable=nullable)


def _text(name: str, *, nullable: bool = False, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=nullable, **options)


def _instant(name: str, *, nullable: bool = False, index: bool = False) -> sa.Column[Any]:
    return sa.Column(name, Instant(), nullable=nullable, index=index)


def _create(name: str, *parts: Any, **options: Any) -> None:
    # Constraint names follow the naming convention of the target metadata.
    op.create_table(name, *parts, **options)


def _parties_and_offerings() -> None:
    _create(
        "party",
        _key("party_id"),
        _text("party_ref", unique=True),
        _text("party_type"),
        _text("name"),
        _text("document_type"),
        _text("document_number"),
        _text("contact", nullable=True),
        _instant("recorded_at"),
        sa.Index(None, "document_type", "document_number"),
    )
    _create(
        "product_offering",
        _text("code", primary_key=True),
        _text("name"),
        _text("name_zh"),
        _text("payment_kind"),
        _text("sender_kind"),
        sa.Column("valid_from", sa.Date(), nullable=False),
    )
    _create(
        "product_offering_price",
        sa.Column("code", sa.String(), sa.ForeignKey("product_offering.code"), primary_key=True),
        sa.Column("valid_from", sa.Date(), primary_key=True),
        _big("monthly_fee_fen"),
    )


def _subscriptions() -> None:
    _create("billing_account", _key("account_id"), _instant("opened_at"))
    _create(
        "subscription",
        _key("subscription_id"),
        _text("subscription_ref", unique=True),
        _link("account_id", "billing_account.account_id", index=True),
        _instant("activated_at"),
        _instant("recorded_at"),
        _instant("terminated_at", nullable=True),
        _instant("termination_recorded_at", nullable=True),
        _instant("changed_at"),
    )
    _create(
        "product",
        _key("product_id"),
        _link("subscription_id", "subscription.subscription_id", index=True),
        sa.Column(
            "offering_code", sa.String(), sa.ForeignKey("product_offering.code"), nullable=False
        ),
        _text("status"),
        _instant("start_date"),
        _instant("termination_date", nullable=True),
    )
    _create(
        "msisdn",
        _text("number", primary_key=True),
        _text("state"),
        _instant("until", nullable=True),
        _link("subscription_id", "subscription.subscription_id", nullable=True),
        _instant("changed_at"),
    )
    _create(
        "sim_card",
        _text("iccid", primary_key=True),
        _text("imsi", unique=True),
        _text("state"),
        _instant("until", nullable=True),
        _link("subscription_id", "subscription.subscription_id", nullable=True, index=True),
        _instant("changed_at"),
    )


def _orders() -> None:
    _create(
        "product_order",
        _key("order_id"),
        _text("order_ref", unique=True),
        _text("order_type"),
        _text("state"),
        _text("channel"),
        _link("subscription_id", "subscription.subscription_id", nullable=True, index=True),
        _link("party_id", "party.party_id", nullable=True),
        _instant("order_date"),
        _instant("completion_date", nullable=True),
        _instant("recorded_at"),
        _text("request_digest"),
    )
    _create(
        "product_order_item",
        _key("item_id"),
        _link("order_id", "product_order.order_id"),
        _big("item_no"),
        _text("action"),
        _text("state"),
        _link("product_id", "product.product_id", nullable=True),
        sa.Column("characteristic", JSON, nullable=False),
        sa.UniqueConstraint("order_id", "item_no"),
    )
    postgresql = op.get_bind().dialect.name == "postgresql"
    _create(
        "order_event",
        _key("seq"),
        sa.Column(
            "transaction_id",
            TransactionId(),
            server_default=sa.text("pg_current_xact_id()") if postgresql else None,
            index=True,
        ),
        _text("event_type"),
        _text("order_type"),
        _link("order_id", "product_order.order_id", index=True),
        _text("state"),
        _big("subscription_id", nullable=True),
        _big("party_id", nullable=True),
        _instant("effective_at"),
        _instant("recorded_at", index=True),
        sqlite_autoincrement=True,
    )


def _times() -> list[Any]:
    return [
        _instant("valid_from"),
        _instant("valid_to", nullable=True),
        _instant("recorded_at"),
        _instant("superseded_at", nullable=True),
        sa.CheckConstraint("valid_to > valid_from"),
        sa.CheckConstraint("superseded_at >= recorded_at"),
    ]


def _spans() -> None:
    order = ("order_id", "product_order.order_id")
    subscription = ("subscription_id", "subscription.subscription_id")
    _create(
        "number_holding",
        _key("holding_id"),
        _text("key_kind"),
        _big("key"),
        _link(*subscription, index=True),
        _link(*order),
        *_times(),
        sa.Index(None, "key_kind", "key"),
        sa.Index(
            "uq_number_holding_now",
            "subscription_id",
            "key_kind",
            unique=True,
            postgresql_where=NOW,
            sqlite_where=NOW,
        ),
    )
    _create(
        "subscription_holding",
        _key("holding_id"),
        _link(*subscription, index=True),
        _link("party_id", "party.party_id", index=True),
        _link(*order),
        *_times(),
    )
    _create(
        "subscription_block",
        _key("block_id"),
        _link(*subscription, index=True),
        _text("reason"),
        _text("direction"),
        _link(*order),
        *_times(),
    )


def _money_and_standing() -> None:
    for name, key, happened, more in (
        ("customer_bill", "bill_id", "billed_at", [_instant("due_at")]),
        ("payment", "payment_id", "paid_at", []),
    ):
        _create(
            name,
            _key(key),
            _link("account_id", "billing_account.account_id", index=True),
            _link("order_id", "product_order.order_id"),
            _big("amount_fen"),
            _instant(happened),
            *more,
            _instant("recorded_at"),
            sa.CheckConstraint("amount_fen > 0"),
        )
    _create(
        "party_protection",
        _key("protection_id"),
        _link("party_id", "party.party_id"),
        _link("order_id", "product_order.order_id"),
        _text("scope"),
        _instant("valid_from"),
        _instant("valid_to"),
        _text("maker"),
        _text("checker", nullable=True),
        _instant("recorded_at"),
        sa.UniqueConstraint("party_id", "scope", "valid_from"),
        sa.CheckConstraint("valid_to > valid_from"),
    )
    _create(
        "restriction",
        _key("restriction_id"),
        _text("subject_type"),
        _big("subject_id"),
        _text("effect"),
        _text("class_code"),
        _text("reason_code"),
        sa.Column("first_night", sa.Date(), nullable=False, index=True),
        sa.Column("ended_night", sa.Date(), nullable=True, index=True),
        sa.Index(None, "subject_type", "subject_id"),
    )
    _create("restriction_night", sa.Column("night", sa.Date(), primary_key=True))


def _postgresql_guards() -> list[str]:
    statements = [
        (
            "CREATE FUNCTION mingdan_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '%: rows are never changed', TG_TABLE_NAME; END $$"
        ),
        (
            "CREATE TRIGGER order_event_grows BEFORE UPDATE OR DELETE ON order_event "
            "FOR EACH ROW EXECUTE FUNCTION mingdan_refuse()"
        ),
    ]
    statements += exclusions()
    for table in SPANS:
        changed = " OR ".join(f"OLD.{c} IS DISTINCT FROM NEW.{c}" for c in _fixed(table))
        statements.append(
            f"CREATE TRIGGER {table}_kept BEFORE UPDATE ON {table} FOR EACH ROW "
            f"WHEN (OLD.superseded_at IS NOT NULL OR NEW.superseded_at IS NULL OR {changed}) "
            "EXECUTE FUNCTION mingdan_refuse()"
        )
        statements.append(
            f"CREATE TRIGGER {table}_grows BEFORE DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION mingdan_refuse()"
        )
    return statements


def exclusions() -> list[str]:
    """Exclusion constraints: rows of one key never overlap in both times."""
    statements = []
    for table, key in SPANS.items():
        # A range holds integers without the btree_gist extension, which a server may
        # lack; a word becomes the range of its hash.
        parts = [
            f"int8range(hashtext({column})::bigint, hashtext({column})::bigint, '[]') WITH &&"
            if column in WORDS
            else f"int8range({column}, {column}, '[]') WITH &&"
            for column in key
        ]
        statements.append(
            f"ALTER TABLE {table} ADD CONSTRAINT ex_{table} EXCLUDE USING gist ("
            + ", ".join(parts)
            + ", tstzrange(valid_from, valid_to) WITH &&"
            + ", tstzrange(recorded_at, superseded_at) WITH &&)"
        )
    return statements


def _sqlite_guards() -> list[str]:
    statements = [
        _sqlite_trigger("order_event", "grows", "DELETE", ""),
        _sqlite_trigger("order_event", "kept", "UPDATE", ""),
    ]
    for table, key in SPANS.items():
        same = " AND ".join(f"o.{column} = NEW.{column}" for column in key)
        statements.append(
            _sqlite_trigger(
                table,
                "overlap",
                "INSERT",
                f"WHEN EXISTS (SELECT 1 FROM {table} AS o WHERE {same}"  # noqa: S608
                " AND o.valid_from < coalesce(NEW.valid_to, 9223372036854775807)"
                " AND NEW.valid_from < coalesce(o.valid_to, 9223372036854775807)"
                " AND o.recorded_at < coalesce(NEW.superseded_at, 9223372036854775807)"
                " AND NEW.recorded_at < coalesce(o.superseded_at, 9223372036854775807))",
            )
        )
        changed = " OR ".join(f"OLD.{c} IS NOT NEW.{c}" for c in _fixed(table))
        statements.append(
            _sqlite_trigger(
                table,
                "kept",
                "UPDATE",
                f"WHEN OLD.superseded_at IS NOT NULL OR NEW.superseded_at IS NULL OR {changed}",
            )
        )
        statements.append(_sqlite_trigger(table, "grows", "DELETE", ""))
    return statements


def _fixed(table: str) -> tuple[str, ...]:
    return (*PAYLOAD[table], "valid_from", "valid_to", "recorded_at")


def _sqlite_trigger(table: str, name: str, event: str, when: str) -> str:
    complaint = "rows overlap" if name == "overlap" else "rows are never changed"
    return (
        f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when} "
        f"BEGIN SELECT RAISE(ABORT, '{table}: {complaint}'); END"
    )
