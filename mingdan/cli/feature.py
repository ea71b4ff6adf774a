"""`mingdan feature`: a subscription's features (功能).

Here: arguments and printing. Not here: what a feature needs
(`mingdan/reference/feature.csv`) and the order a change is.
"""

from __future__ import annotations

from typing import Annotated

import typer

from mingdan.cli.counter import AsJson, Channel, PolicyFile, Ref, Subscription, store_at
from mingdan.cli.offer import frame_of, print_order
from mingdan.cli.staff import (
    As,
    Interface,
    Role,
    When,
    actor,
    answering,
    moment,
    print_json,
    print_table,
)
from mingdan.orders.commands import ChangeFeature
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.offers.desk import OfferDesk
from mingdan.orders.offers.features import features
from mingdan.orders.offers.recommend import yuan

app = typer.Typer(help="Features: what a subscription has, more, less.", no_args_is_help=True)

Codes = Annotated[list[str], typer.Argument(help="Feature codes (mingdan feature show).")]


@app.command()
def add(
    subscription: Subscription,
    codes: Codes,
    *,
    order_ref: Ref = None,
    channel: Channel = "counter",
    policy: PolicyFile = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """功能变更: features begin, all of them or none.

    Example:

        mingdan feature add 13800138000 international_call international_roaming --as li.na
    """
    with answering(as_json), store_at(policy) as store:
        frame = frame_of(store, subscription, order_ref, channel, at)
        command = ChangeFeature(**frame, add=tuple(codes))
        acting = actor(who, role, interface)
        print_order(OrderDesk(store).run(command, actor=acting, at=moment(at)), as_json)


@app.command()
def remove(
    subscription: Subscription,
    codes: Codes,
    *,
    order_ref: Ref = None,
    channel: Channel = "counter",
    policy: PolicyFile = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """功能变更: features end, all of them or none.

    Example:

        mingdan feature remove 13800138000 voicemail --as li.na
    """
    with answering(as_json), store_at(policy) as store:
        frame = frame_of(store, subscription, order_ref, channel, at)
        command = ChangeFeature(**frame, remove=tuple(codes))
        acting = actor(who, role, interface)
        print_order(OrderDesk(store).run(command, actor=acting, at=moment(at)), as_json)


@app.command()
def show(
    subscription: Annotated[
        str | None, typer.Argument(help="Its number, reference or key; none: all there are.")
    ] = None,
    *,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """The features of a subscription and its offer; without one, all features there are.

    Examples:

        mingdan feature show

        mingdan feature show 13800138000
    """
    if subscription is None:
        rules = features(moment(at))
        if as_json:
            print_json(rules)
            return
        heads = ("code", "name", "yuan a month", "for", "needs", "excludes", "card")
        print_table("features", heads, [
            (r.code, f"{r.name_zh} {r.name}" + ("" if r.on_sale else " (no longer sold)"),
             yuan(r.monthly_fee_fen), " ".join(sorted(r.payment_kinds)),
             " ".join(sorted(r.requires)), " ".join(sorted(r.excludes)),
             ("STK " if r.needs_stk else "") + (f"{r.needs_sim_k}K" if r.needs_sim_k else ""))
            for r in rules
        ])  # fmt: skip
        return
    with answering(as_json), store_at(None) as store:
        found = OfferDesk(store).equipment(subscription, moment(at))
    if as_json:
        print_json(found)
        return
    key = found.subscription_id
    held = [(o.code, o.since, o.until) for o in found.offers]
    print_table(f"offers of {key}", ("offer", "since", "until"), held)
    print_table(
        f"features of {key}",
        ("feature", "name", "since", "yuan a month"),
        [(f.code, f.name_zh, f.since, yuan(f.monthly_fee_fen)) for f in found.features],
    )
