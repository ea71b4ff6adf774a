"""销号撤回: a subscription that was ended goes on as if it had not been.

Here: what a 销号 taken back (冲正) restores. Not here: whether it may be taken back
(`lifecycle/reversal.py`) and money that was settled meanwhile, which stays given back.
"""

from __future__ import annotations

from mingdan.identifiers import mask_number
from mingdan.orders.batch import Batch, Work
from mingdan.orders.businesses.blocks import settle_status
from mingdan.orders.businesses.opening import new_holder
from mingdan.orders.businesses.resources import (
    free_number,
    free_sim,
    settle_number,
    settle_sim,
)
from mingdan.orders.commands import Reinstate
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.timelines import Span, Timelines


def reinstate(batch: Batch, work: Work, command: Reinstate) -> None:
    """销号撤回: everything that ended with the subscription never ended.

    What was believed meanwhile stays on record. An offer change that was yet to
    come is not arranged again. Refused for what a new holder, the number or the
    SIM of an opening would be refused for; that the number rests and the SIM is
    scrapped is no reason.
    """
    subscription = batch.known(command.subscription_ref, work)
    known, ended = batch.on_record, subscription.terminated_at
    if ended is None:
        raise Refused("not_terminated", subscription_ref=subscription.ref)
    key = subscription.subscription_id
    restored: list[tuple[Timelines, Span]] = [
        (timeline, span)
        for timeline, spans in (
            (known.number_holdings, known.number_holdings.of(1, key, "msisdn")),
            (known.number_holdings, known.number_holdings.of(1, key, "imsi")),
            (known.owners, known.owners.of(0, key)),
            (known.blocks, known.blocks.of(0, key)),
            (known.features, known.features.of(0, key)),
            (known.offers, known.offers.of(0, key)),
        )
        for span in spans
        if span.order_id == command.termination_id and span.valid_to == ended
    ]
    held = {span.what for timeline, span in restored if timeline is known.number_holdings}
    wanted = {("msisdn", int(command.msisdn), key), ("imsi", int(command.imsi), key)}
    if held != wanted:
        raise Refused("later_order", subscription_ref=subscription.ref, at=ended)
    party = new_holder(batch, work, command.party)
    number = free_number(batch, work, command.msisdn, until=None)
    sim = free_sim(batch, work, command.imsi, command.iccid, until=None)
    for kind, value, _ in wanted:
        # Since its end, too: that is filled again.
        if any(span.meets(ended, None) for span in known.number_holdings.of(0, kind, value)):
            if kind == "msisdn":
                raise Refused("number_in_use", number=mask_number(number.name))
            raise Refused("sim_in_use", iccid=mask_number(sim.name))
    for timeline, span in restored:
        timeline.cut(span, span.valid_from, *work.stamp)
        timeline.begin(span.what, span.valid_from, None, *work.stamp)
    known.in_service[party.document] += 1
    subscription.terminated_at = subscription.termination_recorded_at = None
    subscription.status = machine("product").walk(subscription.status, "active")
    settle_status(batch, subscription)
    settle_number(batch, number)
    settle_sim(batch, sim, "scrapped")
    batch.touch(work, subscription, number, sim)
    batch.complete(
        work,
        "REINSTATE",
        subscription=subscription,
        party=party,
        characteristic={
            "msisdn": [None, number.name],
            "iccid": [None, sim.name],
            "from": ended.isoformat(),
        },
        since=ended,
    )
