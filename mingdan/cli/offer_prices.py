"""`mingdan offer add-price`: an operator's own entry of the price list.

Here: arguments and printing. Not here: which entry counts when
(`mingdan.orders.offers.prices`) and quoting (`offer.py`).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from mingdan.cli.counter import AsJson, store_at
from mingdan.cli.staff import As, Interface, Role, When, actor, answering, moment, print_json
from mingdan.errors import WrongUsage
from mingdan.orders.offers.desk import OfferDesk
from mingdan.orders.offers.prices import Price


def add_price(
    product: Annotated[str, typer.Argument(help="Product code, or '*' for every product.")],
    business: Annotated[str, typer.Argument(help="e.g. OPEN (reference/order_type.csv).")],
    charge: Annotated[str, typer.Argument(help="The charge's code, e.g. sim_fee.")],
    *,
    amount_fen: Annotated[int, typer.Option(help="In fen (1000 is 10 yuan); 0 is free.")],
    valid_from: Annotated[str, typer.Option("--from", help="Its first day, after today.")],
    name: Annotated[str, typer.Option(help="Its name on the receipt.")],
    name_zh: Annotated[str, typer.Option(help="Its Chinese name.")],
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Put a price on the list, from a day to come on: what was quoted stays what it cost.

    Example:

        mingdan offer add-price POSTPAID OPEN sim_fee --amount-fen 500 --from 2027-01-01
        --name 'SIM card' --name-zh SIM卡工本费 --as wang.wei
    """
    try:
        day = date.fromisoformat(valid_from)
    except ValueError:
        raise WrongUsage(f"--from is a day such as 2027-01-01, not {valid_from!r}") from None
    price = Price(
        product_code=product,
        order_type=business,
        code=charge,
        valid_from=day,
        amount_fen=amount_fen,
        name=name,
        name_zh=name_zh,
    )
    with answering(as_json), store_at(None) as store:
        acting = actor(who, role, interface)
        OfferDesk(store).add_prices([price], actor=acting, at=moment(at))
    if as_json:
        print_json(price)
    else:
        print(f"{charge} of {business} for {product}: {amount_fen} fen from {day} on")
