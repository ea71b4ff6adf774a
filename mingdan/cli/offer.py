"""`mingdan offer`: what there is, what it costs, what suits a customer, and changing it.

Here: arguments and printing. Not here: prices and recommendations
(`mingdan.orders.offers`), the order a change is (`mingdan.orders.lifecycle`).
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mingdan.cli.counter import AsJson, Channel, PolicyFile, Ref, Subscription, cli_ref, store_at
from mingdan.cli.offer_prices import add_price
from mingdan.cli.offer_usage import used_of_late
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
    shown,
)
from mingdan.errors import WrongUsage
from mingdan.orders.commands import AnyCommand, CancelOfferChange, ChangeOffer
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.lifecycle.views import OrderView
from mingdan.orders.offers.desk import OfferDesk
from mingdan.orders.offers.recommend import Advice, Needs, yuan
from mingdan.orders.store import OrderStore
from mingdan.settings import Settings

app = typer.Typer(help="Offers: list, price, recommend and change them.", no_args_is_help=True)


@app.command("list")
def list_offers(*, at: When = None, as_json: AsJson = False) -> None:
    """What can be ordered, with its fee and terms a month.

    Example:

        mingdan offer list
    """
    with answering(as_json), store_at(None) as store:
        offers = OfferDesk(store).offers(moment(at))
    if as_json:
        print_json(offers)
        return
    print_table(
        "offers",
        ("code", "name", "paid", "line", "yuan", "minutes", "messages", "MB", "on sale from"),
        [
            (o.code, f"{o.name_zh} {o.name}", o.payment_kind, o.sender_kind,
             yuan(o.monthly_fee_fen), o.minutes, o.messages, o.megabytes, o.on_sale_from)
            for o in offers
        ],
    )  # fmt: skip


@app.command()
def quote(
    product: Annotated[str, typer.Argument(help="Product code (mingdan offer list).")],
    business: Annotated[str, typer.Argument(help="e.g. OPEN (reference/order_type.csv).")],
    *,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """What a business costs for a product at an instant.

    Example:

        mingdan offer quote POSTPAID OPEN
    """
    with answering(as_json), store_at(None) as store:
        charges = OfferDesk(store).quote(product, business, moment(at))
    if as_json:
        total = sum(charge.amount_fen for charge in charges)
        print_json({"product": product, "business": business, "charges": charges, "fen": total})
        return
    lines = [(c.code, f"{c.name_zh} {c.name}", yuan(c.amount_fen)) for c in charges]
    summed = yuan(sum(charge.amount_fen for charge in charges))
    print_table(f"{business} of {product}", ("charge", "name", "yuan"), [*lines, ("", "", summed)])


app.command()(add_price)


@app.command()
def change(
    subscription: Subscription,
    product: Annotated[str, typer.Option(help="Product code (mingdan offer list).")] = "",
    *,
    next_cycle: Annotated[
        bool, typer.Option("--next-cycle", help="From the next billing cycle on, not now.")
    ] = False,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Take back the change yet to come.")
    ] = False,
    order_ref: Ref = None,
    channel: Channel = "counter",
    policy: PolicyFile = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """优惠变更: another offer, now or from the next billing cycle on.

    Examples:

        mingdan offer change 13800138000 --product POSTPAID_5G --next-cycle --as li.na

        mingdan offer change 13800138000 --cancel --as li.na
    """
    if cancel == bool(product):
        raise WrongUsage("give --product, or --cancel alone")
    with answering(as_json), store_at(policy) as store:
        frame = frame_of(store, subscription, order_ref, channel, at)
        when: Any = "next_cycle" if next_cycle else "now"
        command: AnyCommand
        if cancel:
            command = CancelOfferChange(**frame)
        else:
            command = ChangeOffer(**frame, product_code=product, when=when)
        acting = actor(who, role, interface)
        print_order(OrderDesk(store).run(command, actor=acting, at=moment(at)), as_json)


@app.command()
def recommend(
    subscription: Annotated[
        str | None, typer.Argument(help="Its number, reference or key; none: a new customer.")
    ] = None,
    *,
    minutes: Annotated[int | None, typer.Option(help="Minutes a month.")] = None,
    messages: Annotated[int | None, typer.Option(help="Messages a month.")] = None,
    megabytes: Annotated[int | None, typer.Option(help="MB a month.")] = None,
    international: Annotated[bool, typer.Option(help="Calls or roaming abroad.")] = False,
    feature: Annotated[list[str] | None, typer.Option(help="A feature that is wanted.")] = None,
    budget_fen: Annotated[int | None, typer.Option(help="Most a month, in fen.")] = None,
    payment_kind: Annotated[str | None, typer.Option(help="prepaid or postpaid.")] = None,
    line: Annotated[str, typer.Option(help="person, m2m, call_centre, service_port.")] = "person",
    policy: PolicyFile = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """推介: offers for a need and for what was used of late, with reasons.

    What a subscription used of late is read from the lake, if nights were run.
    Examples:

        mingdan offer recommend --minutes 300 --megabytes 20000 --international

        mingdan offer recommend 13800138000 --budget-fen 10000
    """
    needs = Needs(
        minutes=minutes,
        messages=messages,
        megabytes=megabytes,
        international=international,
        budget_fen=budget_fen,
        payment_kind=payment_kind,
        sender_kind=line,
    )
    with answering(as_json), store_at(policy) as store:
        desk, behaviour = OfferDesk(store), None
        if subscription is not None:
            key = desk.equipment(subscription, moment(at)).subscription_id
            behaviour = used_of_late(Settings().lake, key)
        advice = desk.recommend(
            needs,
            features=feature or (),
            behaviour=behaviour,
            subscription=subscription,
            at=moment(at),
        )
    if as_json:
        print_json({"behaviour": behaviour, "advice": advice})
    else:
        _print(advice)


def frame_of(
    store: OrderStore, subscription: str, order_ref: str | None, channel: str, at: str | None
) -> dict[str, Any]:
    """What every change of a subscription names."""
    return {
        "order_ref": order_ref or cli_ref(),
        "at": moment(at),
        "channel": channel,
        "subscription_ref": store.subscription_ref(subscription),
    }


def print_order(view: OrderView, as_json: bool) -> None:
    """How an order stands, for people or a script."""
    if as_json:
        print_json(view.plain())
        return
    again = " before; nothing was done again" if view.repeated else ""
    due = view.due_fen - view.paid_fen
    waits = f"; {yuan(due)} yuan are due" if due and view.state == "pending" else ""
    print(f"order {view.order_ref} {view.state}{again}{waits}")


def _print(advice: Advice) -> None:
    rows = []
    for each in advice.recommended:
        said = "\n".join(f"{reason.en} / {reason.zh}" for reason in each.reasons)
        cost = f"{yuan(each.monthly_fee_fen)} / {yuan(each.expected_fen)}"
        rows.append((each.priority, f"{each.offer} {each.name_zh}", cost, said))
    print_table("recommended", ("", "offer", "fee / expected, yuan", "why"), rows)
    for code, reason in advice.left_out:
        print(f"not {shown(code)}: {reason.en} / {reason.zh}")
