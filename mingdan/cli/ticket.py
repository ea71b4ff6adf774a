"""`mingdan ticket`: complaints (投诉) and fault reports (障碍申告).

Here: arguments and printing; numbers are shown masked. Not here: tickets
themselves (`mingdan.orders.care.tickets`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from mingdan.cli.counter import AsJson, instant, store_at
from mingdan.cli.staff import (
    As,
    Day,
    Interface,
    Looking,
    Role,
    When,
    actor,
    answering,
    business_day,
    done_at,
    looker,
    moment,
    print_json,
    print_table,
    shown,
)
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.log import AccessLog
from mingdan.orders.care.complaints import export_complaints
from mingdan.orders.care.ticket_forms import NewTicket, TicketView
from mingdan.orders.care.tickets import TicketDesk
from mingdan.orders.store import OrderStore
from mingdan.settings import Settings

app = typer.Typer(help="Tickets: complaints and fault reports.", no_args_is_help=True)

Ref = Annotated[str, typer.Argument(help="The ticket, e.g. TT00000001.")]
Note = Annotated[str | None, typer.Option(help="What there is to say.")]


@app.command("open")
def open_ticket(
    category: Annotated[str, typer.Argument(help="reference/ticket_category.csv, e.g. spam_sms.")],
    *,
    text: Annotated[str, typer.Option(help="What the customer says.")],
    number: Annotated[str | None, typer.Option(help="The number it is about.")] = None,
    reporter: Annotated[
        str | None, typer.Option(help="Who complains of another number; empty if withheld.")
    ] = None,
    channel: Annotated[str, typer.Option(help="reference/care_channel.csv.")] = "hotline",
    severity: Annotated[
        str | None, typer.Option(help="critical, major or minor [default: the category's].")
    ] = None,
    order: Annotated[str | None, typer.Option(help="The order it is about.")] = None,
    occurred: Annotated[str | None, typer.Option(help="When it happened.")] = None,
    received: Annotated[str | None, typer.Option(help="When the customer spoke.")] = None,
    request_ref: Annotated[str | None, typer.Option(help="Repeat it to retry safely.")] = None,
    who: As,
    role: Role = "hotline",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Take a complaint or a fault report down.

    Example:

        mingdan ticket open spam_sms --number 13800138000 --reporter 13900139000
        --text 收到贷款广告短信 --occurred '2026-11-01 08:30' --as li.na
    """
    values: dict[str, Any] = {"severity": severity}
    request = NewTicket(
        category=category,
        description=text,
        channel=channel,
        number=number,
        reporter_number=reporter,
        order_ref=order,
        request_ref=request_ref,
        occurred_at=None if occurred is None else instant("--occurred", occurred),
        received_at=None if received is None else instant("--received", received),
        **values,
    )
    with answering(as_json), store_at(None) as store:
        desk = TicketDesk(store)
        _print(desk.open(request, actor=actor(who, role, interface), at=done_at(at)), as_json)


