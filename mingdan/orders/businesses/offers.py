"""优惠变更: another offering for a subscription, now or from the next billing cycle on.

Here: the checks and effects of changing an offering and of taking back a change
yet to come. Not here: when a cycle begins (`offers/cycle.py`) and which offer
suits a customer (`offers/recommend.py`).

A change for the next cycle is on record at once with the instant from which it
holds; nothing has to happen at that instant.
"""

from __future__ import annotations

from datetime import datetime

from mingdan.calendar import business_day
from mingdan.orders import checks
from mingdan.orders.batch import Batch, Work
from mingdan.orders.businesses.features import fit_offering
from mingdan.orders.commands import CancelOfferChange, ChangeOffer
from mingdan.orders.offers.cycle import next_cycle
from mingdan.orders.refusals import Refused
from mingdan.orders.timelines import Span
from mingdan.orders.working_set import Offering, Subscription

_WHEN = frozenset({"now", "next_cycle"})


def change_offer(batch: Batch, work: Work, command: ChangeOffer) -> None:
    """优惠变更: another offering from `at` or from the next billing cycle on (migratesTo).

    Refused if it is the same, unknown, not on sale, for another kind of line or
    (policy) payment, at odds with a feature, while arrears are unpaid (policy)
    or another change is yet to come.
    """
    when = checks.one_of("when", command.when, _WHEN)
    subscription = batch.in_service(command.subscription_ref, work)
    start = work.at if when == "now" else next_cycle(batch.policy, work.at)
    if subscription.terminated_at is not None and start >= subscription.terminated_at:
        raise Refused(
            "subscription_terminated",
            subscription_ref=subscription.ref,
            at=subscription.terminated_at,
        )
    spans = batch.on_record.offers.of(0, subscription.subscription_id)
    _nothing_later(subscription, spans, work)
    current = next((span for span in spans if span.holds(work.at)), None)
    code = subscription.product_code if current is None else str(current.what[1])
    chosen = _chosen(batch, work, subscription, code, command.product_code, start)
    arrears = batch.arrears(subscription, work.at)
    if arrears and not batch.policy.at("offer_change_with_arrears", work.at):
        raise Refused("arrears_unpaid", arrears_fen=arrears)
    fit_offering(batch, subscription, chosen.code, start)
    offers, subscription_id = batch.on_record.offers, subscription.subscription_id
    if current is not None:
        offers.cut(current, start, *work.stamp)
    elif subscription.activated_at < start:
        offers.begin((subscription_id, code), subscription.activated_at, start, *work.stamp)
    what = (subscription_id, chosen.code)
    offers.begin(what, start, subscription.terminated_at, *work.stamp)
    batch.touch(work, subscription)
    batch.complete(
        work,
        "CHANGE_OFFER",
        subscription=subscription,
        party=batch.owner(subscription, work.at),
        characteristic={"productOffering": [code, chosen.code], "from": start.isoformat()},
    )


def cancel_offer_change(batch: Batch, work: Work, command: CancelOfferChange) -> None:
    """The offer change yet to come does not take effect; what it was to end goes on.

    Refused if there is none, or if the store learns of it after it took effect.
    """
    subscription = batch.in_service(command.subscription_ref, work)
    spans = batch.on_record.offers.of(0, subscription.subscription_id)
    pending = next((span for span in spans if span.valid_from > work.recorded_at), None)
    if pending is None or pending.valid_from <= work.at:
        raise Refused("no_pending_offer_change", subscription_ref=subscription.ref)
    going_on = next(span for span in spans if span.valid_to == pending.valid_from)
    offers = batch.on_record.offers
    offers.cut(pending, pending.valid_from, *work.stamp)
    offers.cut(going_on, going_on.valid_from, *work.stamp)
    offers.begin(going_on.what, going_on.valid_from, pending.valid_to, *work.stamp)
    batch.touch(work, subscription)
    batch.complete(
        work,
        "CANCEL_OFFER_CHANGE",
        subscription=subscription,
        party=batch.owner(subscription, work.at),
        characteristic={
            "productOffering": [pending.what[1], going_on.what[1]],
            "from": pending.valid_from.isoformat(),
        },
    )


def end_offers(batch: Batch, work: Work, subscription: Subscription) -> None:
    """End the offering in force with the subscription at `at`; one yet to come never begins."""
    offers = batch.on_record.offers
    for span in list(offers.of(0, subscription.subscription_id)):
        if span.valid_to is None or span.valid_to > work.at:
            offers.cut(span, max(span.valid_from, work.at), *work.stamp)


def _nothing_later(subscription: Subscription, spans: list[Span], work: Work) -> None:
    for span in spans:
        if span.valid_from > work.recorded_at:
            raise Refused(
                "offer_change_pending",
                subscription_ref=subscription.ref,
                product_code=span.what[1],
                at=span.valid_from,
            )
        if span.valid_from > work.at:
            raise Refused("later_order", subscription_ref=subscription.ref, at=span.valid_from)


def _chosen(
    batch: Batch, work: Work, subscription: Subscription, present: str, wanted: str, start: datetime
) -> Offering:
    chosen = batch.offerings.get(wanted)
    if chosen is None:
        raise Refused("unknown_product", product_code=checks.words("product_code", wanted))
    if wanted == present:
        raise Refused("offer_unchanged", subscription_ref=subscription.ref, product_code=wanted)
    if business_day(start) < chosen.valid_from:
        raise Refused("product_not_on_sale", product_code=wanted, valid_from=chosen.valid_from)
    old, problem = batch.offerings[present], None
    if chosen.sender_kind != old.sender_kind:
        problem = f"it is for {chosen.sender_kind}, not for {old.sender_kind}"
    elif chosen.payment_kind != old.payment_kind and not batch.policy.at(
        "offer_change_between_payment_kinds", work.at
    ):
        problem = f"it is {chosen.payment_kind}, not {old.payment_kind}"
    if problem is not None:
        raise Refused(
            "offer_not_for_subscription",
            product_code=wanted,
            subscription_ref=subscription.ref,
            problem=problem,
        )
    return chosen
