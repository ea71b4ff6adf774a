"""Prepaid balances (TMF654 Bucket): how long they may be used, frozen or not.

Here: topping up the term, suspending, and whether a balance may be used at an
instant. Not here: the money, which is the account's (`balances.py`). An expired
balance is not lost: the next top-up makes it usable again, 销号 gives it back.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from mingdan.orders import model as m
from mingdan.orders.journal import Journal
from mingdan.orders.money import balances
from mingdan.orders.money.model import Bucket
from mingdan.orders.money.requests import BucketView
from mingdan.orders.refusals import Refused

MONETARY = "monetary"


def of_account(connection: Connection, account_id: int, at: datetime) -> BucketView | None:
    """The bucket of an account as it stands at `at`: expired if its time is over by then."""
    b = Bucket
    row = connection.execute(
        select(b.bucket_id, b.status, b.valid_from, b.valid_until).where(
            b.account_id == account_id, b.usage_type == MONETARY
        )
    ).first()
    if row is None:
        return None
    status = row.status
    if status == "active" and at >= row.valid_until:
        status = "expired"
    return BucketView(
        bucket_id=row.bucket_id,
        status=status,
        remaining_fen=max(0, balances.balance(connection, account_id)),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        is_shared=len(balances.members(connection, account_id, at)) > 1,
    )


def is_prepaid(connection: Connection, product_code: str) -> bool:
    o = m.ProductOffering
    kind = connection.execute(select(o.payment_kind).where(o.code == product_code)).scalar()
    return bool(kind == "prepaid")


def extend(journal: Journal, account_id: int, *, days: int, at: datetime) -> None:
    """Open the bucket, or let it last at least `days` from `at`; never shorten it.

    Refused if it is suspended: money must not go where nobody may use it.
    """
    until = at + timedelta(days=days)
    found = of_account(journal.connection, account_id, at)
    if found is None:
        journal.insert(
            Bucket,
            account_id=account_id,
            usage_type=MONETARY,
            status="active",
            valid_from=at,
            valid_until=until,
            changed_at=journal.at,
        )
        return
    if found.status == "suspended":
        raise Refused("bucket_suspended", subscription_ref=_named(journal.connection, account_id))
    if until > found.valid_until:
        journal.update(Bucket, found.bucket_id, valid_until=until, changed_at=journal.at)


def usable(
    connection: Connection, account_id: int, ref: str, at: datetime, *, needed: bool
) -> BucketView | None:
    """The bucket, if its balance may be used at `at`.

    `needed`: refuse where there is none. Raises Refused: unknown_bucket,
    bucket_suspended, and if `needed` bucket_expired.
    """
    found = of_account(connection, account_id, at)
    if found is None:
        if needed:
            raise Refused("unknown_bucket", subscription_ref=ref)
        return None
    if found.status == "suspended":
        raise Refused("bucket_suspended", subscription_ref=ref)
    if needed and found.status == "expired":
        raise Refused("bucket_expired", subscription_ref=ref, at=found.valid_until)
    return found


def turn(journal: Journal, account_id: int, ref: str, status: str, at: datetime) -> BucketView:
    """Suspend (`suspended`) or release (`active`) a balance; twice is once."""
    found = of_account(journal.connection, account_id, at)
    if found is None:
        raise Refused("unknown_bucket", subscription_ref=ref)
    if (found.status == "suspended") != (status == "suspended"):
        journal.update(Bucket, found.bucket_id, status=status, changed_at=journal.at)
    after = of_account(journal.connection, account_id, at)
    if after is None:
        raise LookupError(f"account {account_id} lost its bucket")
    return after


def _named(connection: Connection, account_id: int) -> str:
    s = m.Subscription
    found = connection.execute(
        select(s.subscription_ref).where(s.account_id == account_id)
    ).scalar_one()
    return str(found)
