"""`mingdan partner disclosure`: leave to tell a partner numbers in the clear (明文披露).

Here: arguments and printing. Not here: leave itself (`mingdan.orders.access.disclosures`).
Three people are in it: whoever asks and two who approve.
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
    print_done,
    print_json,
    print_table,
    shown,
)
from mingdan.errors import WrongUsage
from mingdan.orders.access.disclosures import Disclosures
from mingdan.reports.partners import ALL_TOLD, ALWAYS_TOLD

app = typer.Typer(
    help="""Leave to tell a partner numbers in the clear: asked by one, approved by two others.

    Examples:

        mingdan partner disclosure ask A17 --columns reason_code --reasons fraud
        --reason "court order 12" --from 2026-12-01 --until 2027-06-01 --as li

        mingdan partner disclosure approve D0123456789ab --as wang

        mingdan partner disclosure approve D0123456789ab --as zhao
    """,
    no_args_is_help=True,
)

Number = Annotated[str, typer.Argument(metavar="REQUEST", help="The request's number.")]


@app.command()
def ask(
    agreement: Annotated[str, typer.Argument(help="The agreement's number.")],
    *,
    columns: Annotated[
        str, typer.Option(help="What may stand beside the number, joined by commas.")
    ],
    reasons: Annotated[str, typer.Option(help="Reason codes of entries, joined by commas.")],
    reason: Annotated[str, typer.Option(help="Why the clear is needed, for the record.")],
    start: Annotated[str, typer.Option("--from", help="Its first instant, e.g. 2026-12-01.")],
    until: Annotated[str, typer.Option("--until", help="Its end, e.g. 2027-06-01.")],
    name: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Ask that a partner may be told numbers in the clear, under an approved AGREEMENT.

    Nothing leaves before two other people approve, nor a column or reason not named here.
    When an entry begins and ends is always told.

    Example:

        mingdan partner disclosure ask A17 --columns reason_code,confidence --reasons fraud
        --reason "court order 12" --from 2026-12-01 --until 2027-06-01 --as li
    """
    wanted = _split(columns)
    odd = sorted(set(wanted) - set(ALL_TOLD))
    if odd:
        raise WrongUsage(f"no such column: {', '.join(odd)}; there are: {', '.join(ALL_TOLD)}")
    with answering(as_json), store_at(None) as store:
        number = Disclosures(store).ask(
            agreement,
            columns={*wanted, *ALWAYS_TOLD},
            reason_codes=_split(reasons),
            reason=reason,
            valid_from=instant("--from", start),
            valid_to=instant("--until", until),
            actor=actor(name, role, interface),
            at=moment(at),
        )
    print_done(
        f"request {number}; two other people approve it", as_json, number=number, status="requested"
    )


@app.command()
def approve(
    request: Number,
    *,
    name: As,
    role: Role = "manager",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Approve REQUEST, as another person than who asked and who approved before.

    Example:

        mingdan partner disclosure approve D0123456789ab --as wang
    """
    with answering(as_json), store_at(None) as store:
        who, when = actor(name, role, interface), moment(at)
        status = Disclosures(store).approve(request, actor=who, at=when)
    told = "approved" if status == "approved" else "approved once; one more person must"
    print_done(f"request {request} is {told}", as_json, number=request, status=status)


@app.command()
def refuse(
    request: Number,
    *,
    name: As,
    role: Role = "manager",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Refuse REQUEST.

    Example:

        mingdan partner disclosure refuse D0123456789ab --as wang
    """
    with answering(as_json), store_at(None) as store:
        Disclosures(store).refuse(request, actor=actor(name, role, interface), at=moment(at))
    print_done(f"request {request} is refused", as_json, number=request, status="refused")


@app.command()
def withdraw(
    request: Number,
    *,
    name: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Take the leave of REQUEST back; one person is enough, and nothing leaves from then on.

    Example:

        mingdan partner disclosure withdraw D0123456789ab --as li
    """
    with answering(as_json), store_at(None) as store:
        Disclosures(store).withdraw(request, actor=actor(name, role, interface), at=moment(at))
    print_done(f"request {request} is withdrawn", as_json, number=request, status="withdrawn")


@app.command("list")
def list_all(
    partner: Annotated[
        str | None, typer.Argument(help="One partner of the order side [default: all].")
    ] = None,
    *,
    name: As,
    role: Role = "back_office",
    interface: Interface = None,
    as_json: AsJson = False,
) -> None:
    """Leave that was ever asked for, the newest first.

    Example:

        mingdan partner disclosure list --as li
    """
    with answering(as_json), store_at(None) as store:
        found = Disclosures(store).list(
            partner, actor=actor(name, role, interface), at=moment(None)
        )
    if as_json:
        print_json(found)
        return
    rows = [
        (
            f"{d.disclosure_no}\n{d.status}",
            f"{d.partner}\n{d.agreement_no}",
            f"{shown(d.valid_from)}\n{shown(d.valid_to)}",
            "\n".join((*d.columns, *(f"of {code}" for code in d.reason_codes))),
            "\n".join(filter(None, (d.maker, d.first_checker, d.second_checker))),
        )
        for d in found
    ]
    heads = ("request", "agreement", "from, until", "may be told", "asked, approved by")
    print_table("Leave for the clear", heads, rows)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
