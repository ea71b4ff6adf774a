"""`mingdan partner register` and its like: partners at the order side.

Here: arguments and printing. Not here: the registry (`mingdan.orders.access`)
and list partners (`partner.py`, which brings these commands in when one is
called, so that the light install does without the order store).
"""

from __future__ import annotations

from typing import Annotated

import typer

from mingdan.cli import interface, partner_disclosure, partner_terms
from mingdan.cli.counter import AsJson, store_at
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
from mingdan.identifiers import mask_name
from mingdan.orders.access.partners import Partners

app = typer.Typer()
_numbers = typer.Typer(help="A partner's interface numbers.", no_args_is_help=True)
_numbers.command("open")(interface.open_number)
_numbers.command("close")(interface.close)
_numbers.command("replace")(interface.replace)
_numbers.command("history")(interface.history)
app.add_typer(_numbers, name="interface")
app.add_typer(partner_terms.agreements, name="agreement")
app.add_typer(partner_disclosure.app, name="disclosure")
app.command("request-offer")(partner_terms.request_offer)
app.command("decide-offer")(partner_terms.decide_offer)
app.command("offers")(partner_terms.offers)

Code = Annotated[str, typer.Argument(help="The partner's code, e.g. shop.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the record.")]


@app.command()
def register(
    partner: Code,
    *,
    kind: Annotated[str, typer.Option(help="information_exchange or marketing_channel.")],
    title: Annotated[str, typer.Option(help="Its name in English.")],
    title_zh: Annotated[str, typer.Option(help="Its name in Chinese.")],
    contact: Annotated[str | None, typer.Option(help="Whom to call.")] = None,
    name: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Add a partner (合作伙伴): 信息交换 or 营销渠道.

    Example:

        mingdan partner register shop --kind marketing_channel --title Shop
        --title-zh 小店 --as li
    """
    with answering(as_json), store_at(None) as store:
        Partners(store).register(
            partner,
            kind=kind,
            name=title,
            name_zh=title_zh,
            contact=contact,
            actor=actor(name, role, interface),
            at=moment(at),
        )
    print_done(f"partner {partner} is active", as_json, partner=partner, status="active")


@app.command()
def change(
    partner: Code,
    *,
    title: Annotated[str | None, typer.Option(help="Its name in English.")] = None,
    title_zh: Annotated[str | None, typer.Option(help="Its name in Chinese.")] = None,
    contact: Annotated[str | None, typer.Option(help="Whom to call.")] = None,
    status: Annotated[
        str | None, typer.Option(help="'suspended' or 'active', with --reason.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why its status changes.")] = "",
    name: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Change what is given; a suspended partner's interfaces do nothing.

    Example:

        mingdan partner change shop --status suspended --reason audit --as li
    """
    who, when = actor(name, role, interface), moment(at)
    moves = {"suspended": Partners.suspend, "active": Partners.resume}
    if status is not None and status not in moves:
        raise typer.BadParameter("'suspended' or 'active'", param_hint="--status")
    with answering(as_json), store_at(None) as store:
        desk = Partners(store)
        if status is None or title or title_zh or contact:
            desk.change(partner, name=title, name_zh=title_zh, contact=contact, actor=who, at=when)
        if status is not None:
            moves[status](desk, partner, reason=reason, actor=who, at=when)
        state = desk.get(partner, actor=who, at=when).status
    print_done(f"partner {partner} is changed ({state})", as_json, partner=partner, status=state)


@app.command()
def remove(
    partner: Code,
    *,
    reason: Why,
    name: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """End a partner: its interfaces close, its keys and agreements end. It stays on record.

    Example:

        mingdan partner remove shop --reason "contract ended" --as li
    """
    with answering(as_json), store_at(None) as store:
        who, when = actor(name, role, interface), moment(at)
        Partners(store).remove(partner, reason=reason, actor=who, at=when)
    print_done(f"partner {partner} has ended", as_json, partner=partner, status="ended")


@app.command()
def registry(
    *, name: As, role: Role = "back_office", interface: Interface = None, as_json: AsJson = False
) -> None:
    """Partners at the order side: kind, status, interface numbers.

    Example:

        mingdan partner registry --as li
    """
    with answering(as_json), store_at(None) as store:
        found = Partners(store).list(actor=actor(name, role, interface), at=moment(None))
    rows = [
        {
            "code": p.code,
            "kind": p.kind,
            "name": p.name,
            "name_zh": p.name_zh,
            "contact": None if p.contact is None else mask_name(p.contact),
            "status": p.status,
            "status_reason": p.status_reason,
            "interfaces": list(p.interfaces),
            "valid_from": p.valid_from,
            "valid_to": p.valid_to,
        }
        for p in found
    ]
    if as_json:
        print_json(rows)
        return
    heads = tuple(head.replace("_", " ") for head in rows[0]) if rows else ()
    table = [
        tuple(shown(" ".join(v) or None if isinstance(v, list) else v) for v in row.values())
        for row in rows
    ]
    print_table("Partners taking part in orders", heads, table)
