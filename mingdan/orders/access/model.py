"""Who may do which business through which interface, and who looked at whom.

Here: the tables of access. Not here: the checks of a business, and what ships
with Mingdan: roles, own interfaces, permissions and rate limits are
`mingdan/reference/*.csv`; the tables hold what an operator decided beside them.

`rate_counter` is a meter, not a fact, and `access_log` is itself a log: neither
goes through the journal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mingdan.orders.model import BIG, DOCUMENT, Base, key_column, link_column

_OPEN = text("valid_to IS NULL")


class Partner(Base):
    """A partner (合作伙伴, TMF668): for exchange of information or as a marketing channel."""

    __tablename__ = "partner"
    partner_id: Mapped[int] = key_column()
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    name: Mapped[str]
    name_zh: Mapped[str]
    contact: Mapped[str | None]
    status: Mapped[str]
    status_reason: Mapped[str | None]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    changed_at: Mapped[datetime]


class PartnerAgreement(Base):
    """What is agreed with a partner (TMF651); in force once approved, within its validity."""

    __tablename__ = "partner_agreement"
    agreement_id: Mapped[int] = key_column()
    agreement_no: Mapped[str] = mapped_column(unique=True)
    partner_id: Mapped[int] = link_column("partner.partner_id", index=True)
    purpose: Mapped[str]
    legal_basis: Mapped[str]
    status: Mapped[str]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime]
    maker: Mapped[str]
    checker: Mapped[str | None]
    changed_at: Mapped[datetime]


class PartnerDisclosure(Base):
    """Leave to tell a partner numbers in the clear (明文): asked by one, approved by two others."""

    __tablename__ = "partner_disclosure"
    disclosure_id: Mapped[int] = key_column()
    disclosure_no: Mapped[str] = mapped_column(unique=True)
    agreement_id: Mapped[int] = link_column("partner_agreement.agreement_id", index=True)
    columns: Mapped[list[str]] = mapped_column(DOCUMENT)
    """What may stand beside the number."""
    reason_codes: Mapped[list[str]] = mapped_column(DOCUMENT)
    reason: Mapped[str]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime]
    status: Mapped[str]
    maker: Mapped[str]
    first_checker: Mapped[str | None]
    second_checker: Mapped[str | None]
    requested_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class PartnerOfferRequest(Base):
    """An offer a partner asks for; the promotion component approves or refuses it."""

    __tablename__ = "partner_offer_request"
    request_id: Mapped[int] = key_column()
    request_no: Mapped[str] = mapped_column(unique=True)
    partner_id: Mapped[int] = link_column("partner.partner_id", index=True)
    product_code: Mapped[str]
    wish: Mapped[str]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime]
    status: Mapped[str]
    maker: Mapped[str]
    checker: Mapped[str | None]
    reason: Mapped[str | None]
    requested_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class InterfaceNumber(Base):
    """An interface number (接口编号): for ever one partner's, or our own (no partner)."""

    __tablename__ = "interface_number"
    interface_id: Mapped[int] = key_column()
    interface_no: Mapped[str] = mapped_column(unique=True)
    partner_id: Mapped[int | None] = link_column("partner.partner_id", index=True)
    recorded_at: Mapped[datetime]


class InterfacePeriod(Base):
    """When an interface number was open; periods of one number never overlap."""

    __tablename__ = "interface_period"
    __table_args__ = (
        Index(
            "uq_interface_period_open",
            "interface_id",
            unique=True,
            postgresql_where=_OPEN,
            sqlite_where=_OPEN,
        ),
    )
    period_id: Mapped[int] = key_column()
    interface_id: Mapped[int] = link_column("interface_number.interface_id", index=True)
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    reason: Mapped[str]


class Permission(Base):
    """When a role may do a business through an interface, from an instant on.

    `*` stands for every interface or business; `hours` as in `hours.py`.
    """

    __tablename__ = "permission"
    __table_args__ = (UniqueConstraint("role", "interface_no", "business", "valid_from"),)
    permission_id: Mapped[int] = key_column()
    role: Mapped[str]
    interface_no: Mapped[str]
    business: Mapped[str]
    hours: Mapped[str]
    valid_from: Mapped[datetime]


class OutOfHoursRequest(Base):
    """Leave to work out of hours, asked by one and approved by another; ends by the clock."""

    __tablename__ = "out_of_hours_request"
    request_id: Mapped[int] = key_column()
    request_no: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    interface_no: Mapped[str] = mapped_column(index=True)
    business: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str]
    status: Mapped[str]
    maker: Mapped[str]
    checker: Mapped[str | None]
    requested_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class ApiKey(Base):
    """A key to an interface, kept as its HMAC-SHA-256; the key itself is nowhere."""

    __tablename__ = "api_key"
    key_id: Mapped[int] = key_column()
    key_name: Mapped[str] = mapped_column(unique=True)
    """The part of the key that may be shown."""
    interface_id: Mapped[int] = link_column("interface_number.interface_id", index=True)
    role: Mapped[str]
    digest: Mapped[str]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    reason: Mapped[str | None]


class RateLimit(Base):
    """How many requests an interface may send, from an instant on (`*`: every one)."""

    __tablename__ = "rate_limit"
    __table_args__ = (UniqueConstraint("interface_no", "valid_from"),)
    rate_limit_id: Mapped[int] = key_column()
    interface_no: Mapped[str]
    requests: Mapped[int]
    per_seconds: Mapped[int]
    burst: Mapped[int]
    valid_from: Mapped[datetime]


class RateCounter(Base):
    """Until when an interface's requests so far have used its rate up (microseconds)."""

    __tablename__ = "rate_counter"
    __table_args__ = ({"info": {"journal": False}},)
    interface_no: Mapped[str] = mapped_column(primary_key=True)
    used_until: Mapped[int]


class RequestKey(Base):
    """What an interface's `Idempotency-Key` made, so that a retry makes no second one."""

    __tablename__ = "request_key"
    __table_args__ = (
        UniqueConstraint("interface_no", "idempotency_key"),
        Index(None, "resource", "resource_id"),
    )
    request_id: Mapped[int] = key_column()
    interface_no: Mapped[str]
    idempotency_key: Mapped[str]
    request_digest: Mapped[str]
    resource: Mapped[str]
    resource_id: Mapped[int]
    recorded_at: Mapped[datetime]


class AccessLog(Base):
    """One look at personal data; append-only, each row chained to the one before."""

    __tablename__ = "access_log"
    __table_args__ = ({"info": {"journal": False}},)
    seq: Mapped[int] = mapped_column(BIG, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    role: Mapped[str]
    interface_no: Mapped[str]
    name: Mapped[str]
    purpose: Mapped[str]
    what: Mapped[str]
    subjects: Mapped[list[Any]] = mapped_column(DOCUMENT)
    previous: Mapped[str] = mapped_column(unique=True)
    digest: Mapped[str]
