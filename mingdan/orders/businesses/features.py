"""功能变更: which features a subscription may have, and since when it has them.

Here: the checks against the product, the SIM and the other features, and their
effects. Not here: what a feature needs (`offers/features.py`: data).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from mingdan.identifiers import mask_number
from mingdan.orders import checks
from mingdan.orders.batch import Batch, Work
from mingdan.orders.commands import ChangeFeature
from mingdan.orders.offers.features import Feature, feature
from mingdan.orders.refusals import Refused
from mingdan.orders.timelines import Span
from mingdan.orders.working_set import Resource, Subscription, imsi_text


def change_feature(batch: Batch, work: Work, command: ChangeFeature) -> None:
    """功能变更: features end and begin at `at`, all of them or none.

    Refused for a feature that is unknown, not on sale, not for the product or
    the SIM, there already or (to remove) not there, that needs or excludes
    another one; and before a later change of features.
    """
    subscription = batch.in_service(command.subscription_ref, work)
    add, remove = _codes("add", command.add), _codes("remove", command.remove)
    if (not add and not remove) or set(add) & set(remove):
        raise Refused("invalid_value", field="add", problem="and remove name no change together")
    spans = batch.on_record.features.of(0, subscription.subscription_id)
    for span in spans:
        ends = None if span.valid_to == subscription.terminated_at else span.valid_to
        later = max(span.valid_from, ends or span.valid_from)
        if later > work.at:
            raise Refused("later_order", subscription_ref=subscription.ref, at=later)
    active = {str(span.what[1]): span for span in spans if span.holds(work.at)}
    for code in remove:
        if code not in active:
            raise Refused("feature_not_active", subscription_ref=subscription.ref, feature=code)
    for code in add:
        if code in active:
            raise Refused("feature_active", subscription_ref=subscription.ref, feature=code)
        rule = _offered(code, work.at)
        _for_product(batch, work, subscription, rule)
        _for_sim(batch, _sim_at(batch, subscription, work.at), rule)
    _go_together((set(active) - set(remove)) | set(add), set(add), set(remove), work.at)
    for code in remove:
        batch.on_record.features.cut(active[code], work.at, *work.stamp)
    for code in add:
        what = (subscription.subscription_id, code)
        batch.on_record.features.begin(what, work.at, subscription.terminated_at, *work.stamp)
    batch.touch(work, subscription)
    batch.complete(
        work,
        "CHANGE_FEATURE",
        subscription=subscription,
        party=batch.owner(subscription, work.at),
        characteristic={"add": add, "remove": remove},
    )


def fits_sim(batch: Batch, subscription: Subscription, sim: Resource, at: datetime) -> None:
    """Refuse a SIM that a feature in force at `at` or later cannot do with."""
    for span in batch.on_record.features.of(0, subscription.subscription_id):
        rule = feature(str(span.what[1]), at)
        if rule is not None and span.meets(at, subscription.terminated_at):
            _for_sim(batch, sim, rule)


def fit_offering(batch: Batch, subscription: Subscription, code: str, start: datetime) -> None:
    """Refuse an offering from `start` on that a feature then in force is not to be had with."""
    offering = batch.offerings[code]
    for span in batch.on_record.features.of(0, subscription.subscription_id):
        rule = feature(str(span.what[1]), start)
        if (
            rule is not None
            and span.meets(start, subscription.terminated_at)
            and offering.payment_kind not in rule.payment_kinds
        ):
            raise Refused("feature_not_for_product", feature=rule.code, product_code=code)


def end_features(batch: Batch, work: Work, subscription: Subscription) -> list[Span]:
    """The features that end with the subscription at `at`; refused before a later change."""
    spans = batch.on_record.features.of(0, subscription.subscription_id)
    for span in spans:
        later = max(span.valid_from, span.valid_to or span.valid_from)
        if later > work.at:
            raise Refused("later_order", subscription_ref=subscription.ref, at=later)
    return [span for span in spans if span.valid_to is None]


def _codes(field: str, codes: Iterable[str]) -> list[str]:
    """Feature codes, each once and in one order."""
    if isinstance(codes, str):
        raise Refused("invalid_value", field=field, problem="is not a list of features")
    return sorted({checks.words(field, code) for code in codes})


def _offered(code: str, at: datetime) -> Feature:
    rule = feature(code, at)
    if rule is None:
        raise Refused("unknown_feature", feature=code)
    if not rule.on_sale:
        raise Refused("feature_not_on_sale", feature=code, at=at)
    return rule


def _for_product(batch: Batch, work: Work, subscription: Subscription, rule: Feature) -> None:
    """For what it has now and for what is booked to follow."""
    spans = batch.on_record.offers.of(0, subscription.subscription_id)
    codes = [str(s.what[1]) for s in spans if s.meets(work.at, None)] or [subscription.product_code]
    for code in sorted(codes):
        offering = batch.offerings[code]
        kinds = offering.payment_kind in rule.payment_kinds
        if not kinds or offering.sender_kind not in rule.sender_kinds:
            raise Refused("feature_not_for_product", feature=rule.code, product_code=code)


def _for_sim(batch: Batch, sim: Resource, rule: Feature) -> None:
    """A card stock knows nothing of is no STK card; its capacity is not held against it."""
    capacity, stk = batch.on_record.sim_traits.get(sim.name, (None, None))
    if rule.needs_stk and not stk:
        raise Refused("feature_needs_stk", feature=rule.code, iccid=mask_number(sim.name))
    if rule.needs_sim_k is not None and capacity is not None and capacity < rule.needs_sim_k:
        raise Refused(
            "feature_needs_capacity",
            feature=rule.code,
            needed=rule.needs_sim_k,
            iccid=mask_number(sim.name),
            capacity=capacity,
        )


def _go_together(after: set[str], add: set[str], remove: set[str], at: datetime) -> None:
    """Refuse what the change itself would break; what stood before is left alone."""
    for code in sorted(after):
        rule = feature(code, at)
        if rule is None:
            continue
        for needed in sorted(rule.requires - after):
            if code in add:
                raise Refused("feature_requires", feature=code, needed=needed)
            if needed in remove:
                raise Refused("feature_required_by", feature=needed, other=code)
        for other in sorted(rule.excludes & after):
            if code in add or other in add:
                raise Refused("feature_excluded", feature=code, other=other)


def _sim_at(batch: Batch, subscription: Subscription, at: datetime) -> Resource:
    imsi = batch.holding(subscription, "imsi", at).what[1]
    return batch.on_record.sim_by_imsi[imsi_text(imsi)]
