"""`mingdan handset`: handsets in stock, sold and swapped.

Here: arguments and printing; IMEIs are shown masked. Not here: the sale, which is
an order (`mingdan.orders.businesses.handsets`).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from mingdan.cli.counter import AsJson, Ref, Subscription, request, store_at
from mingdan.cli.order_lifecycle import say
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
from mingdan.cli.stock_files import Encoding, File, Partial, Quarantine, take
from mingdan.cli.stock_shown import history_of, set_state, show_one
from mingdan.orders.commands import BuyDevice, SwapDevice
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.lifecycle.payment import Money
from mingdan.orders.stock.handsets import HandsetDesk

app = typer.Typer(help="Handsets: import, sell, swap, look up.", no_args_is_help=True)
Imei = Annotated[str, typer.Argument(help="The handset's IMEI.")]
Amount = Annotated[
    int | None,
    typer.Option(help="What was paid, in fen; until all is (`price`), the order waits."),
]
Method = Annotated[str, typer.Option(help="reference/payment_method.csv.")]
Held = Annotated[int | None, typer.Option("--reservation", help="It was held for them.")]


@app.command("import")
def take_file(
    file: File,
    *,
    partial: Partial = False,
    quarantine: Quarantine = None,
    encoding: Encoding = "utf-8",
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Take handsets (imei,model[,usage]) into stock from a CSV file.

    One line out of order refuses the file, unless --partial. Example:

        mingdan handset import phones.csv --as wang.wei
    """
    take(
        "handset", file, who=who, role=role, interface=interface, at=at, partial=partial,
        quarantine=quarantine, encoding=encoding, operator=None, as_json=as_json,
    )  # fmt: skip


@app.command()
def price(
    subscription: Subscription,
    imei: Imei,
    *,
    swap: Annotated[bool, typer.Option("--swap", help="In exchange for one they have.")] = False,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """What a handset costs this subscription.

    Example:

        mingdan handset price 13800138000 861234567890123 --as li.na
    """
    with answering(as_json), store_at(None) as store:
        ref = store.subscription_ref(subscription)
        charges = HandsetDesk(store).price(
            ref, imei, swap=swap, actor=actor(who, role, interface), at=moment(at)
        )
    if as_json:
        print_json([asdict(charge) for charge in charges])
        return
    rows = [(charge.name, charge.name_zh, charge.amount_fen) for charge in charges]
    print_table("Due (fen)", ("charge", "收费", "fen"), rows)


@app.command()
def sell(
    subscription: Subscription,
    imei: Imei,
    *,
    amount_fen: Amount = None,
    method: Method = "cash",
    reservation: Held = None,
    order_ref: Ref = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """购买: a handset to a subscription.

    Paid now, it is handed out now; else it is held for the order (`order pay-for`,
    `order complete`, `order cancel`).

    Example:

        mingdan handset sell 13800138000 861234567890123 --amount-fen 199900 --as li.na
    """
    with answering(as_json), store_at(None) as store:
        command = BuyDevice(
            subscription_ref=store.subscription_ref(subscription),
            imei=imei,
            **request(order_ref, None, "counter"),
        )
        sold = OrderDesk(store).run(
            command,
            actor=actor(who, role, interface),
            at=moment(at),
            payment=_money(command.order_ref, amount_fen, method),
            reservation=reservation,
        )
    say(sold, as_json=as_json)


@app.command()
def swap(
    subscription: Subscription,
    old_imei: Annotated[str, typer.Argument(help="The one handed back.")],
    imei: Annotated[str, typer.Argument(help="The one handed out.")],
    *,
    amount_fen: Amount = None,
    damaged: Annotated[bool, typer.Option("--damaged", help="The old one is damaged.")] = False,
    method: Method = "cash",
    reservation: Held = None,
    order_ref: Ref = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """换机身: another handset for one the subscription has.

    Example:

        mingdan handset swap 13800138000 861234567890123 861234567890131
        --amount-fen 150900 --as li.na
    """
    with answering(as_json), store_at(None) as store:
        command = SwapDevice(
            subscription_ref=store.subscription_ref(subscription),
            imei=imei,
            old_imei=old_imei,
            old_is="damaged" if damaged else "returned",
            **request(order_ref, None, "counter"),
        )
        swapped = OrderDesk(store).run(
            command,
            actor=actor(who, role, interface),
            at=moment(at),
            payment=_money(command.order_ref, amount_fen, method),
            reservation=reservation,
        )
    say(swapped, as_json=as_json)


@app.command()
def show(
    imei: Imei,
    *,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """One handset: state and usage (TMF687), and who has it.

    Example:

        mingdan handset show 861234567890123 --as li.na
    """
    show_one("handset", imei, who, role, interface, at, as_json)


@app.command()
def history(
    imei: Imei,
    *,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Every change of a handset, and who held it.

    Example:

        mingdan handset history 861234567890123 --as li.na
    """
    history_of("handset", imei, who, role, interface, at, as_json)


@app.command()
def state(
    imei: Imei,
    to: Annotated[str, typer.Argument(help="A usage, e.g. inShop, damaged; or unknown.")],
    *,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Stock-taking: where a handset stands, or that it was not found.

    Example:

        mingdan handset state 861234567890123 damaged --as wang.wei
    """
    set_state("handset", imei, to, who, role, interface, at, as_json)


@app.command("of")
def held_by(
    subscription: Subscription,
    *,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """The handsets a subscription has or had.

    Example:

        mingdan handset of 13800138000 --as li.na
    """
    with answering(as_json), store_at(None) as store:
        ref = store.subscription_ref(subscription)
        found = HandsetDesk(store).held_by(ref, actor=actor(who, role, interface), at=moment(at))
    if as_json:
        print_json(found)
        return
    heads = ("imei", "model", "order_type", "order_ref", "from", "to")
    rows = [[each[head] for head in heads] for each in found]
    print_table("Handsets", [head.replace("_", " ") for head in heads], rows)


def _money(order_ref: str, amount_fen: int | None, method: str) -> Money | None:
    if amount_fen is None:
        return None
    # The order's own reference: the same sale again pays once.
    return Money(amount_fen=amount_fen, correlator=order_ref, method=method)
