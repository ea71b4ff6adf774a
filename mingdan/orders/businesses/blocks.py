"""Blocks (停机, 复机): suspensions that stack and lift one by one.

Here: adding and lifting blocks, and the product's status that follows. Not
here: paying and new SIMs, which may lift a block too.
"""

from __future__ import annotations

from datetime import datetime

from mingdan.orders import checks
from mingdan.orders.batch import Batch, Work
from mingdan.orders.commands import Resume, Suspend
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.timelines import Span
from mingdan.orders.working_set import Subscription
from mingdan.reference import load


def suspend(batch: Batch, work: Work, command: Suspend) -> None:
    """停机: one more block; its number stays assigned.

    Refused if this reason blocks this direction already.
    """
    reason = checks.one_of("reason", command.reason, _column("suspend_reason", "reason"))
    direction = checks.one_of(
        "direction", command.direction, _column("suspend_direction", "direction")
    )
    subscription = batch.in_service(command.subscription_ref, work)
    for span in batch.on_record.blocks.of(0, subscription.subscription_id):
        if span.what[1:] == (reason, direction) and span.meets(work.at, None):
            if span.holds(work.at):
                raise Refused(
                    "already_blocked",
                    subscription_ref=subscription.ref,
                    reason=reason,
                    direction=direction,
                )
            raise Refused("later_order", subscription_ref=subscription.ref, at=span.valid_from)
    batch.on_record.blocks.begin(
        (subscription.subscription_id, reason, direction),
        work.at,
        subscription.terminated_at,
        *work.stamp,
    )
    settle_status(batch, subscription)
    batch.touch(work, subscription)
    batch.complete(
        work,
        "SUSPEND",
        subscription=subscription,
        party=batch.owner(subscription, work.at),
        characteristic={"reason": reason, "direction": direction},
    )


def resume(batch: Batch, work: Work, command: Resume) -> None:
    """复机: lifts the blocks of one reason, in all directions; other reasons stay.

    Refused if there is none, or for arrears while they are unpaid (policy).
    """
    reason = checks.one_of("reason", command.reason, _column("suspend_reason", "reason"))
    subscription = batch.in_service(command.subscription_ref, work)
    blocks = blocks_at(batch, subscription, reason, work.at)
    if not blocks:
        raise Refused("not_blocked", subscription_ref=subscription.ref, reason=reason)
    if reason == "arrears" and not batch.policy.at("resume_with_arrears", work.at):
        arrears = batch.arrears(subscription, work.at)
        if arrears:
            raise Refused("arrears_unpaid", arrears_fen=arrears)
    lift(batch, work, subscription, blocks)
    batch.touch(work, subscription)
    batch.complete(
        work,
        "RESUME",
        subscription=subscription,
        party=batch.owner(subscription, work.at),
        characteristic={"reason": reason, "direction": sorted(b.what[2] for b in blocks)},
    )


def blocks_at(batch: Batch, subscription: Subscription, reason: str, at: datetime) -> list[Span]:
    """The blocks of one reason in force at `at`."""
    return [
        span
        for span in batch.on_record.blocks.of(0, subscription.subscription_id)
        if span.what[1] == reason and span.holds(at)
    ]


def lift(batch: Batch, work: Work, subscription: Subscription, blocks: list[Span]) -> None:
    """End these blocks at the command's instant."""
    for span in blocks:
        batch.on_record.blocks.cut(span, work.at, *work.stamp)
    settle_status(batch, subscription)


def settle_status(batch: Batch, subscription: Subscription) -> None:
    """Bring the product's status in line with the union of the blocks in force now."""
    if subscription.terminated_at is not None:
        return
    directions = load.by("suspend_direction", "direction")
    suspended = any(
        span.valid_to is None and directions[span.what[2]]["product_state"] == "suspended"
        for span in batch.on_record.blocks.of(0, subscription.subscription_id)
    )
    wanted = "suspended" if suspended else "active"
    if subscription.status != wanted:
        subscription.status = machine("product").walk(subscription.status, wanted)


def _column(table: str, name: str) -> frozenset[str]:
    return frozenset(row[name] for row in load.rows(table))
