"""Accounts, payments, refunds and vouchers: the order store's money.

Here: the tables of money (TMF654 Bucket, TMF666, TMF676). Not here: bills and
payments themselves, which are facts of the core (`mingdan/orders/model.py`).

The ledger is double-entry: the entries (`account_entry`) of a transaction sum to
zero. They are written first, or by the same statement as their `money_transaction`;
the databases refuse a transaction whose entries do not balance, an entry without a
transaction, an entry added to a closed one, and any change to either.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mingdan.orders.model import Base, key_column, link_column


class MoneyTransaction(Base):
    """One movement of money, closed by this row; `transaction_ref` names the fact it books."""

    __tablename__ = "money_transaction"
    transaction_ref: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    order_id: Mapped[int | None] = mapped_column(index=True)
    effective_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class AccountEntry(Base):
    """One leg of a transaction, in fen: into (+) or out of (-) one ledger account.

    `ledger` is of `reference/ledger.csv`; `key` says whose: the billing account,
    the order or the voucher batch, 0 where there is only one.
    """

    __tablename__ = "account_entry"
    __table_args__ = (
        Index(None, "ledger", "key"),
        CheckConstraint("amount_fen <> 0"),
    )
    transaction_ref: Mapped[str] = mapped_column(
        ForeignKey("money_transaction.transaction_ref", deferrable=True, initially="DEFERRED"),
        primary_key=True,
    )
    leg_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ledger: Mapped[str]
    key: Mapped[int]
    amount_fen: Mapped[int]


class Receipt(Base):
    """Money that changed hands at a desk (TMF676 Payment, Refund): in (+) or back (-), fen.

    `correlator` is the caller's own number of it: the same one again is the same
    money. Payments of the bulk interface have none.
    """

    __tablename__ = "receipt"
    __table_args__ = (
        CheckConstraint("amount_fen <> 0"),
        CheckConstraint(
            "purpose IN ('account', 'order', 'voucher', 'refund', 'order_refund', 'voucher_refund')"
        ),
        CheckConstraint("state IN ('held', 'done', 'returned')"),
    )
    receipt_no: Mapped[str] = mapped_column(primary_key=True)
    correlator: Mapped[str] = mapped_column(unique=True)
    purpose: Mapped[str]
    state: Mapped[str]
    amount_fen: Mapped[int]
    method: Mapped[str]
    order_id: Mapped[int | None] = mapped_column(index=True)
    """The order it pays for or is recorded as; for a refund, that of the refund."""
    account_id: Mapped[int | None] = link_column("billing_account.account_id", index=True)
    payer_party_id: Mapped[int | None] = link_column("party.party_id")
    returns: Mapped[str | None]
    """The receipt whose money this one gives back."""
    issued_at: Mapped[datetime]


class Refund(Base):
    """Part of a payment given back (TMF676 Refund), in fen; lowers what the account has paid."""

    __tablename__ = "refund"
    __table_args__ = (
        UniqueConstraint("order_id", "account_id"),
        CheckConstraint("amount_fen > 0"),
    )
    refund_id: Mapped[int] = key_column()
    account_id: Mapped[int] = link_column("billing_account.account_id", index=True)
    order_id: Mapped[int] = link_column("product_order.order_id")
    payment_order_id: Mapped[int] = link_column("product_order.order_id", index=True)
    amount_fen: Mapped[int]
    refunded_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class AccountMembership(Base):
    """From an instant on, a subscription's bills and payments go to this account (合帐, 分帐).

    Append-only. A row without an account calls off the change that was arranged for
    that instant. Of the rows of one subscription and one `valid_from` the one
    recorded last counts (`memberships.py`); of those that count the last one not
    after an instant holds, and before the first the subscription's own account. So
    there is never an overlap or a gap.
    """

    __tablename__ = "account_membership"
    __table_args__ = (UniqueConstraint("subscription_id", "valid_from", "recorded_at"),)
    membership_id: Mapped[int] = key_column()
    subscription_id: Mapped[int] = link_column("subscription.subscription_id")
    account_id: Mapped[int | None] = link_column("billing_account.account_id", index=True)
    order_id: Mapped[int] = link_column("product_order.order_id")
    valid_from: Mapped[datetime]
    recorded_at: Mapped[datetime]


class Bucket(Base):
    """How long an account's prepaid balance may be used (TMF654 Bucket, monetary).

    The money itself is the account's; past `valid_until` it rests, unspent, until
    the next top-up. `status` is `active` or `suspended`; `expired` is the clock's.
    """

    __tablename__ = "bucket"
    __table_args__ = (
        UniqueConstraint("account_id", "usage_type"),
        CheckConstraint("status IN ('active', 'suspended')"),
        CheckConstraint("valid_until > valid_from"),
    )
    bucket_id: Mapped[int] = key_column()
    account_id: Mapped[int] = link_column("billing_account.account_id")
    usage_type: Mapped[str]
    status: Mapped[str]
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]
    changed_at: Mapped[datetime]


class VoucherBatch(Base):
    """Vouchers (充值卡) made or imported together: one face value, one term."""

    __tablename__ = "voucher_batch"
    __table_args__ = (CheckConstraint("face_value_fen > 0"), CheckConstraint("quantity > 0"))
    batch_id: Mapped[int] = key_column()
    batch_ref: Mapped[str] = mapped_column(unique=True)
    face_value_fen: Mapped[int]
    validity_days: Mapped[int]
    """Days a redeemed balance may be used; at least, a longer term stays."""
    quantity: Mapped[int]
    expires_at: Mapped[datetime]
    """From this instant on nothing of it is sold or redeemed."""
    made_at: Mapped[datetime]


class Voucher(Base):
    """One voucher; its secret PIN only as a keyed digest. States: `voucher_state.csv`."""

    __tablename__ = "voucher"
    __table_args__ = (
        CheckConstraint("state IN ('available', 'sold', 'used', 'frozen', 'void')"),
        CheckConstraint("(state = 'used') = (used_order_id IS NOT NULL)"),
    )
    serial: Mapped[str] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = link_column("voucher_batch.batch_id", index=True)
    pin_mac: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str]
    sold_receipt_no: Mapped[str | None] = mapped_column(ForeignKey("receipt.receipt_no"))
    sold_at: Mapped[datetime | None]
    sold_for_fen: Mapped[int | None]
    used_order_id: Mapped[int | None] = mapped_column(unique=True)
    used_at: Mapped[datetime | None]
    frozen_from: Mapped[str | None]
    """The state a frozen one returns to."""
    reason: Mapped[str | None]
    changed_at: Mapped[datetime]


class VoucherAttempt(Base):
    """A redemption with a PIN that no voucher has: too many lock the subscription out."""

    __tablename__ = "voucher_attempt"
    __table_args__ = (Index(None, "subscription_id", "tried_at"),)
    attempt_id: Mapped[int] = key_column()
    subscription_id: Mapped[int] = link_column("subscription.subscription_id")
    tried_at: Mapped[datetime]
