"""`mingdan care`: process flows, time limits, visits and customer classes by hand.

Here: arguments and printing. Not here: the desks (`mingdan.orders.care`), the
knowledge base (`kb.py`) and tickets (`ticket.py`).
"""

from __future__ import annotations

from typing import Annotated

import typer

from mingdan.cli import care_classes
from mingdan.cli.counter import AsJson, store_at
from mingdan.cli.staff import (
    As,
    Day,
    Interface,
    Role,
    When,
    actor,
    answering,
    business_day,
    done_at,
    moment,
    print_json,
    print_table,
)
from mingdan.orders.care.flows import FlowDesk, ProcessFlow
from mingdan.orders.care.limit_report import limit_report, totals
from mingdan.orders.care.visits import Visit, VisitDesk

app = typer.Typer(
    help="Care: process flows, service time limits, visits, classes by hand.",
    no_args_is_help=True,
)
visits = typer.Typer(help="Customers waiting and served.", no_args_is_help=True)
app.add_typer(visits, name="visit")
app.add_typer(care_classes.app, name="class")

VisitRef = Annotated[str, typer.Argument(help="The queue ticket's or call's reference.")]


@app.command()
def limits(day: Day, *, at: When = None, as_json: AsJson = False) -> None:
    """Kept and broken service time limits of a day, by business and interface.

    Example:

        mingdan care limits --day 2026-11-01
    """
    chosen = business_day(day)
    with answering(as_json), store_at(None) as store:
        lines = limit_report(store, chosen, at=moment(at))
    if as_json:
        print_json(lines)
        return
    print_table(
        f"Service time limits of {chosen}",
        ("flow", "business", "interface", "limit", "at most s", "kept", "broken", "done",
         "mean s", "worst s", "on average s", "average kept"),
        [(x.flow, x.business, x.interface, x.limit.name_zh, x.limit.limit_s, x.kept, x.broken,
          x.done, x.mean_s, x.worst_s, x.limit.average_s, x.average_kept) for x in lines],
    )  # fmt: skip
    kept = sum(each[0] for each in totals(lines).values())
    broken = sum(each[1] for each in totals(lines).values())
    print(f"{kept:,} kept, {broken:,} broken")


@app.command()
def flow(
    name: Annotated[str, typer.Argument(help="An order's, ticket's or visit's reference.")],
    *,
    of: Annotated[str | None, typer.Option(help="order, ticket or visit.")] = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Where an order or a ticket stands: its tasks and clocks (TMF701).

    TT and digits is a ticket, anything else an order unless --of says so. Example:

        mingdan care flow TT00000001
    """
    kind = of or ("ticket" if name.startswith("TT") and name[2:].isdigit() else "order")
    with answering(as_json), store_at(None) as store:
        desk = FlowDesk(store)
        asked = {"order": desk.of_order, "ticket": desk.of_ticket, "visit": desk.of_visit}
        if kind not in asked:
            raise typer.BadParameter("--of is order, ticket or visit")
        found = asked[kind](name, at=moment(at))
    if as_json:
        print_json(found)
        return
    _print_flow(found)


@visits.command()
def arrive(
    visit: VisitRef,
    *,
    channel: Annotated[str, typer.Option(help="counter or hotline.")] = "counter",
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """A customer takes a queue ticket, or rings.

    Example:

        mingdan care visit arrive A017 --as queue.machine
    """
    with answering(as_json), store_at(None) as store:
        acting = actor(who, role, interface)
        _print(VisitDesk(store).arrive(visit, channel, actor=acting, at=done_at(at)), as_json)


@visits.command()
def serve(
    visit: VisitRef,
    *,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Somebody attends to the customer.

    Example:

        mingdan care visit serve A017 --as li.na
    """
    with answering(as_json), store_at(None) as store:
        acting = actor(who, role, interface)
        _print(VisitDesk(store).serve(visit, actor=acting, at=done_at(at)), as_json)


@visits.command()
def end(
    visit: VisitRef,
    *,
    unserved: Annotated[
        bool, typer.Option("--unserved", help="Left without being served.")
    ] = False,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """The customer was served and leaves, or left unserved.

    Example:

        mingdan care visit end A017 --as li.na
    """
    with answering(as_json), store_at(None) as store:
        acting, desk = actor(who, role, interface), VisitDesk(store)
        step = desk.leave if unserved else desk.end
        _print(step(visit, actor=acting, at=done_at(at)), as_json)


def _print(visit: Visit, as_json: bool) -> None:
    if as_json:
        print_json(visit)
    else:
        print(f"visit {visit.visit_ref} at {visit.channel}: {visit.state}")


def _print_flow(found: ProcessFlow) -> None:
    print(f"{found.flow_id}: {found.business}, {found.interface}, {found.state}")
    print_table(
        "Tasks",
        ("task", "", "state", "from", "to"),
        [(t.name, t.name_zh, t.state, t.started_at, t.ended_at) for t in found.tasks],
    )
    print_table(
        "Clocks",
        ("limit", "at most s", "spent s", "due", "ended", "verdict"),
        [(c.limit.name_zh, c.limit.limit_s, round(c.spent.total_seconds()), c.due_at, c.ended_at,
          c.verdict)
         for c in found.clocks],
    )  # fmt: skip
