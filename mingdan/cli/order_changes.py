"""`mingdan order change-number`, `swap-sim`, `suspend`, `resume`, `terminate`.

Here: arguments. Not here: who holds a subscription (`order_holders.py`), checks and
effects (`mingdan.orders`).
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mingdan.cli.counter import (
    AsJson,
    At,
    Channel,
    PolicyFile,
    Reason,
    Ref,
    Subscription,
    request,
    store_at,
)
from mingdan.cli.staff import Interface, Role, answering
from mingdan.cli.taking import By, PaidFen, Who, take
from mingdan.orders import commands as c


def change_number(
    subscription: Subscription,
    msisdn: Annotated[str, typer.Option(help="The new number.")],
    *,
    order_ref: Ref = None,
    at: At = None,
    channel: Channel = "counter",
    policy: PolicyFile = None,
    who: Who = None,
    role: Role = "counter",
    interface: Interface = None,
    amount_fen: PaidFen = None,
    as_json: AsJson = False,
) -> None:
    """改号: another number for the same subscription.

    Example:

        mingdan order change-number S9 --msisdn 13800138001
    """
    with answering(as_json), store_at(policy) as store:
        ref = store.subscription_ref(subscription)
        command = c.ChangeNumber(
            **request(order_ref, at, channel), subscription_ref=ref, msisdn=msisdn
        )
        take(store, command, By(who, role, interface, amount_fen), as_json=as_json)


def swap_sim(
    subscription: Subscription,
    imsi: Annotated[str, typer.Option(help="The new SIM's IMSI.")],
    iccid: Annotated[str, typer.Option(help="The new SIM's ICCID.")],
    *,
    reason: Annotated[str, typer.Option(help="swap (换卡) or replace (补卡).")] = "swap",
    order_ref: Ref = None,
    at: At = None,
    channel: Channel = "counter",
    policy: PolicyFile = None,
    who: Who = None,
    role: Role = "counter",
    interface: Interface = None,
    amount_fen: PaidFen = None,
    as_json: AsJson = False,
) -> None:
    """换卡 / 补卡: another SIM for the same number.

    Example:

        mingdan order swap-sim S9 --imsi 460001234567891
        --iccid 89860012345678901242 --reason replace
    """
    with answering(as_json), store_at(policy) as store:
        ref = store.subscription_ref(subscription)
        values: dict[str, Any] = {"imsi": imsi, "iccid": iccid, "reason": reason}
        command = c.SwapSim(**request(order_ref, at, channel), subscription_ref=ref, **values)
        take(store, command, By(who, role, interface, amount_fen), as_json=as_json)


def suspend(
    subscription: Subscription,
    reason: Reason,
    *,
    direction: Annotated[str, typer.Option(help="out, in, both or sms_out.")] = "both",
    order_ref: Ref = None,
    at: At = None,
    channel: Channel = "counter",
    policy: PolicyFile = None,
    who: Who = None,
    role: Role = "counter",
    interface: Interface = None,
    amount_fen: PaidFen = None,
    as_json: AsJson = False,
) -> None:
    """停机: add a block; blocks of several reasons stack.

    Example:

        mingdan order suspend 13800138000 --reason lost
    """
    with answering(as_json), store_at(policy) as store:
        ref = store.subscription_ref(subscription)
        values: dict[str, Any] = {"reason": reason, "direction": direction}
        command = c.Suspend(**request(order_ref, at, channel), subscription_ref=ref, **values)
        take(store, command, By(who, role, interface, amount_fen), as_json=as_json)


def resume(
    subscription: Subscription,
    reason: Reason,
    *,
    order_ref: Ref = None,
    at: At = None,
    channel: Channel = "counter",
    policy: PolicyFile = None,
    who: Who = None,
    role: Role = "counter",
    interface: Interface = None,
    amount_fen: PaidFen = None,
    as_json: AsJson = False,
) -> None:
    """复机: lift the blocks of one reason; others stay.

    Example:

        mingdan order resume 13800138000 --reason lost
    """
    with answering(as_json), store_at(policy) as store:
        ref = store.subscription_ref(subscription)
        values: dict[str, Any] = {"reason": reason}
        command = c.Resume(**request(order_ref, at, channel), subscription_ref=ref, **values)
        take(store, command, By(who, role, interface, amount_fen), as_json=as_json)


def terminate(
    subscription: Subscription,
    *,
    order_ref: Ref = None,
    at: At = None,
    channel: Channel = "counter",
    policy: PolicyFile = None,
    who: Who = None,
    role: Role = "counter",
    interface: Interface = None,
    amount_fen: PaidFen = None,
    as_json: AsJson = False,
) -> None:
    """销号: end a subscription; its number rests, its debts stay.

    Example:

        mingdan order terminate S9
    """
    with answering(as_json), store_at(policy) as store:
        ref = store.subscription_ref(subscription)
        command = c.Terminate(**request(order_ref, at, channel), subscription_ref=ref)
        take(store, command, By(who, role, interface, amount_fen), as_json=as_json)
