"""How every subscription stood at the end of a business day, as then known.

Here: the nightly frame `subscriptions`. Not here: the other frames
(`reading.py`).
"""

from __future__ import annotations

from datetime import date, datetime
from functools import reduce

import polars as pl
from sqlalchemy import BigInteger, Connection, cast, func, or_, select, union_all

from mingdan.calendar import BUSINESS_ZONE, day_bounds, naive_utc
from mingdan.identifiers import pseudonym
from mingdan.orders import model as m
from mingdan.orders import reading, tables
from mingdan.orders.column_types import as_ticks
from mingdan.orders.money.memberships import counts
from mingdan.orders.money.model import AccountMembership, Refund
from mingdan.orders.offers.model import SubscriptionOffering
from mingdan.reference import load


def subscriptions(
    connection: Connection,
    known_at: datetime,
    day: date,
    pepper: bytes,
    since: datetime | None,
) -> pl.DataFrame:
    """See `OrderStore.subscriptions`. Everything stands as at the end of `day`."""
    end = day_bounds(day)[1]
    rows = _contracts(connection, known_at, end)
    rows = _changed_offerings(connection, rows, known_at, end)
    parts = (
        _last_holders(connection, known_at, end, pepper),
        _blocks(connection, known_at, end),
        _members(connection, known_at, end),
    )
    joined = reduce(
        lambda left, part: left.join(part, on="subscription_id", how="left"), parts, rows
    )
    joined = _with_arrears(joined, _arrears(connection, known_at, day, end))
    in_service = pl.col("terminated_at").is_null()
    stopped = pl.col("stopped").fill_null(value=False)
    frame = joined.with_columns(
        status=pl.when(~in_service)
        .then(pl.lit("terminated"))
        .when(stopped)
        .then(pl.lit("suspended"))
        .otherwise(pl.lit("active")),
        suspend_reasons=pl.col("suspend_reasons").fill_null(""),
        arrears_fen=pl.col("arrears_fen").fill_null(0),
        arrears_days=pl.col("arrears_days").fill_null(0),
        party_cards=in_service.sum().over("document_id"),
    )
    if since is not None:
        frame = frame.filter(in_service | (pl.col("terminated_at") >= naive_utc(since)))
    return reading.shaped(frame, tables.SUBSCRIPTIONS)


def _contracts(connection: Connection, known_at: datetime, end: datetime) -> pl.DataFrame:
    s, p, o = m.Subscription, m.Product, m.ProductOffering
    statement = (
        select(
            s.subscription_id,
            s.subscription_ref.label("external_id"),
            s.account_id,
            p.offering_code.label("product_code"),
            o.payment_kind,
            o.sender_kind,
            as_ticks(s.activated_at.expression, "activated_at"),
        )
        .join(p, p.subscription_id == s.subscription_id)
        .join(o, o.code == p.offering_code)
        .where(s.recorded_at <= known_at, s.activated_at < end)
    )
    return reading.rows(
        connection,
        statement,
        {
            "subscription_id": pl.Int64(),
            "external_id": pl.String(),
            "account_id": pl.Int64(),
            "product_code": pl.String(),
            "payment_kind": pl.String(),
            "sender_kind": pl.String(),
            "activated_at": pl.Datetime("us"),
        },
    )


def _changed_offerings(
    connection: Connection, contracts: pl.DataFrame, known_at: datetime, end: datetime
) -> pl.DataFrame:
    """With the offering that each subscription had at the end (or its own), where it changed."""
    s, o = SubscriptionOffering, m.ProductOffering
    statement = (
        select(
            s.subscription_id,
            s.offering_code.label("product_code"),
            o.payment_kind,
            o.sender_kind,
        )
        .join(o, o.code == s.offering_code)
        .where(*reading.known(s, known_at), s.valid_from < end)
        .order_by(s.valid_from)
    )
    changed = reading.rows(
        connection,
        statement,
        {
            "subscription_id": pl.Int64(),
            "product_code": pl.String(),
            "payment_kind": pl.String(),
            "sender_kind": pl.String(),
        },
    )
    last = changed.unique("subscription_id", keep="last", maintain_order=True)
    return contracts.update(last, on="subscription_id")


def _last_holders(
    connection: Connection, known_at: datetime, end: datetime, pepper: bytes
) -> pl.DataFrame:
    h, p = m.SubscriptionHolding, m.Party
    statement = (
        select(
            h.subscription_id,
            h.party_id,
            p.party_type,
            p.document_type,
            p.document_number,
            as_ticks(h.valid_from.expression, "valid_from"),
            as_ticks(h.valid_to.expression, "valid_to"),
        )
        .join(p, p.party_id == h.party_id)
        .where(*reading.known(h, known_at), h.valid_from < end)
    )
    frame = reading.rows(
        connection,
        statement,
        {
            "subscription_id": pl.Int64(),
            "party_id": pl.Int64(),
            "party_type": pl.String(),
            "document_type": pl.String(),
            "document_number": pl.String(),
            "valid_from": pl.Datetime("us"),
            "valid_to": pl.Datetime("us"),
        },
    )
    documents = frame.select("document_type", "document_number").unique()
    keyed = documents.with_columns(
        document_id=pl.Series(
            [
                pseudonym(pepper, "document", f"{kind}:{number}")
                for kind, number in documents.rows()
            ],
            dtype=pl.Int64(),
        )
    )
    return (
        frame.sort("subscription_id", "valid_from")
        .unique("subscription_id", keep="last", maintain_order=True)
        .join(keyed, on=["document_type", "document_number"], how="left")
        # It ends with its last holder: so the past is known as it was, also where a
        # termination was taken back since.
        .with_columns(terminated_at=pl.when(pl.col("valid_to") < naive_utc(end)).then("valid_to"))
        .select("subscription_id", "party_id", "party_type", "document_id", "terminated_at")
    )


