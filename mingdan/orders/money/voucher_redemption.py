"""Redeeming a voucher (充值): its value into an account, once.

Here: the checks, the lock that makes it once, and the money. Not here: what a
top-up does to arrears (`businesses/account.py`).

The voucher's row is locked while it is looked at, its state `used` never changes
again (the databases refuse it), and a top-up is on record under one correlator.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from mingdan.orders import commands as c
from mingdan.orders.journal import Journal
from mingdan.orders.money import balances, buckets, carrying, ledger, receipts, views
from mingdan.orders.money.model import Voucher, VoucherAttempt, VoucherBatch
from mingdan.orders.money.requests import Moved
from mingdan.orders.money.voucher_expiry import is_booked
from mingdan.orders.money.voucher_requests import RedeemRequest
from mingdan.orders.money.voucher_rows import move
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore


def redeem(
    store: OrderStore, journal: Journal, request: RedeemRequest, mac: str | None
) -> Moved | None:
    """Redeem the voucher whose PIN has the digest `mac`; None, and noted, if there is none."""
    connection, at, ref = journal.connection, journal.at, request.subscription_ref
    correlator = receipts.correlator(request.correlator)
    command = c.TopUp(
        order_ref=correlator,
        at=at,
        channel=request.channel,
        subscription_ref=ref,
        amount_fen=1,
        voucher="",
    )
    carrying.hold(store, connection, [command])
    key, product = carrying.subscription_of(connection, ref)
    repeated = carrying.order_of(connection, correlator) is not None
    if not repeated:
        _not_locked_out(store, connection, key, at)
    v, b = Voucher, VoucherBatch
    found = connection.execute(
        select(v.serial, v.state, b.batch_id, b.face_value_fen, b.validity_days, b.expires_at)
        .join(b, b.batch_id == v.batch_id)
        .where(v.pin_mac == mac)
        .with_for_update(of=v)
    ).first()
    if found is None:
        journal.insert(VoucherAttempt, subscription_id=key, tried_at=at)
        return None
    if not repeated and found.state != "sold":
        raise Refused("voucher_state", serial=found.serial, state=found.state)
    # asked after the voucher is locked: booking its batch locks it, too
    if not repeated and (at >= found.expires_at or is_booked(connection, found.batch_id)):
        raise Refused("voucher_expired", serial=found.serial, at=found.expires_at)
    face = found.face_value_fen
    worth = {"amount_fen": face, "voucher": found.serial}
    carrying.carry_out(store, connection, [c.TopUp(**{**vars(command), **worth})])
    if not repeated:
        order = carrying.order_of(connection, correlator)
        order_id = None if order is None else order[0]
        move(journal, found.serial, "sold", "used", used_at=at, used_order_id=order_id)
        # It was paid for when it was sold; now that money pays into the account.
        legs = [("voucher", found.batch_id, -face), ("cash", 0, face)]
        ledger.book(journal, f"redeem/{found.serial}", "redeem", legs, at=at, order_id=order_id)
        if buckets.is_prepaid(connection, product):
            account_id = balances.account_of(connection, key, at)
            buckets.extend(journal, account_id, days=found.validity_days, at=at)
    return views.moved(
        connection,
        key,
        at,
        order_ref=correlator,
        receipt_no=None,
        amount_fen=face,
        repeated=repeated,
    )


def _not_locked_out(store: OrderStore, connection: Connection, key: int, at: datetime) -> None:
    most = int(store.policy.at("voucher_attempts", at))
    span = timedelta(minutes=int(store.policy.at("voucher_lock_minutes", at)))
    a = VoucherAttempt
    latest = (
        select(a.tried_at)
        .where(a.subscription_id == key, a.tried_at > at - span, a.tried_at <= at)
        .order_by(a.tried_at.desc())
        .limit(most)
    )
    tried = connection.execute(latest).scalars().all()
    if most and len(tried) >= most:
        raise Refused("voucher_locked_out", until=tried[-1] + span)
