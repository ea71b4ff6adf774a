"""`mingdan sim`: SIMs and prepaid cards as resources.

Here: arguments. Not here: putting a SIM into service (`mingdan order`) and
vouchers (`mingdan voucher`).
"""

from __future__ import annotations

from typing import Annotated

import typer

from mingdan.cli.counter import AsJson, Ref, request, store_at
from mingdan.cli.order_lifecycle import say
from mingdan.cli.staff import As, Interface, Role, When, actor, answering, moment
from mingdan.cli.stock_files import Encoding, File, Operator, Partial, Quarantine, take
from mingdan.cli.stock_shown import history_of, set_state, show_one
from mingdan.errors import WrongUsage
from mingdan.orders.commands import SellCard
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.lifecycle.payment import Money
from mingdan.orders.stock.records import CARD

app = typer.Typer(help="SIMs and prepaid cards: import, look up, sell.", no_args_is_help=True)
KINDS = {"sim": "sim", "prepaid-card": "prepaid_card"}
Card = Annotated[str, typer.Argument(help="ICCID, or the prepaid card's number.")]
Kind = Annotated[str, typer.Option(help="sim or prepaid-card.")]
Either = Annotated[
    str | None,
    typer.Option("--kind", help="sim or prepaid-card.", show_default="whichever it is"),
]


@app.command("import")
def take_file(
    file: File,
    *,
    kind: Kind = "sim",
    partial: Partial = False,
    quarantine: Quarantine = None,
    encoding: Encoding = "utf-8",
    operator: Operator = None,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Take SIMs (iccid,imsi,capacity_k,stk) or prepaid cards into stock from a CSV file.

    Columns by kind: docs/orders-stock.md. One line out of order refuses the
    file, unless --partial. Example:

        mingdan sim import cards.csv --partial --quarantine bad.csv --as wang.wei
    """
    take(
        _kind(kind), file, who=who, role=role, interface=interface, at=at, partial=partial,
        quarantine=quarantine, encoding=encoding, operator=operator, as_json=as_json,
    )  # fmt: skip


@app.command()
def show(
    card: Card,
    *,
    kind: Either = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """One card: state by the clock, capacity, STK, face value and validity.

    Example:

        mingdan sim show 89860012345678901231 --as li.na
        mingdan sim show 12345678 --as li.na
    """
    show_one(_kind(kind), card, who, role, interface, at, as_json)


@app.command()
def history(
    card: Card,
    *,
    kind: Either = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Every change of a card, and who held it.

    Example:

        mingdan sim history 89860012345678901231 --as li.na
    """
    history_of(_kind(kind), card, who, role, interface, at, as_json)


@app.command()
def state(
    card: Card,
    to: Annotated[
        str,
        typer.Argument(
            help="scrapped (a SIM in stock), replaced (a lost one, found) or void (a prepaid card)."
        ),
    ],
    *,
    kind: Either = None,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """作废: take a card out of stock for ever; or note that a lost SIM was found.

    Example:

        mingdan sim state 12345678 void --as wang.wei
        mingdan sim state 89860012345678901231 replaced --as wang.wei
    """
    set_state(_kind(kind), card, to, who, role, interface, at, as_json)


@app.command("sell-card")
def sell_card(
    card: Annotated[str, typer.Argument(help="The prepaid card's number.")],
    *,
    amount_fen: Annotated[
        int | None,
        typer.Option(help="What was paid, in fen; until its face value is, the order waits."),
    ] = None,
    method: Annotated[str, typer.Option(help="reference/payment_method.csv.")] = "cash",
    order_ref: Ref = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """售卡: a prepaid card over the counter. It is in use once its SIM comes into service.

    Example:

        mingdan sim sell-card 12345678 --amount-fen 5000 --as li.na
    """
    with answering(as_json), store_at(None) as store:
        command = SellCard(card_no=card, **request(order_ref, None, "counter"))
        money = None
        if amount_fen is not None:
            money = Money(amount_fen=amount_fen, correlator=command.order_ref, method=method)
        acting = actor(who, role, interface)
        view = OrderDesk(store).run(command, actor=acting, at=moment(at), payment=money)
    say(view, as_json=as_json)


def _kind(kind: str | None) -> str:
    if kind is None:
        return CARD
    if kind not in KINDS:
        raise WrongUsage(f"--kind is one of {', '.join(KINDS)}, not {kind!r}")
    return KINDS[kind]
