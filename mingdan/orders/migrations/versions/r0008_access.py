"""Access: the tables of `mingdan/orders/access`, and the guards they keep themselves.

Here: their creation and removal. Not here: other rooms' tables.

Guards: an interface number stays whose it is and its periods never overlap;
nobody approves what he asked for; the access log only grows.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from mingdan.orders.column_types import Instant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
OPEN = sa.text("valid_to IS NULL")
TABLES = (
    "access_log",
    "request_key",
    "rate_counter",
    "rate_limit",
    "api_key",
    "out_of_hours_request",
    "permission",
    "interface_period",
    "interface_number",
    "partner_offer_request",
    "partner_agreement",
    "partner",
)
# A request is decided by another than who made it.
DECIDED = "status <> 'approved' OR (checker IS NOT NULL AND checker <> maker)"


def upgrade() -> None:
    _partners()
    _interfaces()
    _permissions()
    _keys_and_rates()
    _log()
    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in _postgresql_guards() if postgresql else _sqlite_guards():
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)


def _key(name: str) -> sa.Column[Any]:
    return sa.Column(name, BIG, sa.Identity(), primary_key=True)


def _link(name: str, target: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, BIG, sa.ForeignKey(target), nullable=nullable, index=True)


def _text(name: str, *, nullable: bool = False, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=nullable, **options)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, Instant(), nullable=nullable)


def _big(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, BIG, nullable=False, **options)


def _partners() -> None:
    op.create_table(
        "partner",
        _key("partner_id"),
        _text("code", unique=True),
        _text("kind"),
        _text("name"),
        _text("name_zh"),
        _text("contact", nullable=True),
        _text("status"),
        _text("status_reason", nullable=True),
        _instant("valid_from"),
        _instant("valid_to", nullable=True),
        _instant("changed_at"),
        sa.CheckConstraint("kind IN ('information_exchange', 'marketing_channel')"),
        sa.CheckConstraint("status IN ('active', 'suspended', 'ended')"),
        sa.CheckConstraint("(status = 'ended') = (valid_to IS NOT NULL)"),
    )
    op.create_table(
        "partner_agreement",
        _key("agreement_id"),
        _text("agreement_no", unique=True),
        _link("partner_id", "partner.partner_id"),
        _text("purpose"),
        _text("legal_basis"),
        _text("status"),
        _instant("valid_from"),
        _instant("valid_to"),
        _text("maker"),
        _text("checker", nullable=True),
        _instant("changed_at"),
        # of no length if it was ended before it began
        sa.CheckConstraint("valid_to >= valid_from"),
        sa.CheckConstraint("status IN ('inProcess', 'approved', 'rejected')"),
        sa.CheckConstraint(DECIDED),
    )
    op.create_table(
        "partner_offer_request",
        _key("request_id"),
        _text("request_no", unique=True),
        _link("partner_id", "partner.partner_id"),
        _text("product_code"),
        _text("wish"),
        _instant("valid_from"),
        _instant("valid_to"),
        _text("status"),
        _text("maker"),
        _text("checker", nullable=True),
        _text("reason", nullable=True),
        _instant("requested_at"),
        _instant("decided_at", nullable=True),
        sa.CheckConstraint("valid_to > valid_from"),
        sa.CheckConstraint("status IN ('requested', 'approved', 'refused')"),
        sa.CheckConstraint(DECIDED),
    )


def _interfaces() -> None:
    op.create_table(
        "interface_number",
        _key("interface_id"),
        _text("interface_no", unique=True),
        _link("partner_id", "partner.partner_id", nullable=True),
        _instant("recorded_at"),
    )
    op.create_table(
        "interface_period",
        _key("period_id"),
        _link("interface_id", "interface_number.interface_id"),
        _instant("valid_from"),
        _instant("valid_to", nullable=True),
        _text("reason"),
        sa.CheckConstraint("valid_to >= valid_from"),
        sa.Index(
            "uq_interface_period_open",
            "interface_id",
            unique=True,
            postgresql_where=OPEN,
            sqlite_where=OPEN,
        ),
    )


def _permissions() -> None:
    op.create_table(
        "permission",
        _key("permission_id"),
        _text("role"),
        _text("interface_no"),
        _text("business"),
        _text("hours"),
        _instant("valid_from"),
        sa.UniqueConstraint("role", "interface_no", "business", "valid_from"),
    )
    op.create_table(
        "out_of_hours_request",
        _key("request_id"),
        _text("request_no", unique=True),
        _text("role"),
        _text("interface_no", index=True),
        _text("business"),
        _instant("starts_at"),
        _instant("ends_at"),
        _text("reason"),
        _text("status"),
        _text("maker"),
        _text("checker", nullable=True),
        _instant("requested_at"),
        _instant("decided_at", nullable=True),
        sa.CheckConstraint("ends_at > starts_at"),
        sa.CheckConstraint("status IN ('requested', 'approved', 'refused')"),
        sa.CheckConstraint(DECIDED),
    )


def _keys_and_rates() -> None:
    op.create_table(
        "api_key",
        _key("key_id"),
        _text("key_name", unique=True),
        _link("interface_id", "interface_number.interface_id"),
        _text("role"),
        _text("digest"),
        _instant("valid_from"),
        _instant("valid_to"),
        _instant("revoked_at", nullable=True),
        _text("reason", nullable=True),
        sa.CheckConstraint("valid_to > valid_from"),
        sa.CheckConstraint("length(digest) = 64"),
    )
    op.create_table(
        "rate_limit",
        _key("rate_limit_id"),
        _text("interface_no"),
        _big("requests"),
        _big("per_seconds"),
        _big("burst"),
        _instant("valid_from"),
        sa.UniqueConstraint("interface_no", "valid_from"),
        sa.CheckConstraint("requests > 0 AND per_seconds > 0 AND burst > 0"),
    )
    op.create_table("rate_counter", _text("interface_no", primary_key=True), _big("used_until"))
    op.create_table(
        "request_key",
        _key("request_id"),
        _text("interface_no"),
        _text("idempotency_key"),
        _text("request_digest"),
        _text("resource"),
        _big("resource_id"),
        _instant("recorded_at"),
        sa.UniqueConstraint("interface_no", "idempotency_key"),
        sa.Index(None, "resource", "resource_id"),
    )


def _log() -> None:
    op.create_table(
        "access_log",
        _big("seq", primary_key=True, autoincrement=False),
        _instant("at"),
        _text("role"),
        _text("interface_no"),
        _text("name"),
        _text("purpose"),
        _text("what"),
        sa.Column("subjects", JSON, nullable=False),
        _text("previous", unique=True),
        _text("digest"),
    )


FIXED = ("interface_id", "interface_no", "partner_id")


def _postgresql_guards() -> list[str]:
    changed = " OR ".join(f"OLD.{c} IS DISTINCT FROM NEW.{c}" for c in FIXED)
    refuse = "FOR EACH ROW EXECUTE FUNCTION mingdan_refuse()"
    return [
        (
            "ALTER TABLE interface_period ADD CONSTRAINT ex_interface_period EXCLUDE USING gist ("
            "int8range(interface_id, interface_id, '[]') WITH &&, "
            "tstzrange(valid_from, valid_to) WITH &&)"
        ),
        (
            "CREATE TRIGGER interface_number_kept BEFORE UPDATE ON interface_number FOR EACH ROW "
            f"WHEN ({changed}) EXECUTE FUNCTION mingdan_refuse()"
        ),
        f"CREATE TRIGGER interface_number_grows BEFORE DELETE ON interface_number {refuse}",
        f"CREATE TRIGGER access_log_grows BEFORE UPDATE OR DELETE ON access_log {refuse}",
    ]


def _sqlite_guards() -> list[str]:
    changed = " OR ".join(f"OLD.{c} IS NOT NEW.{c}" for c in FIXED)
    overlap = (
        "SELECT 1 FROM interface_period AS o WHERE o.interface_id = NEW.interface_id"
        " AND o.period_id IS NOT NEW.period_id"
        " AND o.valid_from < coalesce(NEW.valid_to, 9223372036854775807)"
        " AND NEW.valid_from < coalesce(o.valid_to, 9223372036854775807)"
    )
    return [
        _trigger("interface_period", "overlap", "INSERT", f"WHEN EXISTS ({overlap})"),
        _trigger("interface_period", "overlap_later", "UPDATE", f"WHEN EXISTS ({overlap})"),
        _trigger("interface_number", "kept", "UPDATE", f"WHEN {changed}"),
        _trigger("interface_number", "grows", "DELETE", ""),
        _trigger("access_log", "kept", "UPDATE", ""),
        _trigger("access_log", "grows", "DELETE", ""),
    ]


def _trigger(table: str, name: str, event: str, when: str) -> str:
    complaint = "rows overlap" if name.startswith("overlap") else "rows are never changed"
    return (
        f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when} "
        f"BEGIN SELECT RAISE(ABORT, '{table}: {complaint}'); END"
    )
