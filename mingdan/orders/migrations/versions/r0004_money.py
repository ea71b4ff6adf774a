"""Money: the tables of `mingdan/orders/money`.

Here: their creation and removal, their guards, and the entries of the bills and
payments that were on record before there was a ledger. Not here: other rooms'
tables.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from mingdan.orders.column_types import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
GROWING = ("money_transaction", "account_entry", "refund", "account_membership")
"""Tables whose rows are never changed."""
KEPT = ("receipt", "voucher", "voucher_batch", "bucket", "voucher_attempt")
"""Tables whose rows are never deleted."""


def upgrade() -> None:
    _ledger()
    _desk()
    _vouchers()
    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in _postgresql_guards() if postgresql else _sqlite_guards():
        op.execute(statement)
    for statement in _opening_entries():
        op.execute(statement)


def downgrade() -> None:
    for table in (
        "voucher_attempt",
        "voucher",
        "voucher_batch",
        "bucket",
        "account_membership",
        "refund",
        "receipt",
        "account_entry",
        "money_transaction",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for function in ("closes", "closed", "refund", "receipt", "voucher"):
            op.execute(f"DROP FUNCTION mingdan_money_{function}()")


def _key(name: str) -> sa.Column[Any]:
    return sa.Column(name, BIG, sa.Identity(), primary_key=True)


def _link(name: str, target: str, *, nullable: bool = False, index: bool = False) -> sa.Column[Any]:
    return sa.Column(name, BIG, sa.ForeignKey(target), nullable=nullable, index=index)


def _text(name: str, *, nullable: bool = False, unique: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=nullable, unique=unique)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, Instant(), nullable=nullable)


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, BIG, nullable=False)


def _ledger() -> None:
    op.create_table(
        "money_transaction",
        sa.Column("transaction_ref", sa.String(), primary_key=True),
        _text("kind"),
        sa.Column("order_id", BIG, nullable=True, index=True),
        _instant("effective_at"),
        _instant("recorded_at"),
    )
    op.create_table(
        "account_entry",
        sa.Column(
            "transaction_ref",
            sa.String(),
            sa.ForeignKey(
                "money_transaction.transaction_ref", deferrable=True, initially="DEFERRED"
            ),
            primary_key=True,
        ),
        sa.Column("leg_no", BIG, primary_key=True, autoincrement=False),
        _text("ledger"),
        _number("key"),
        _number("amount_fen"),
        sa.CheckConstraint("amount_fen <> 0"),
        sa.Index("ix_account_entry_ledger_key", "ledger", "key"),
    )


def _desk() -> None:
    op.create_table(
        "receipt",
        sa.Column("receipt_no", sa.String(), primary_key=True),
        _text("correlator", unique=True),
        _text("purpose"),
        _text("state"),
        _number("amount_fen"),
        _text("method"),
        sa.Column("order_id", BIG, nullable=True, index=True),
        _link("account_id", "billing_account.account_id", nullable=True, index=True),
        _link("payer_party_id", "party.party_id", nullable=True),
        _text("returns", nullable=True),
        _instant("issued_at"),
        sa.CheckConstraint("amount_fen <> 0"),
        sa.CheckConstraint(
            "purpose IN ('account', 'order', 'voucher', 'refund', 'order_refund', 'voucher_refund')"
        ),
        sa.CheckConstraint("state IN ('held', 'done', 'returned')"),
    )
    op.create_table(
        "refund",
        _key("refund_id"),
        _link("account_id", "billing_account.account_id", index=True),
        _link("order_id", "product_order.order_id"),
        _link("payment_order_id", "product_order.order_id", index=True),
        _number("amount_fen"),
        _instant("refunded_at"),
        _instant("recorded_at"),
        sa.UniqueConstraint("order_id", "account_id"),
        sa.CheckConstraint("amount_fen > 0"),
    )
    op.create_table(
        "account_membership",
        _key("membership_id"),
        _link("subscription_id", "subscription.subscription_id"),
        _link("account_id", "billing_account.account_id", index=True),
        _link("order_id", "product_order.order_id"),
        _instant("valid_from"),
        _instant("recorded_at"),
        sa.UniqueConstraint("subscription_id", "valid_from"),
    )
    op.create_table(
        "bucket",
        _key("bucket_id"),
        _link("account_id", "billing_account.account_id"),
        _text("usage_type"),
        _text("status"),
        _instant("valid_from"),
        _instant("valid_until"),
        _instant("changed_at"),
        sa.UniqueConstraint("account_id", "usage_type"),
        sa.CheckConstraint("status IN ('active', 'suspended')"),
        sa.CheckConstraint("valid_until > valid_from"),
    )


def _vouchers() -> None:
    op.create_table(
        "voucher_batch",
        _key("batch_id"),
        _text("batch_ref", unique=True),
        _number("face_value_fen"),
        _number("validity_days"),
        _number("quantity"),
        _instant("expires_at"),
        _instant("made_at"),
        sa.CheckConstraint("face_value_fen > 0"),
        sa.CheckConstraint("quantity > 0"),
    )
    op.create_table(
        "voucher",
        sa.Column("serial", sa.String(), primary_key=True),
        _link("batch_id", "voucher_batch.batch_id", index=True),
        _text("pin_mac", unique=True),
        _text("state"),
        sa.Column(
            "sold_receipt_no", sa.String(), sa.ForeignKey("receipt.receipt_no"), nullable=True
        ),
        _instant("sold_at", nullable=True),
        sa.Column("sold_for_fen", BIG, nullable=True),
        sa.Column("used_order_id", BIG, nullable=True, unique=True),
        _instant("used_at", nullable=True),
        _text("frozen_from", nullable=True),
        _text("reason", nullable=True),
        _instant("changed_at"),
        sa.CheckConstraint("state IN ('available', 'sold', 'used', 'frozen', 'void')"),
        sa.CheckConstraint("(state = 'used') = (used_order_id IS NOT NULL)"),
    )
    op.create_table(
        "voucher_attempt",
        _key("attempt_id"),
        _link("subscription_id", "subscription.subscription_id"),
        _instant("tried_at"),
        sa.Index("ix_voucher_attempt_subscription_id_tried_at", "subscription_id", "tried_at"),
    )


_UNBALANCED = (
    "(SELECT count(*) FROM account_entry WHERE transaction_ref = NEW.transaction_ref) < 2"
    " OR (SELECT sum(amount_fen) FROM account_entry"
    " WHERE transaction_ref = NEW.transaction_ref) <> 0"
)
_CLOSED = "EXISTS (SELECT 1 FROM money_transaction WHERE transaction_ref = NEW.transaction_ref)"
_TOO_MUCH = (
    "coalesce((SELECT sum(amount_fen) FROM refund WHERE payment_order_id = NEW.payment_order_id"
    " AND account_id = NEW.account_id), 0) + NEW.amount_fen"
    " > coalesce((SELECT sum(amount_fen) FROM payment WHERE order_id = NEW.payment_order_id"
    " AND account_id = NEW.account_id), 0)"
)
_ISSUED = (
    "OLD.state <> 'held' OR NEW.amount_fen <> OLD.amount_fen OR NEW.correlator <> OLD.correlator"
)
_SPENT = "OLD.state IN ('used', 'void')"
GUARDS = (
    ("closes", "money_transaction", "INSERT", _UNBALANCED, "entries do not sum to zero"),
    ("closed", "account_entry", "INSERT", _CLOSED, "the transaction is closed"),
    ("refund", "refund", "INSERT", _TOO_MUCH, "more than was paid"),
    ("receipt", "receipt", "UPDATE", _ISSUED, "a receipt never changes"),
    ("voucher", "voucher", "UPDATE", _SPENT, "a used or void voucher never changes"),
)
"""Name, table, event, what is refused, and its words."""


def _postgresql_guards() -> list[str]:
    statements = []
    for name, table, event, refused, words in GUARDS:
        statements += [
            (
                f"CREATE FUNCTION mingdan_money_{name}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN IF {refused} THEN RAISE EXCEPTION '{table}: {words}'; END IF; "
                "RETURN NEW; END $$"
            ),
            (
                f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION mingdan_money_{name}()"
            ),
        ]
    for tables, events in ((GROWING, "UPDATE OR DELETE"), (KEPT, "DELETE")):
        statements += [
            f"CREATE TRIGGER {table}_grows BEFORE {events} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION mingdan_refuse()"
            for table in tables
        ]
    return statements


def _sqlite_guards() -> list[str]:
    statements = [
        f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} WHEN {refused} "
        f"BEGIN SELECT RAISE(ABORT, '{table}: {words}'); END"
        for name, table, event, refused, words in GUARDS
    ]
    for tables, events in ((GROWING, ("UPDATE", "DELETE")), (KEPT, ("DELETE",))):
        statements += [
            f"CREATE TRIGGER {table}_never_{event.lower()} BEFORE {event} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table}: rows are never changed'); END"
            for table in tables
            for event in events
        ]
    return statements


def _opening_entries() -> list[str]:
    """The entries of what was billed and paid before, as the store books it ever since."""
    statements = []
    for kind, table, when, legs in (
        ("bill", "customer_bill", "billed_at", (("customer", "-"), ("revenue", ""))),
        ("payment", "payment", "paid_at", (("cash", "-"), ("customer", ""))),
    ):
        ref = f"'{kind}/' || order_id || '/' || account_id"
        statements += [
            "INSERT INTO account_entry (transaction_ref, leg_no, ledger, key, amount_fen) "  # noqa: S608
            f"SELECT {ref}, {leg}, '{ledger}', "
            f"{'account_id' if ledger == 'customer' else 0}, {sign}amount_fen FROM {table}"
            for leg, (ledger, sign) in enumerate(legs, start=1)
        ]
        statements.append(
            "INSERT INTO money_transaction "  # noqa: S608
            "(transaction_ref, kind, order_id, effective_at, recorded_at) "
            f"SELECT {ref}, '{kind}', order_id, {when}, recorded_at FROM {table}"
        )
    return statements
