"""`mingdan order bill`, `pay`, `protect`: facts put on record as they are.

Here: arguments. Not here: money taken at a desk, with a receipt (`account.py`).
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mingdan.cli.counter import (
    AsJson,
    At,
    Channel,
    PolicyFile,
    Ref,
    Subscription,
    carry_out,
    instant,
    request,
    store_at,
)
from mingdan.cli.staff import answering
from mingdan.orders import commands as c


def bill(
    subscription: Subscription,
    amount_fen: Annotated[int, typer.Option(help="Amount in fen (5800 is 58 yuan).")],
    due: Annotated[str, typer.Option(help="When it is due, e.g. 2026-11-20.")],
    *,
    order_ref: Ref = None,
    at: At = None,
    channel: Channel = "billing",
    as_json: AsJson = False,
) -> None:
    """出账: a bill on the subscription's account.

    Example:

        mingdan order bill S9 --amount-fen 5800 --due 2026-11-20
    """
    with answering(as_json), store_at(None) as store:
        ref = store.subscription_ref(subscription)
        due_at = instant("--due", due)
        command = c.Charge(
            **request(order_ref, at, channel),
            subscription_ref=ref,
            amount_fen=amount_fen,
            due_at=due_at,
        )
        carry_out(store, command, as_json=as_json)


def pay(
    subscription: Subscription,
    amount_fen: Annotated[int, typer.Option(help="Amount in fen (5800 is 58 yuan).")],
    *,
    order_ref: Ref = None,
    at: At = None,
    channel: Channel = "counter",
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """收通信费: a payment; the oldest bills first. Settled arrears lift their block.

    Example:

        mingdan order pay S9 --amount-fen 5800 --order-ref receipt-77
    """
    with answering(as_json), store_at(policy) as store:
        ref = store.subscription_ref(subscription)
        command = c.Pay(
            **request(order_ref, at, channel), subscription_ref=ref, amount_fen=amount_fen
        )
        carry_out(store, command, as_json=as_json)


def protect(
    party: Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's reference.")],
    *,
    scope: Annotated[str, typer.Option(help="credit, spam or all.")],
    until: Annotated[str, typer.Option(help="Its end, e.g. 2027-11-01.")],
    maker: Annotated[str, typer.Option(help="Role that asks for it.")],
    checker: Annotated[
        str | None, typer.Option(help="Role that approves; without one it has no effect.")
    ] = None,
    order_ref: Ref = None,
    at: At = None,
    channel: Channel = "counter",
    as_json: AsJson = False,
) -> None:
    """红名单: protect a customer in a scope until a day.

    CUSTOMER is the ordering system's reference.

    Example:

        mingdan order protect P9 --scope spam --until 2027-11-01
        --maker key_account_manager --checker director
    """
    values: dict[str, Any] = {"scope": scope, "maker": maker, "checker": checker}
    command = c.Protect(
        **request(order_ref, at, channel),
        party_ref=party,
        until=instant("--until", until),
        **values,
    )
    with answering(as_json), store_at(None) as store:
        carry_out(store, command, as_json=as_json)