def _blocks(connection: Connection, known_at: datetime, end: datetime) -> pl.DataFrame:
    b = m.SubscriptionBlock
    statement = select(b.subscription_id, b.reason, b.direction).where(
        *reading.known(b, known_at),
        b.valid_from < end,
        or_(b.valid_to.is_(None), b.valid_to >= end),
    )
    frame = reading.rows(
        connection,
        statement,
        {"subscription_id": pl.Int64(), "reason": pl.String(), "direction": pl.String()},
    )
    stopping = [
        row["direction"]
        for row in load.rows("suspend_direction")
        if row["product_state"] == "suspended"
    ]
    return frame.group_by("subscription_id").agg(
        suspend_reasons=pl.col("reason").unique().sort().str.join(","),
        stopped=pl.col("direction").is_in(stopping).any(),
    )


def _members(connection: Connection, known_at: datetime, end: datetime) -> pl.DataFrame:
    """Subscriptions that paid from another account than their own (合帐), and which."""
    a = AccountMembership
    frame = reading.rows(
        connection,
        select(
            a.subscription_id,
            a.account_id.label("shared_account_id"),
            as_ticks(a.valid_from.expression, "valid_from"),
        ).where(*counts(known_at), a.valid_from < end),
        {
            "subscription_id": pl.Int64(),
            "shared_account_id": pl.Int64(),
            "valid_from": pl.Datetime("us"),
        },
    )
    return (
        frame.sort("subscription_id", "valid_from")
        .unique("subscription_id", keep="last", maintain_order=True)
        .select("subscription_id", "shared_account_id")
    )


def _with_arrears(rows: pl.DataFrame, arrears: pl.DataFrame) -> pl.DataFrame:
    """What the account that pays owes, and what a subscription's own still owes beside it."""
    paying = rows.with_columns(
        own_account_id=pl.col("account_id"),
        account_id=pl.coalesce("shared_account_id", "account_id"),
    )
    joined = paying.join(arrears, on="account_id", how="left")
    apart = pl.col("own_account_id") != pl.col("account_id")
    if not joined.select(apart.any()).item():
        return joined
    own = arrears.rename(
        {"account_id": "own_account_id", "arrears_fen": "own_fen", "arrears_days": "own_days"}
    )
    joined = joined.join(own, on="own_account_id", how="left")
    return joined.with_columns(
        arrears_fen=pl.sum_horizontal("arrears_fen", pl.when(apart).then("own_fen")),
        arrears_days=pl.max_horizontal("arrears_days", pl.when(apart).then("own_days")),
    )


def _arrears(connection: Connection, known_at: datetime, day: date, end: datetime) -> pl.DataFrame:
    """Fen and days past due of every account that owes; payments cover the oldest bills."""
    b, p = m.CustomerBill, m.Payment
    due = reading.rows(
        connection,
        select(b.account_id, b.amount_fen, as_ticks(b.due_at.expression, "due_at")).where(
            b.recorded_at <= known_at, b.due_at < end, b.billed_at < end
        ),
        {"account_id": pl.Int64(), "amount_fen": pl.Int64(), "due_at": pl.Datetime("us")},
    )
    moved = union_all(
        select(p.account_id, p.amount_fen).where(p.recorded_at <= known_at, p.paid_at < end),
        select(Refund.account_id, -Refund.amount_fen).where(
            Refund.recorded_at <= known_at, Refund.refunded_at < end
        ),
    ).subquery()
    paid = reading.rows(
        connection,
        select(
            moved.c.account_id, cast(func.sum(moved.c.amount_fen), BigInteger).label("paid_fen")
        ).group_by(moved.c.account_id),
        {"account_id": pl.Int64(), "paid_fen": pl.Int64()},
    )
    unpaid = (
        due.sort("account_id", "due_at")
        .with_columns(billed_fen=pl.col("amount_fen").cum_sum().over("account_id"))
        .join(paid, on="account_id", how="left")
        .with_columns(pl.col("paid_fen").fill_null(0))
        .filter(pl.col("billed_fen") > pl.col("paid_fen"))
    )
    due_day = (
        pl.col("due_at")
        .dt.replace_time_zone("UTC")
        .dt.convert_time_zone(BUSINESS_ZONE.key)
        .dt.date()
    )
    return unpaid.group_by("account_id").agg(
        arrears_fen=(pl.col("billed_fen").max() - pl.col("paid_fen").first()),
        arrears_days=(pl.lit(day) - due_day.min()).dt.total_days().first(),
    )
