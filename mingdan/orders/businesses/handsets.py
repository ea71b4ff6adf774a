"""购买 and 换机身: which handset a subscription may have, and where the old one goes.

Here: the checks and effects of handing one out and taking one back. Not here:
what it costs (`lifecycle/pricing.py`) and handsets in stock (`stock`).
"""

from __future__ import annotations

from mingdan.identifiers import mask_number
from mingdan.orders import checks
from mingdan.orders.batch import Batch, Work
from mingdan.orders.commands import BuyDevice, ReturnDevice, SwapDevice
from mingdan.orders.devices import Device
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.stock import numbering
from mingdan.orders.working_set import Subscription

_BACK = frozenset({"returned", "damaged"})
"""What a handset may be that a customer hands back (`handset_usage.csv`)."""


def buy_device(batch: Batch, work: Work, command: BuyDevice) -> None:
    """购买: a handset out of stock, held by the subscription from `at` on.

    Refused if it is not in stock, not for sale, or held for somebody else.
    """
    subscription = _customer(batch, work, command.subscription_ref)
    device = _free(batch, work, numbering.card(command.imei))
    _hand_out(batch, work, subscription, device)
    _complete(batch, work, "BUY_DEVICE", subscription, None, device)


def swap_device(batch: Batch, work: Work, command: SwapDevice) -> None:
    """换机身: another handset for one the subscription has, which comes back as `old_is`.

    Refused as buying is, and if the old one is not with the subscription.
    """
    old_is = checks.one_of("old_is", command.old_is, _BACK)
    subscription = _customer(batch, work, command.subscription_ref)
    old = numbering.card(command.old_imei)
    device = _free(batch, work, numbering.card(command.imei))
    _take_in(batch, work, subscription, old, old_is)
    _hand_out(batch, work, subscription, device)
    _complete(batch, work, "SWAP_DEVICE", subscription, old, device)


def return_device(batch: Batch, work: Work, command: ReturnDevice) -> None:
    """退机: a handset comes back as `returned`, to be looked at before it is sold again."""
    subscription = _customer(batch, work, command.subscription_ref)
    imei = numbering.card(command.imei)
    _take_in(batch, work, subscription, imei, "returned")
    _complete(batch, work, "RETURN_DEVICE", subscription, imei, None)


def _customer(batch: Batch, work: Work, ref: str) -> Subscription:
    subscription = batch.in_service(checks.words("subscription_ref", ref), work)
    if subscription.terminated_at is not None:
        # A late order does not hand out what nobody could hand back any more.
        raise Refused(
            "subscription_terminated",
            subscription_ref=subscription.ref,
            at=subscription.terminated_at,
        )
    return subscription


def _free(batch: Batch, work: Work, imei: str) -> Device:
    """The handset, if it may be handed out at `at`."""
    devices, shown = batch.on_record.devices, mask_number(imei)
    device = devices.known.get(imei)
    if device is None:
        raise Refused("handset_not_in_stock", imei=shown)
    ours = imei in work.reserved_handsets
    if (
        device.state == "reserved"
        and device.until is not None
        and work.at < device.until
        and not ours
    ):
        raise Refused("handset_reserved", imei=shown, until=device.until)
    later = any(held.valid_to is None or held.valid_to > work.at for held in devices.held[imei])
    returns = imei in work.takes_back and device.usage in _BACK
    if (device.state not in ("available", "reserved") and not returns) or later:
        raise Refused("handset_unavailable", imei=shown, state=device.usage or device.state)
    work.learns(device.changed_at)
    return device


def _hand_out(batch: Batch, work: Work, subscription: Subscription, device: Device) -> None:
    if device.state != "unavailable":
        device.state = machine("handset").walk(device.state, "unavailable")
    device.usage = device.until = None
    _touch(work, device)
    batch.on_record.devices.begin(device.imei, subscription.subscription_id, work.order_id, work.at)


def _take_in(batch: Batch, work: Work, subscription: Subscription, imei: str, usage: str) -> None:
    devices = batch.on_record.devices
    held = devices.holder(imei)
    if (
        held is None
        or held.subscription_id != subscription.subscription_id
        or held.valid_from >= work.at
    ):
        raise Refused("handset_not_held", imei=mask_number(imei), subscription_ref=subscription.ref)
    device = devices.known[imei]
    work.learns(device.changed_at)
    devices.end(held, work.at)
    # Sold and handed back are both `unavailable`: only the usage tells them apart.
    device.usage = usage
    _touch(work, device)


def _touch(work: Work, device: Device) -> None:
    device.changed, device.changed_at = True, work.recorded_at


def _complete(
    batch: Batch,
    work: Work,
    order_type: str,
    subscription: Subscription,
    old: str | None,
    device: Device | None,
) -> None:
    batch.touch(work, subscription)
    batch.complete(
        work,
        order_type,
        subscription=subscription,
        party=batch.owner(subscription, work.at),
        characteristic={
            "productSerialNumber": [old, device.imei if device else None],
            "model": device.model if device else None,
        },
    )
