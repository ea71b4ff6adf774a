"""`mingdan order list`: what is on its way, for who works on it.

Here: arguments and printing. Not here: one order (`order_lifecycle.py`) and what
identifies a person, which no list shows.
"""

from __future__ import annotations

from typing import Annotated

import typer

from mingdan.cli.counter import AsJson, store_at
from mingdan.cli.staff import When, answering, moment, print_json, print_table
from mingdan.orders.lifecycle.desk import OrderDesk


def waiting(
    *,
    state: Annotated[
        str | None, typer.Option(help="Only of this state, e.g. inProgress, pending, held.")
    ] = None,
    business: Annotated[str | None, typer.Option(help="Only of this business, e.g. OPEN.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """待竣工: orders on their way, the longest waiting first, and what each waits for.

    Examples:

        mingdan order list --state inProgress

        mingdan order list --business OPEN --json
    """
    now = moment(at)
    with answering(as_json), store_at(None) as store:
        found = OrderDesk(store).on_their_way(state=state, order_type=business, limit=limit)
    if as_json:
        print_json([view.plain() for view in found])
        return
    rows = []
    for view in found:
        due = view.due_fen - view.paid_fen
        dead = view.reserved_until is not None and now >= view.reserved_until
        waits = "expire" if dead else f"pay-for, {due} fen" if due else (
            "provision or complete" if view.provisioned_at is None else "complete"
        )  # fmt: skip
        rows.append((view.order_ref, view.order_type, view.state, view.subscription_ref,
                     view.placed_at, view.reserved_until, waits,
                     view.reasons[-1] if view.reasons else None))  # fmt: skip
    heads = ("order", "business", "state", "subscription", "placed", "held until", "next", "reason")
    print_table("Orders on their way", heads, rows)
