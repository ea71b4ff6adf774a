"""Shared accounts (合帐, 分帐): several subscriptions pay from one account.

Here: joining another subscription's account and leaving it again, from an
instant on, and calling that off before. Not here: bills and payments, which ask
`Batch.account_of`. What was billed and paid before stays where it was.

A change yet to come may be called off until it takes effect, so nothing is built
on it: meanwhile the subscription arranges no other one, nobody joins it, and whoever
is about to leave an account still counts as paying from it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from mingdan.orders import checks
from mingdan.orders.batch import Batch, Work
from mingdan.orders.commands import CancelAccountChange, MergeAccount, SplitAccount
from mingdan.orders.refusals import Refused
from mingdan.orders.working_set import Subscription

_TICK = timedelta(microseconds=1)
"""The least by which one instant on record is later than another."""


def merge_account(batch: Batch, work: Work, command: MergeAccount) -> None:
    """合帐: from then on the account that pays for the other one pays for this one too.

    Refused with arrears, between customers (both by policy), while others pay from
    this one's own account, and if a change of either is on record that is later or
    yet to come.
    """
    subscription = batch.in_service(command.subscription_ref, work)
    checks.words("with_subscription_ref", command.with_subscription_ref)
    host = batch.in_service(command.with_subscription_ref, work)
    start = _start(work, command.effective_from)
    account_id = batch.account_of(host, start)
    if account_id == batch.account_of(subscription, start):
        raise Refused("account_unchanged", subscription_ref=subscription.ref)
    _nothing_later(batch, work, host, start + _TICK)
    _no_guests(batch, subscription, min(start, work.recorded_at))
    if not batch.policy.at("account_shared_across_parties", work.at):
        holders = {batch.owner(each, work.at).document for each in (subscription, host)}
        if len(holders) > 1:
            raise Refused("account_other_party", subscription_ref=host.ref)
    _move(batch, work, subscription, account_id, start, "MERGE_ACCOUNT")


def split_account(batch: Batch, work: Work, command: SplitAccount) -> None:
    """分帐: from then on its own account pays again. Refused as 合帐 is."""
    subscription = batch.in_service(command.subscription_ref, work)
    start = _start(work, command.effective_from)
    if batch.account_of(subscription, start) == subscription.account_id:
        raise Refused("account_unchanged", subscription_ref=subscription.ref)
    _move(batch, work, subscription, subscription.account_id, start, "SPLIT_ACCOUNT")


def cancel_account_change(batch: Batch, work: Work, command: CancelAccountChange) -> None:
    """The 合帐 or 分帐 yet to come does not take effect; the account of before goes on paying.

    Refused if there is none, or if the store learns of it after it took effect.
    """
    subscription = batch.in_service(command.subscription_ref, work)
    pending = _pending(batch, work, subscription)
    if pending is None:
        raise Refused("no_pending_account_change", subscription_ref=subscription.ref)
    start, account_id = pending
    _record(batch, work, subscription, None, start)
    batch.on_record.memberships[subscription.subscription_id].pop()
    batch.touch(work, subscription)
    batch.complete(
        work,
        "CANCEL_ACCOUNT_CHANGE",
        subscription=subscription,
        party=batch.owner(subscription, work.at),
        characteristic={
            "billingAccount": [account_id, batch.account_of(subscription, start)],
            "from": start.isoformat(),
        },
    )


def end_account_changes(batch: Batch, work: Work, subscription: Subscription) -> None:
    """With the subscription's end a change yet to come never begins."""
    pending = _pending(batch, work, subscription)
    if pending is not None:
        _record(batch, work, subscription, None, pending[0])
        batch.on_record.memberships[subscription.subscription_id].pop()


def alone(batch: Batch, work: Work, subscription: Subscription) -> None:
    """Refuse a subscription that shares an account or is about to.

    A new holder takes over neither another customer's bills nor his account.
    """
    changes = batch.on_record.memberships[subscription.subscription_id]
    own, at = subscription.account_id, work.at
    pending = _pending(batch, work, subscription)
    if batch.account_of(subscription, at) != own:
        raise Refused("account_shared", subscription_ref=subscription.ref)
    if pending is not None:
        raise Refused("account_change_pending", subscription_ref=subscription.ref, at=pending[0])
    if any(valid_from > at and account_id != own for valid_from, account_id in changes):
        raise Refused("account_shared", subscription_ref=subscription.ref)
    _no_guests(batch, subscription, at)


def _start(work: Work, effective_from: datetime | None) -> datetime:
    if effective_from is None:
        return work.at
    start = checks.instant("effective_from", effective_from)
    if start < work.at:
        raise Refused("invalid_value", field="effective_from", problem="is before the order")
    return start


def _no_guests(batch: Batch, subscription: Subscription, at: datetime) -> None:
    """Refuse while another pays from this one's own account at `at` or later."""
    for guest_id in batch.on_record.guests - {subscription.subscription_id}:
        last = None
        for valid_from, account_id in batch.on_record.memberships[guest_id]:
            if valid_from <= at:
                last = account_id
            elif account_id == subscription.account_id:
                last = account_id
                break
        if last == subscription.account_id:
            raise Refused("account_has_members", subscription_ref=subscription.ref)


def _pending(batch: Batch, work: Work, subscription: Subscription) -> tuple[datetime, int] | None:
    """The change yet to come, if there is one: at most one ever is."""
    changes = batch.on_record.memberships[subscription.subscription_id]
    return changes[-1] if changes and changes[-1][0] > work.recorded_at else None


def _nothing_later(batch: Batch, work: Work, subscription: Subscription, start: datetime) -> None:
    """Refuse a change from `start` on if one is on record that is yet to come, or not earlier."""
    pending = _pending(batch, work, subscription)
    if pending is not None:
        raise Refused("account_change_pending", subscription_ref=subscription.ref, at=pending[0])
    changes = batch.on_record.memberships[subscription.subscription_id]
    if changes and changes[-1][0] >= start:
        raise Refused("later_order", subscription_ref=subscription.ref, at=changes[-1][0])


def _record(
    batch: Batch, work: Work, subscription: Subscription, account_id: int | None, start: datetime
) -> None:
    """A row of its own instant: for one `start`, what is recorded last counts."""
    work.learns(subscription.changed_at + _TICK)
    batch.rows.memberships.append(
        (subscription.subscription_id, account_id, work.order_id, start, work.recorded_at)
    )


def _move(
    batch: Batch,
    work: Work,
    subscription: Subscription,
    account_id: int,
    start: datetime,
    order_type: str,
) -> None:
    _nothing_later(batch, work, subscription, start)
    arrears = batch.arrears(subscription, work.at)
    if arrears and not batch.policy.at("account_change_with_arrears", work.at):
        raise Refused("arrears_unpaid", arrears_fen=arrears)
    before = batch.account_of(subscription, start)
    _record(batch, work, subscription, account_id, start)
    batch.on_record.memberships[subscription.subscription_id].append((start, account_id))
    if account_id != subscription.account_id:
        batch.on_record.guests.add(subscription.subscription_id)
    batch.touch(work, subscription)
    batch.complete(
        work,
        order_type,
        subscription=subscription,
        party=batch.owner(subscription, work.at),
        characteristic={"billingAccount": [before, account_id], "from": start.isoformat()},
    )
