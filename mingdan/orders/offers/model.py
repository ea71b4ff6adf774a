"""Prices, features, offers, customers' data and what they asked.

Here: the tables of this room. Not here: what a feature or an offer needs
(`mingdan/reference/feature.csv`, `product.csv`) and the checks (`businesses`).

`subscription_feature` and `subscription_offering` are bitemporal like the
holdings of `mingdan.orders.model`: a row is never changed but for its
`superseded_at`. A change for the next cycle is a row whose `valid_from` is yet
to come, so that the clock alone makes it take effect.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from mingdan.orders.model import Base, Spans, key_column, link_column

_LASTING = text("valid_to IS NULL AND superseded_at IS NULL")
_STAGED = text("state = 'acknowledged'")
_VALID = text("valid_to IS NULL")


class ChargePrice(Base):
    """What a business costs for a product from a day on (`reference/charge_price.csv`), in fen."""

    __tablename__ = "charge_price"
    __table_args__ = (CheckConstraint("amount_fen >= 0", name="ck_charge_price_amount"),)
    product_code: Mapped[str] = mapped_column(primary_key=True)
    """`*`: every product without a row of its own."""
    order_type: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    valid_from: Mapped[date] = mapped_column(Date(), primary_key=True)
    amount_fen: Mapped[int]
    """0: free from that day on."""
    name: Mapped[str]
    name_zh: Mapped[str]


class SubscriptionFeature(Spans, Base):
    """A feature (功能) that a subscription had when."""

    __tablename__ = "subscription_feature"
    __table_args__ = (
        Index(
            "uq_subscription_feature_now",
            "subscription_id",
            "feature_code",
            unique=True,
            postgresql_where=_LASTING,
            sqlite_where=_LASTING,
        ),
    )
    feature_id: Mapped[int] = key_column()
    subscription_id: Mapped[int] = link_column("subscription.subscription_id", index=True)
    feature_code: Mapped[str]
    order_id: Mapped[int] = link_column("product_order.order_id")


class SubscriptionOffering(Spans, Base):
    """Which offering (优惠) a subscription had when; without a row, the one it opened with."""

    __tablename__ = "subscription_offering"
    __table_args__ = (
        Index(
            "uq_subscription_offering_now",
            "subscription_id",
            unique=True,
            postgresql_where=_LASTING,
            sqlite_where=_LASTING,
        ),
    )
    change_id: Mapped[int] = key_column()
    subscription_id: Mapped[int] = link_column("subscription.subscription_id", index=True)
    offering_code: Mapped[str] = mapped_column(ForeignKey("product_offering.code"))
    order_id: Mapped[int] = link_column("product_order.order_id")


class PartyChange(Base):
    """客户资料修改: a change of a customer's data, staged first, then committed."""

    __tablename__ = "party_change"
    __table_args__ = (
        Index(
            "uq_party_change_staged",
            "party_id",
            "business",
            unique=True,
            postgresql_where=_STAGED,
            sqlite_where=_STAGED,
        ),
        CheckConstraint("until > staged_at", name="ck_party_change_until"),
    )
    change_id: Mapped[int] = key_column()
    request_ref: Mapped[str] = mapped_column(unique=True)
    party_id: Mapped[int] = link_column("party.party_id", index=True)
    business: Mapped[str]
    """The permission it needs: MODIFY_PARTY_NAME, _ACCOUNT, _PASSWORD, _CONTACT."""
    account_id: Mapped[int | None] = link_column("billing_account.account_id")
    state: Mapped[str]
    """TMF622: acknowledged (staged), completed (committed), cancelled."""
    content: Mapped[dict[str, Any]]
    """Field -> [before, after]; of a password only its salted hash."""
    staged_at: Mapped[datetime]
    staged_by: Mapped[str]
    until: Mapped[datetime]
    """Staged data are dead from then on, by the clock."""
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]


class PartyCredential(Base):
    """A customer's service password (服务密码): never the password, only what checks it."""

    __tablename__ = "party_credential"
    __table_args__ = (
        Index(
            "uq_party_credential_now",
            "party_id",
            unique=True,
            postgresql_where=_VALID,
            sqlite_where=_VALID,
        ),
        CheckConstraint("failed >= 0", name="ck_party_credential_failed"),
    )
    credential_id: Mapped[int] = key_column()
    party_id: Mapped[int] = link_column("party.party_id", index=True)
    change_id: Mapped[int] = link_column("party_change.change_id")
    verifier: Mapped[str]
    """`scrypt$n$r$p$salt$hash`, both in hex."""
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    failed: Mapped[int]
    """Wrong passwords since the last right one."""
    locked_until: Mapped[datetime | None]


class BillingAccountData(Base):
    """How an account is billed (帐户资料, TMF666): name, medium and address of its bills."""

    __tablename__ = "billing_account_data"
    account_id: Mapped[int] = mapped_column(
        ForeignKey("billing_account.account_id"), primary_key=True, autoincrement=False
    )
    name: Mapped[str | None]
    bill_medium: Mapped[str | None]
    bill_address: Mapped[str | None]
    changed_at: Mapped[datetime]


class PartyInteraction(Base):
    """查询和咨询 (TMF683): who asked what, and what was shown of whom to whom."""

    __tablename__ = "party_interaction"
    __table_args__ = (
        CheckConstraint(
            "status IN ('open', 'inProgress', 'completed')", name="ck_party_interaction_status"
        ),
    )
    interaction_id: Mapped[int] = key_column()
    interaction_ref: Mapped[str] = mapped_column(unique=True)
    party_id: Mapped[int | None] = link_column("party.party_id", index=True)
    subscription_id: Mapped[int | None] = link_column("subscription.subscription_id", index=True)
    kind: Mapped[str]
    """inquiry (查询: data were shown) or consultation (咨询: a question was answered)."""
    direction: Mapped[str]
    channel: Mapped[str]
    reason: Mapped[str]
    status: Mapped[str]
    article_ref: Mapped[str | None]
    """The knowledge article the answer was taken from."""
    shown: Mapped[dict[str, Any]]
    """Field -> full, masked or hidden; never a value."""
    actor_role: Mapped[str]
    interface_no: Mapped[str]
    actor_name: Mapped[str]
    opened_at: Mapped[datetime] = mapped_column(index=True)
    completed_at: Mapped[datetime | None]
