"""Numbers and SIMs: 改号, 换卡, 补卡, and what a resource is free for.

Here: who may take a number or SIM, and the states they come to. Not here:
opening and ending subscriptions (`opening.py`, `ending.py`).
"""

from __future__ import annotations

from datetime import datetime

from mingdan.identifiers import mask_number
from mingdan.orders import checks
from mingdan.orders.batch import Batch, Work
from mingdan.orders.businesses.blocks import blocks_at, lift
from mingdan.orders.businesses.features import fits_sim
from mingdan.orders.commands import ChangeNumber, SwapSim
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.working_set import Resource, imsi_text


def change_number(batch: Batch, work: Work, command: ChangeNumber) -> None:
    """改号: another number from `at` on; the old one begins to age.

    Refused if the number is held, resting, reserved or withdrawn.
    """
    subscription = batch.in_service(command.subscription_ref, work)
    code = subscription.product_code
    name = checks.number(command.msisdn, code, batch.offerings[code].sender_kind)
    old = batch.holding(subscription, "msisdn", work.at)
    if old.what[1] == int(name):
        raise Refused(
            "number_unchanged", subscription_ref=subscription.ref, number=mask_number(name)
        )
    number = free_number(batch, work, name, until=old.valid_to)
    former = batch.on_record.numbers[str(old.what[1])]
    work.learns(former.changed_at)
    timeline = batch.on_record.number_holdings
    end, subscription_id = old.valid_to, subscription.subscription_id
    timeline.cut(old, work.at, *work.stamp)
    timeline.begin(("msisdn", int(name), subscription_id), work.at, end, *work.stamp)
    settle_number(batch, former)
    settle_number(batch, number)
    batch.touch(work, subscription, former, number)
    batch.complete(
        work,
        "CHANGE_NUMBER",
        subscription=subscription,
        party=batch.owner(subscription, work.at),
        characteristic={"msisdn": [str(old.what[1]), name]},
    )


def swap_sim(batch: Batch, work: Work, command: SwapSim) -> None:
    """换卡 / 补卡: another SIM and IMSI from `at` on, same number.

    The old SIM is `replaced` (swap) or `lost` (replace); a replacement lifts the
    block for loss (policy). Refused if the SIM is held, spent or known with another IMSI.
    """
    reason = checks.one_of("reason", command.reason, frozenset({"swap", "replace"}))
    subscription = batch.in_service(command.subscription_ref, work)
    imsi, iccid = checks.sim(command.imsi, command.iccid)
    old = batch.holding(subscription, "imsi", work.at)
    former = batch.on_record.sim_by_imsi[imsi_text(old.what[1])]
    if former.name == iccid or former.imsi == imsi:
        raise Refused("sim_unchanged", subscription_ref=subscription.ref, iccid=mask_number(iccid))
    sim = free_sim(batch, work, imsi, iccid, until=old.valid_to)
    fits_sim(batch, subscription, sim, work.at)
    work.learns(former.changed_at)
    timeline, end = batch.on_record.number_holdings, old.valid_to
    timeline.cut(old, work.at, *work.stamp)
    timeline.begin(("imsi", int(imsi), subscription.subscription_id), work.at, end, *work.stamp)
    if reason == "replace" and batch.policy.at("replacement_lifts_lost_block", work.at):
        lift(batch, work, subscription, blocks_at(batch, subscription, "lost", work.at))
    settle_sim(batch, former, "lost" if reason == "replace" else "replaced")
    settle_sim(batch, sim, "replaced")
    batch.touch(work, subscription, former, sim)
    batch.complete(
        work,
        "SIM_REPLACE" if reason == "replace" else "SIM_SWAP",
        subscription=subscription,
        party=batch.owner(subscription, work.at),
        characteristic={
            "iccid": [former.name, iccid],
            "imsi": [former.imsi, imsi],
            "reasonCode": reason,
        },
    )


