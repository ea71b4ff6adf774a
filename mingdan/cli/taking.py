"""Taking an order at the command line: by somebody, or on record as it is.

Here: the options that say by whom and for what money, and both ways. Not here:
the commands (`order.py`) and the stages of an order (`order_lifecycle.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from mingdan.cli.counter import carry_out
from mingdan.cli.order_lifecycle import say
from mingdan.cli.staff import actor, answering
from mingdan.errors import WrongUsage
from mingdan.orders.commands import AnyCommand
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.lifecycle.payment import Money
from mingdan.orders.store import OrderStore

Who = Annotated[
    str | None,
    typer.Option(
        "--as",
        help="Who takes the order: a staff id.",
        envvar="MINGDAN_ACTOR",
        show_default="nobody: put on record as it is",
    ),
]
PaidFen = Annotated[
    int | None,
    typer.Option(
        "--amount-fen",
        help="What was paid for the order, in fen; until all is, it waits. Needs --as.",
    ),
]


@dataclass(frozen=True)
class By:
    """Who takes an order, through which interface, and what was paid for it (fen)."""

    who: str | None
    role: str
    interface: str | None
    amount_fen: int | None


def take(store: OrderStore, command: AnyCommand, by: By, *, as_json: bool) -> None:
    """Carry out one command, say what came of it, and fail if it was refused.

    By somebody it is an order of the desk, which goes as far as it gets; by nobody
    it is applied, as what another system did.
    """
    if by.who is None:
        if by.amount_fen is not None:
            raise WrongUsage("--amount-fen needs --as: somebody takes the money")
        carry_out(store, command, as_json=as_json)
        return
    money = None
    if by.amount_fen is not None:
        money = Money(amount_fen=by.amount_fen, correlator=command.order_ref)
    with answering(as_json):
        view = OrderDesk(store).run(
            command,
            actor=actor(by.who, by.role, by.interface),
            at=command.at,
            payment=money,
        )
    say(view, as_json=as_json)
