"""Refunds (退通信费): a payment back, never more than was paid.

Here: how much of a payment can be given back, and from which accounts. Not
here: to whom and how (`money/refunds.py`).
"""

from __future__ import annotations

from mingdan.orders import checks
from mingdan.orders.batch import Batch, Work
from mingdan.orders.commands import Refund
from mingdan.orders.refusals import Refused


def refund(batch: Batch, work: Work, command: Refund) -> None:
    """退通信费: part or all of the payment `payment_ref` of the same subscription.

    Refused beyond what is left of that payment, beyond what bills have left on
    the account (policy), for a redeemed voucher while the subscription lives
    (policy), and before the payment was made.
    """
    fen = checks.amount("amount_fen", command.amount_fen)
    ref = checks.words("payment_ref", command.payment_ref)
    subscription = batch.known(command.subscription_ref, work)
    known = batch.on_record
    paid = known.paid.get(ref)
    if paid is None or paid.subscription_id != subscription.subscription_id:
        raise Refused("unknown_payment", payment_ref=ref)
    if work.at < paid.paid_at:
        raise Refused("invalid_value", field="at", problem="is before the payment")
    if (
        paid.order_type == "TOPUP_VOUCHER"
        and subscription.terminated_at is None
        and not batch.policy.at("refund_vouchers", work.at)
    ):
        raise Refused("voucher_not_refundable", payment_ref=ref)
    chosen = command.account_id
    given = {a: part for a, part in paid.left.items() if chosen is None or a == chosen}
    left = sum(given.values())
    if fen > left:
        raise Refused("refund_exceeds_payment", payment_ref=ref, left_fen=left)
    parts = {a: min(part, max(0, known.accounts[a].balance())) for a, part in given.items()}
    free = sum(parts.values())
    if fen > free:
        if not batch.policy.at("refund_beyond_balance", work.at):
            raise Refused("refund_exceeds_balance", balance_fen=free)
        parts = given

    rest = fen
    for account_id, most in list(parts.items()):
        part = min(rest, most)
        if part:
            rest -= part
            paid.left[account_id] -= part
            known.accounts[account_id].payments.append((work.at, -part))
            batch.rows.refunds.append(
                (account_id, work.order_id, paid.order_id, part, work.at, work.recorded_at)
            )
    batch.complete(
        work,
        "REFUND",
        subscription=subscription,
        party=batch.owner(subscription, work.at),
        characteristic={"amount": fen, "payment": ref},
    )
