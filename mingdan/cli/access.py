"""`mingdan access`: leave to work out of hours, and the log of looks at personal data.

Here: arguments and printing. Not here: the rules (`mingdan.orders.access`).
"""

from __future__ import annotations

from typing import Annotated

import typer

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
from mingdan.errors import WrongUsage
from mingdan.orders.access.leave import Leave
from mingdan.orders.access.log import AccessLog, Anchor

app = typer.Typer(help="Out-of-hours leave; who looked at whose data.", no_args_is_help=True)


@app.command()
def ask(
    number: Annotated[str, typer.Argument(help="The interface number.")],
    business: Annotated[str, typer.Argument(help="e.g. OPEN, or '*' for all it may.")],
    *,
    for_role: Annotated[str, typer.Option("--for", help="The role that is to have it.")],
    start: Annotated[str, typer.Option("--from", help="e.g. '2026-11-01 19:00'.")],
    until: Annotated[str, typer.Option(help="e.g. '2026-11-01 22:00'.")],
    reason: Annotated[str, typer.Option(help="Why it is needed.")],
    name: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Ask for leave to do a business out of hours; prints the request's number.

    Example:

        mingdan access ask counter OPEN --for counter --from "2026-11-01 19:00"
        --until "2026-11-01 22:00" --reason "stadium concert" --as li
    """
    with answering(as_json), store_at(None) as store:
        found = Leave(store).ask(
            role=for_role,
            interface_no=number,
            what=business,
            starts_at=instant("--from", start),
            ends_at=instant("--until", until),
            reason=reason,
            actor=actor(name, role, interface),
            at=moment(at),
        )
    if as_json:
        print_json({"request_no": found, "status": "requested"})
    else:
        print(f"request {found}; another person decides it")


@app.command()
def decide(
    request: Annotated[str, typer.Argument(help="The request's number.")],
    *,
    approve: Annotated[bool, typer.Option("--approve/--refuse", help="The decision.")],
    name: As,
    role: Role = "manager",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Approve or refuse a request of somebody else; leave ends by the clock.

    Example:

        mingdan access decide L0123456789ab --approve --as wang
    """
    with answering(as_json), store_at(None) as store:
        who, when = actor(name, role, interface), moment(at)
        Leave(store).decide(request, approve=approve, actor=who, at=when)
    status = "approved" if approve else "refused"
    if as_json:
        print_json({"request_no": request, "status": status})
    else:
        print(f"request {request} is {status}")


@app.command()
def requests(
    *, name: As, role: Role = "manager", interface: Interface = None, as_json: AsJson = False
) -> None:
    """Requests to work out of hours, the newest first.

    Example:

        mingdan access requests --as wang
    """
    with answering(as_json), store_at(None) as store:
        found = Leave(store).list(actor=actor(name, role, interface), at=moment(None))
    if as_json:
        print_json(found)
        return
    rows = [
        (r.request_no, r.role, r.interface_no, r.business, r.starts_at, r.ends_at, r.status,
         r.maker, r.checker, r.reason)
        for r in found
    ]  # fmt: skip
    heads = ("request", "role", "interface", "business", "from", "until", "status", "asked by",
             "decided by", "why")  # fmt: skip
    print_table("Out of hours", heads, rows)


@app.command()
def log(
    *,
    subject: Annotated[str | None, typer.Option(help="Only looks at one, e.g. party:17.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    name: As,
    role: Role = "manager",
    interface: Interface = None,
    as_json: AsJson = False,
) -> None:
    """Who looked at whose data, when and for what; the newest first.

    Example:

        mingdan access log --subject party:17 --as wang
    """
    with answering(as_json), store_at(None) as store:
        who = actor(name, role, interface)
        found = AccessLog(store).read(subject=subject, limit=limit, actor=who, at=moment(None))
    if as_json:
        print_json(found)
        return
    rows = [
        (e.seq, e.at, e.role, e.interface_no, e.name, e.purpose, e.what, ", ".join(e.subjects))
        for e in found
    ]
    heads = ("row", "when", "role", "interface", "who", "purpose", "what", "of whom")
    print_table("Access log", heads, rows)


@app.command()
def verify(
    *,
    anchor: Annotated[
        str | None, typer.Option(help="An anchor printed earlier, as ROW:DIGEST.")
    ] = None,
    name: As,
    role: Role = "manager",
    interface: Interface = None,
    as_json: AsJson = False,
) -> None:
    """Prove the access log whole; prints the anchor to keep elsewhere for the next time.

    Exit code 1 if a row was changed, or is gone since the anchor.

    Example:

        mingdan access verify --anchor 812:9f3c... --as wang
    """
    kept = None
    if anchor is not None:
        row, _, digest = anchor.partition(":")
        if not row.isascii() or not row.isdigit() or not digest:
            raise WrongUsage(f"--anchor is ROW:DIGEST, not {anchor!r}")
        kept = Anchor(int(row), digest)
    with answering(as_json), store_at(None) as store:
        found = AccessLog(store).verify(kept, actor=actor(name, role, interface), at=moment(None))
    rows, shown = (0, None) if found is None else (found.seq, f"{found.seq}:{found.digest}")
    if as_json:
        print_json({"rows": rows, "anchor": shown})
    else:
        print(f"{rows:,} rows, whole" + (f"\nanchor {shown}" if shown else ""))