@app.command()
def assign(
    ticket: Ref,
    to: Annotated[str, typer.Option(help="Who is to work on it.")],
    *,
    note: Note = None,
    who: As,
    role: Role = "hotline",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Give a ticket to somebody.

    Example:

        mingdan ticket assign TT00000001 --to zhao.min --as li.na
    """
    with answering(as_json), store_at(None) as store:
        acting = actor(who, role, interface)
        view = TicketDesk(store).assign(ticket, to, actor=acting, at=done_at(at), note=note)
        _print(view, as_json)


@app.command()
def move(
    ticket: Ref,
    state: Annotated[str, typer.Argument(help="reference/ticket_state.csv, e.g. pending.")],
    *,
    note: Note = None,
    who: As,
    role: Role = "hotline",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Another state: pending (waits for the customer), held, inProgress, cancelled, rejected.

    Example:

        mingdan ticket move TT00000001 pending --note 等客户提供截图 --as zhao.min
    """
    with answering(as_json), store_at(None) as store:
        acting = actor(who, role, interface)
        view = TicketDesk(store).move(ticket, state, actor=acting, at=done_at(at), note=note)
        _print(view, as_json)


@app.command()
def note(
    ticket: Ref,
    text: Annotated[str, typer.Option(help="What there is to say.")],
    *,
    who: As,
    role: Role = "hotline",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Write something down; the state stays.

    Example:

        mingdan ticket note TT00000001 --text 已电话联系 --as zhao.min
    """
    with answering(as_json), store_at(None) as store:
        acting = actor(who, role, interface)
        _print(TicketDesk(store).note(ticket, text, actor=acting, at=done_at(at)), as_json)


@app.command()
def resolve(
    ticket: Ref,
    text: Annotated[str, typer.Option(help="The answer, or what was repaired.")],
    *,
    who: As,
    role: Role = "hotline",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Answer or repair it; its clocks end.

    Example:

        mingdan ticket resolve TT00000001 --text 已关停该号码并回复客户 --as zhao.min
    """
    with answering(as_json), store_at(None) as store:
        acting = actor(who, role, interface)
        _print(TicketDesk(store).resolve(ticket, text, actor=acting, at=done_at(at)), as_json)


@app.command()
def close(
    ticket: Ref,
    *,
    note: Note = None,
    who: As,
    role: Role = "hotline",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Close a resolved ticket.

    Example:

        mingdan ticket close TT00000001 --as li.na
    """
    with answering(as_json), store_at(None) as store:
        acting = actor(who, role, interface)
        _print(TicketDesk(store).close(ticket, actor=acting, at=done_at(at), note=note), as_json)


@app.command()
def show(
    ticket: Ref,
    *,
    who: Looking = None,
    role: Role = "hotline",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """One ticket with its steps and clocks; the look is written into the access log.

    Example:

        mingdan ticket show TT00000001
    """
    acting = looker(who, role, interface)
    with answering(as_json), store_at(None) as store:
        found = TicketDesk(store).show(ticket, at=moment(at))
        _note(store, acting, "ticket show", f"ticket:{found.ticket_ref} (masked)", (found,))
    _print(found, as_json)


@app.command("list")
def list_tickets(
    *,
    state: Annotated[str | None, typer.Option(help="Only of this state.")] = None,
    category: Annotated[str | None, typer.Option(help="Only of this category.")] = None,
    number: Annotated[str | None, typer.Option(help="Only about this number.")] = None,
    assigned_to: Annotated[str | None, typer.Option("--to", help="Only given to.")] = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only those not over.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    who: Looking = None,
    role: Role = "hotline",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """The newest tickets; the look is written into the access log.

    Example:

        mingdan ticket list --open --category spam_sms
    """
    acting = looker(who, role, interface)
    with answering(as_json), store_at(None) as store:
        found = TicketDesk(store).list(
            at=moment(at),
            state=state,
            category=category,
            number=number,
            assigned_to=assigned_to,
            open_only=open_only,
            limit=limit,
        )
        _note(store, acting, "ticket list", "tickets (masked)", found)
    _print_all("Tickets", found, as_json)


@app.command()
def overdue(
    *,
    who: Looking = None,
    role: Role = "hotline",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Tickets past a time limit, the longest overdue first.

    The look is written into the access log. Example:

        mingdan ticket overdue
    """
    acting = looker(who, role, interface)
    with answering(as_json), store_at(None) as store:
        found = TicketDesk(store).overdue(at=moment(at))
        _note(store, acting, "ticket overdue", "tickets (masked)", found)
    _print_all("Overdue tickets", found, as_json)


@app.command()
def export(
    day: Day,
    *,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Write a day's complaints to the landing folder's file, for other systems.

    The nightly job takes them from the store anyway and counts each once. Once a day
    is given out, giving it out again writes the same file. Example:

        mingdan ticket export --day 2026-11-01 --as nightly
    """
    chosen, landing = business_day(day), Settings().landing
    with answering(as_json), store_at(None) as store:
        acting = actor(who, role, interface)
        done = export_complaints(store, landing, chosen, actor=acting, at=moment(at))
    if as_json:
        print_json(done)
        return
    again = " (the same file as before)" if done.repeated else ""
    print(f"{done.complaints} complaints of {done.day} in {done.path}{again}")


def _note(
    store: OrderStore, acting: Actor, purpose: str, what: str, found: Iterable[TicketView]
) -> None:
    """Write down who looked at whose tickets."""
    of = [
        pair
        for each in found
        for pair in (("subscription", each.subscription_id), ("party", each.party_id))
    ]
    AccessLog(store).note(
        actor=acting, purpose=purpose, what=what,
        subjects=[f"{kind}:{key}" for kind, key in of if key is not None], at=moment(None),
    )  # fmt: skip


def _print(view: TicketView, as_json: bool) -> None:
    if as_json:
        print_json(view)
        return
    skipped = ("changes", "clocks")
    for name in TicketView.__dataclass_fields__:
        if name not in skipped:
            print(f"{name.replace('_', ' ')}: {shown(getattr(view, name))}")
    print_table(
        "Clocks",
        ("limit", "seconds", "spent", "due", "ended", "verdict"),
        [(c.limit.name_zh, c.limit.limit_s, round(c.spent.total_seconds()), c.due_at, c.ended_at,
          c.verdict)
         for c in view.clocks],
    )  # fmt: skip
    print_table(
        "Steps",
        ("at", "state", "given to", "note", "by"),
        [(c.at, c.state, c.assigned_to, c.note, c.actor) for c in view.changes],
    )


def _print_all(title: str, found: tuple[TicketView, ...], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    print_table(
        title,
        ("ticket", "category", "severity", "state", "number", "given to", "received", "due"),
        [(v.ticket_ref, v.category, v.severity, v.state, v.number, v.assigned_to, v.received_at,
          v.due_at) for v in found],
    )  # fmt: skip
