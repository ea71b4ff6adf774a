"""The end of a subscription: 销号.

Here: what ends with it. Not here: how long its number rests (`resources.py`).
"""

from __future__ import annotations

from mingdan.orders.batch import Batch, Work
from mingdan.orders.businesses.features import end_features
from mingdan.orders.businesses.offers import end_offers
from mingdan.orders.businesses.resources import settle_number, settle_sim
from mingdan.orders.businesses.sharing import end_account_changes
from mingdan.orders.commands import Terminate
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.working_set import imsi_text


def terminate(batch: Batch, work: Work, command: Terminate) -> None:
    """销号: the subscription ends; its number ages, its SIM is scrapped, debts stay.

    Refused if something about it takes effect after `at`, or nothing before it.
    """
    subscription = batch.in_service(command.subscription_ref, work)
    if work.at == subscription.activated_at:
        raise Refused("not_in_service", subscription_ref=subscription.ref, at=work.at)
    known, subscription_id = batch.on_record, subscription.subscription_id
    numbers = [
        span
        for kind in ("msisdn", "imsi")
        for span in known.number_holdings.of(1, subscription_id, kind)
    ]
    owners, blocks = known.owners.of(0, subscription_id), known.blocks.of(0, subscription_id)
    for span in (*numbers, *owners, *blocks):
        later = max(span.valid_from, span.valid_to or span.valid_from)
        if later > work.at:
            raise Refused("later_order", subscription_ref=subscription.ref, at=later)
    features = end_features(batch, work, subscription)
    holder = batch.owner(subscription, work.at)
    number = known.numbers[str(batch.holding(subscription, "msisdn", work.at).what[1])]
    imsi = batch.holding(subscription, "imsi", work.at).what[1]
    sim = known.sim_by_imsi[imsi_text(imsi)]
    work.learns(number.changed_at, sim.changed_at)
    for timeline, spans in (
        (known.number_holdings, numbers),
        (known.owners, owners),
        (known.blocks, blocks),
        (known.features, features),
    ):
        for span in [s for s in spans if s.valid_to is None]:
            timeline.cut(span, work.at, *work.stamp)
    end_offers(batch, work, subscription)
    end_account_changes(batch, work, subscription)
    known.in_service[holder.document] -= 1
    subscription.status = machine("product").walk(
        subscription.status, "pendingTerminate", "terminated"
    )
    subscription.terminated_at = work.at
    subscription.termination_recorded_at = work.recorded_at
    settle_number(batch, number)
    settle_sim(batch, sim, "scrapped")
    batch.touch(work, subscription, number, sim)
    batch.complete(
        work,
        "TERMINATE",
        subscription=subscription,
        party=holder,
        characteristic={"msisdn": [number.name, None], "iccid": [sim.name, None]},
    )
