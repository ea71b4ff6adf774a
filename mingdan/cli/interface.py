"""`mingdan interface`: interface numbers (接口编号), what each may do, and how fast.

Here: arguments and printing. Not here: keys (`interface_keys.py`) and the rules
themselves (`mingdan.orders.access`).
"""

from __future__ import annotations

from typing import Annotated

import typer

from mingdan.cli import interface_keys
from mingdan.cli.counter import AsJson, instant, store_at
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
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import allow
from mingdan.orders.access.interfaces import Interfaces
from mingdan.orders.access.permissions import Permissions

app = typer.Typer(
    help="Interface numbers: open, close, permissions, rate limits, API keys.",
    no_args_is_help=True,
)
app.add_typer(interface_keys.app, name="key")

OWN_ROLES = ("counter", "hotline", "back_office", "manager")
"""Each acts through the interface of its own name."""
Number = Annotated[str, typer.Argument(help="The interface number, e.g. 88001.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the history.")]
From = Annotated[
    str | None,
    typer.Option("--from", help="From when on, e.g. '2026-11-01 12:00' [default: now]."),
]


@app.command("open")
def open_number(
    number: Number,
    *,
    partner: Annotated[str | None, typer.Option(help="Whose it is; without one, our own.")] = None,
    reason: Why,
    name: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Give a number to a partner for ever, or open one of its numbers again.

    Example:

        mingdan interface open 88001 --partner shop --reason "contract 17" --as li
    """
    with answering(as_json), store_at(None) as store:
        who, when = actor(name, role, interface), moment(at)
        Interfaces(store).open(number, partner=partner, reason=reason, actor=who, at=when)
    _done(f"interface {number} is open", as_json, interface_no=number, state="open")


@app.command()
def close(
    number: Number,
    *,
    reason: Why,
    name: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Close a number at once; its API keys are revoked.

    Example:

        mingdan interface close 88001 --reason "key leaked" --as li
    """
    with answering(as_json), store_at(None) as store:
        who, when = actor(name, role, interface), moment(at)
        Interfaces(store).close(number, reason=reason, actor=who, at=when)
    _done(f"interface {number} is closed", as_json, interface_no=number, state="closed")


@app.command()
def replace(
    number: Number,
    new_number: Annotated[str, typer.Argument(help="The number it gets instead.")],
    *,
    reason: Why,
    name: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Change a partner's number; permissions go along, API keys do not.

    Example:

        mingdan interface replace 88001 88100 --reason "new scheme" --as li
    """
    with answering(as_json), store_at(None) as store:
        who, when = actor(name, role, interface), moment(at)
        Interfaces(store).replace(number, new_number, reason=reason, actor=who, at=when)
    _done(f"interface {number} is now {new_number}", as_json, interface_no=new_number, state="open")


@app.command()
def history(
    number: Annotated[str | None, typer.Argument(help="One number [default: all].")] = None,
    *,
    name: As,
    role: Role = "back_office",
    interface: Interface = None,
    as_json: AsJson = False,
) -> None:
    """When each number was open, whose it is, and why it was closed.

    Example:

        mingdan interface history 88001 --as li
    """
    with answering(as_json), store_at(None) as store:
        found = Interfaces(store).history(
            number, actor=actor(name, role, interface), at=moment(None)
        )
    if as_json:
        print_json(found)
        return
    rows = [(p.interface_no, p.partner, p.valid_from, p.valid_to, p.reason) for p in found]
    print_table("Interfaces", ("number", "partner", "open from", "to", "why"), rows)


@app.command()
def permit(
    number: Annotated[str, typer.Argument(help="The interface number, or '*' for all.")],
    business: Annotated[str, typer.Argument(help="e.g. OPEN, RESERVE, or '*' for all.")],
    *,
    for_role: Annotated[str, typer.Option("--for", help="The role that may.")] = "partner",
    hours: Annotated[
        str, typer.Option(help="'always', 'never' or like '1-5 08:30-18:00; 6 09:00-12:00'.")
    ] = "always",
    start: From = None,
    name: As,
    role: Role = "manager",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Set when a role may do a business through an interface; 'never' takes it away.

    Example:

        mingdan interface permit 88001 OPEN --hours "1-7 08:00-20:00" --as wang
    """
    when = moment(at)
    first = when if start is None else instant("--from", start)
    with answering(as_json), store_at(None) as store:
        Permissions(store).permit(
            for_role,
            number,
            business,
            when=hours,
            valid_from=first,
            actor=actor(name, role, interface),
            at=when,
        )
    _done(
        f"{for_role} may do {business} through {number}: {hours}",
        as_json,
        interface_no=number,
        business=business,
        hours=hours,
    )


@app.command()
def limit(
    number: Annotated[str, typer.Argument(help="The interface number, or '*' for all.")],
    *,
    requests: Annotated[int, typer.Option(min=1, help="Requests ...")],
    per_seconds: Annotated[int, typer.Option(min=1, help="... in so many seconds.")] = 60,
    burst: Annotated[int, typer.Option(min=1, help="Requests at once.")] = 60,
    start: From = None,
    name: As,
    role: Role = "manager",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Set how many requests an interface may send to the HTTP service.

    Example:

        mingdan interface limit 88001 --requests 600 --burst 20 --as wang
    """
    when = moment(at)
    first = when if start is None else instant("--from", start)
    with answering(as_json), store_at(None) as store:
        Permissions(store).limit(
            number,
            requests=requests,
            per_seconds=per_seconds,
            burst=burst,
            valid_from=first,
            actor=actor(name, role, interface),
            at=when,
        )
    _done(
        f"{number} may send {requests} requests per {per_seconds} s",
        as_json,
        interface_no=number,
        requests=requests,
        per_seconds=per_seconds,
        burst=burst,
    )


@app.command()
def permissions(
    *, name: As, role: Role = "manager", interface: Interface = None, as_json: AsJson = False
) -> None:
    """Who may do what through which interface at which hours; shipped and own.

    Example:

        mingdan interface permissions --as wang
    """
    with answering(as_json), store_at(None) as store:
        found = Permissions(store).list(actor=actor(name, role, interface), at=moment(None))
    if as_json:
        print_json(found)
        return
    rows = [
        (p.role, p.interface_no, p.business, p.hours, p.valid_from, "yes" if p.shipped else "no")
        for p in found
    ]
    heads = ("role", "interface", "business", "hours", "from", "shipped")
    print_table("Permissions (the most specific decides)", heads, rows)


@app.command()
def may(
    number: Number,
    business: Annotated[str, typer.Argument(help="e.g. OPEN.")],
    *,
    for_role: Annotated[
        str | None,
        typer.Option(
            "--for",
            help="The role that asks.",
            show_default="the interface's own, else partner",
        ),
    ] = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """May this interface do this business now? Exit code 1 and the reason if not.

    Example:

        mingdan interface may 88001 OPEN --at "2026-11-01 21:00"
    """
    role = for_role or (number if number in OWN_ROLES else "partner")
    asking = Actor(role, number, "mingdan interface may")
    with answering(as_json), store_at(None) as store, store.database.reading() as connection:
        allow(connection, actor=asking, business=business, at=moment(at))
    _done(f"{role} may do {business} through {number}", as_json, allowed=True)


def _done(said: str, as_json: bool, **values: object) -> None:
    if as_json:
        print_json(values)
    else:
        print(said)