def free_number(batch: Batch, work: Work, name: str, *, until: datetime | None) -> Resource:
    """The number, if it may be held during `[at, until)`; new to the stock if unknown."""
    known, returns = batch.on_record, name in work.takes_back
    number = known.numbers.get(name)
    if (
        (number is None or not number.from_stock)
        and batch.policy.at("only_from_stock", work.at)
        and not returns
    ):
        raise Refused("number_not_in_stock", number=mask_number(name))
    if number is None:
        return Resource(name, None, "available", None, None, None, stored=False)
    spans = known.number_holdings.of(0, "msisdn", int(name))
    if any(span.meets(work.at, until) for span in spans):
        raise Refused("number_in_use", number=mask_number(name))
    if number.state in ("blocked", "retired"):
        raise Refused("number_unavailable", number=mask_number(name), state=number.state)
    if (
        number.state == "reserved"
        and number.until is not None
        and work.at < number.until
        and name not in work.reserved_numbers
    ):
        raise Refused("number_reserved", number=mask_number(name), until=number.until)
    if number.licensed_until is not None and work.at >= number.licensed_until:
        raise Refused("licence_ended", number=mask_number(name), until=number.licensed_until)
    ends = [span.valid_to for span in spans if span.valid_to and span.valid_to <= work.at]
    if ends:
        last = max(ends)
        rests = number.until if number.state == "aging" else last + batch.policy.ageing(last)
        if rests is not None and work.at < rests and not returns:
            raise Refused("number_ageing", number=mask_number(name), until=rests)
    work.learns(number.changed_at)
    return number


def settle_number(batch: Batch, number: Resource) -> None:
    """Bring a number's state in line with who holds it now."""
    known = batch.on_record
    known.numbers[number.name] = number
    spans = known.number_holdings.of(0, "msisdn", int(number.name))
    holder = next((span for span in spans if span.valid_to is None), None)
    step = machine("msisdn").walk
    if holder is not None:
        if number.state != "in_service":
            state = number.state
            if state in ("aging", "reserved"):
                state = step(state, "available")
            number.state = step(state, "reserved", "in_service")
        number.until, number.subscription_id = None, holder.what[2]
        return
    number.subscription_id = None
    ends = [span.valid_to for span in spans if span.valid_to is not None]
    if not ends:
        # A late order took away its only holding: it was never in service.
        number.state, number.until = "available", None
        return
    if number.state in ("available", "reserved"):
        number.state = step("available", "reserved", "in_service")
    if number.state == "in_service":
        number.state = step("in_service", "aging")
    number.until = max(ends) + batch.policy.ageing(max(ends))


def free_sim(
    batch: Batch, work: Work, imsi: str, iccid: str, *, until: datetime | None
) -> Resource:
    """The SIM, if it may be held during `[at, until)`; new to the stock if unknown."""
    known, returns = batch.on_record, iccid in work.takes_back
    sim, twin = known.sims.get(iccid), known.sim_by_imsi.get(imsi)
    if (
        (sim is None or not sim.from_stock)
        and batch.policy.at("only_from_stock", work.at)
        and not returns
    ):
        raise Refused("sim_not_in_stock", iccid=mask_number(iccid))
    if sim is None and twin is None:
        return Resource(iccid, imsi, "in_stock", None, None, None, stored=False)
    if sim is not twin:
        other = twin if sim is None else sim
        held = other is not None and other.state == "in_use"
        raise Refused("sim_in_use" if held else "sim_mismatch", iccid=mask_number(iccid))
    assert sim is not None  # noqa: S101 - both unknown was answered above
    if sim.state == "in_use":
        raise Refused("sim_in_use", iccid=mask_number(iccid))
    ours = iccid in work.reserved_sims
    expired = sim.until is not None and work.at >= sim.until
    free = sim.state == "in_stock" or (returns and sim.state in ("replaced", "scrapped"))
    if not free and not (sim.state == "reserved" and (ours or expired)):
        raise Refused("sim_unavailable", iccid=mask_number(iccid), state=sim.state)
    if any(s.meets(work.at, until) for s in known.number_holdings.of(0, "imsi", int(imsi))):
        raise Refused("sim_in_use", iccid=mask_number(iccid))
    work.learns(sim.changed_at)
    return sim


def settle_sim(batch: Batch, sim: Resource, spent: str) -> None:
    """Bring a SIM's state in line with who holds its IMSI now; `spent` if nobody does."""
    known = batch.on_record
    known.add_sim(sim)
    assert sim.imsi is not None  # noqa: S101 - a SIM has one; only numbers do not
    spans = known.number_holdings.of(0, "imsi", int(sim.imsi))
    holder = next((span for span in spans if span.valid_to is None), None)
    step = machine("sim").walk
    if sim.state in ("replaced", "scrapped") and holder is not None:
        sim.state = step(sim.state, "in_stock")
    if sim.state in ("in_stock", "reserved"):
        free = sim.state if sim.state == "in_stock" else step(sim.state, "in_stock")
        sim.state = step(free, "reserved", "in_use")
    if holder is None and sim.state == "in_use":
        sim.state = step("in_use", spent)
    sim.subscription_id = holder.what[2] if holder else None
    sim.until = None
