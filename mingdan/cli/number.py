"""`mingdan number`: reserve, find, import and look up numbers; segments and groups.

Here: arguments and printing; numbers are shown masked, but for those offered to
be chosen. Not here: the stock itself (`mingdan.orders.stock`).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from mingdan.cli.counter import AsJson, PolicyFile, store_at
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
from mingdan.cli.stock_files import Encoding, File, Operator, Partial, Quarantine, take
from mingdan.cli.stock_shown import history_of, print_record, set_state, show_one
from mingdan.errors import WrongUsage
from mingdan.orders.stock.desk import StockDesk
from mingdan.orders.stock.numbering import national
from mingdan.orders.stock.pool import Wanted

app = typer.Typer(
    help="Numbers: reserve, find, import, look up; their segments and groups.",
    no_args_is_help=True,
)
Number = Annotated[str, typer.Argument(help="The number, as it is dialled.")]
KINDS = {
    "number": "number",
    "sms-port": "sms_port",
    "access-number": "access_number",
    "segment": "segment",
}


@app.command()
def reserve(
    number: Number,
    *,
    sim: Annotated[str | None, typer.Option(help="A SIM with it, by ICCID.")] = None,
    minutes: Annotated[int | None, typer.Option(help="How long [default: policy].")] = None,
    reserved_for: Annotated[
        str | None, typer.Option("--for", help="For what, without personal data.")
    ] = None,
    policy: PolicyFile = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """预占: hold a number (and a SIM) for a time; past it, it is free again by itself.

    Example:

        mingdan number reserve 13800138000 --minutes 30 --as li.na
    """
    with answering(as_json), store_at(policy) as store:
        held = StockDesk(store).reserve(
            actor=actor(who, role, interface),
            at=moment(at),
            number=number,
            iccid=sim,
            minutes=minutes,
            reserved_for=reserved_for,
        )
    print_record(f"Reservation {held['reservation_id']}", held, as_json)


@app.command()
def release(
    number: Annotated[str | None, typer.Argument(help="The number.")] = None,
    *,
    reservation: Annotated[int | None, typer.Option(help="Or the reservation's id.")] = None,
    expired: Annotated[
        bool, typer.Option("--expired", help="Tidy up all whose time has run out.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why.")] = "given back",
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Give a reservation back; by its id, a second time changes nothing.

    Example:

        mingdan number release 13800138000 --as li.na
    """
    if [number is not None, reservation is not None, expired].count(True) != 1:
        raise WrongUsage("name a number, or --reservation, or --expired")
    with answering(as_json), store_at(None) as store:
        desk, acting, now = StockDesk(store), actor(who, role, interface), moment(at)
        if expired:
            count = desk.sweep(actor=acting, at=now)
        else:
            given = desk.release(
                actor=acting, at=now, reservation_id=reservation, number=number, reason=reason
            )
    if not expired:
        print_record(f"Reservation {given['reservation_id']}", given, as_json)
    elif as_json:
        print_json({"ended": count})
    else:
        print(f"{count} reservations had run out")


@app.command("import")
def take_file(
    file: File,
    *,
    kind: Annotated[
        str, typer.Option(help="number, segment, sms-port or access-number.")
    ] = "number",
    partial: Partial = False,
    quarantine: Quarantine = None,
    ported_in: Annotated[
        bool, typer.Option("--ported-in", help="Numbers ported from other operators.")
    ] = False,
    encoding: Encoding = "utf-8",
    operator: Operator = None,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Take numbers, segments (万号段) or service numbers into stock from a CSV file.

    Columns by kind: docs/orders-stock.md. One line out of order refuses the
    file, unless --partial. Example:

        mingdan number import segments.csv --kind segment --as wang.wei
    """
    if kind not in KINDS:
        raise WrongUsage(f"--kind is one of {', '.join(KINDS)}, not {kind!r}")
    take(
        KINDS[kind], file, who=who, role=role, interface=interface, at=at, partial=partial,
        quarantine=quarantine, encoding=encoding, operator=operator, as_json=as_json,
        ported_in=ported_in,
    )  # fmt: skip


@app.command()
def find(
    *,
    pattern: Annotated[
        str | None,
        typer.Option(help="The end of it: digits, * for any, letters for a shape (AABB)."),
    ] = None,
    group: Annotated[str | None, typer.Option(help="Group (号群), e.g. TRIPLE.")] = None,
    category: Annotated[str | None, typer.Option(help="e.g. gold.")] = None,
    without: Annotated[str, typer.Option(help="Digits it must not have, e.g. 4.")] = "",
    like: Annotated[
        str | None, typer.Option(help="Digits it should end like, e.g. a former number.")
    ] = None,
    kind: Annotated[str, typer.Option(help="mobile, iot, sms_port or access_number.")] = "mobile",
    limit: Annotated[int, typer.Option(help="How many.")] = 10,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """选号: numbers that are free now. Nobody holds them: reserve the one that is chosen.

    Example:

        mingdan number find --pattern AABB --without 4 --as li.na
    """
    acting = actor(who, role, interface)
    wanted = Wanted(
        kind=kind, group=group, category=category, pattern=pattern, without=without, like=like,
        limit=limit, spread=str(acting),
    )  # fmt: skip
    with answering(as_json), store_at(None) as store:
        found = StockDesk(store).find(wanted, actor=acting, at=moment(at))
    rows = [(national(each.number), each.group, each.category, each.reason) for each in found]
    heads = ("number", "group", "category", "why")
    if as_json:
        print_json([dict(zip(heads, row, strict=True)) for row in rows])
    else:
        print_table("Free numbers", heads, rows)


@app.command()
def show(
    number: Number,
    *,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """One number as a resource: state by the clock, group, segment, licence.

    Example:

        mingdan number show 13800138000 --as li.na
    """
    show_one("number", number, who, role, interface, at, as_json)


@app.command()
def history(
    number: Number,
    *,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Every change of a number: stock, reservations, and the orders that held it.

    Example:

        mingdan number history 13800138000 --as li.na
    """
    history_of("number", number, who, role, interface, at, as_json)


@app.command()
def state(
    number: Number,
    to: Annotated[str, typer.Argument(help="blocked, available or retired.")],
    *,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """封存 / 停用: withdraw a free number for a time or for ever, or give it back.

    Example:

        mingdan number state 13800138000 blocked --as wang.wei
    """
    set_state("number", number, to, who, role, interface, at, as_json)


@app.command()
def segment(
    prefix: Annotated[str, typer.Argument(help="The segment's prefix, e.g. 1380013.")],
    to: Annotated[str, typer.Argument(help="active, frozen or closed.")],
    *,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """万号段: bring a segment into use, freeze or close it, with its free numbers.

    Example:

        mingdan number segment 1380013 frozen --as wang.wei
    """
    with answering(as_json), store_at(None) as store:
        count = StockDesk(store).move_segment(
            prefix, to, actor=actor(who, role, interface), at=moment(at)
        )
    if as_json:
        print_json({"prefix": prefix, "state": to, "numbers": count})
    else:
        print(f"segment {prefix} is {to}; {count:,} numbers moved with it")


@app.command()
def group(
    code: Annotated[str, typer.Argument(help="The new group's code, e.g. LUCKY.")],
    *,
    name: Annotated[str, typer.Option(help="Its name.")],
    name_zh: Annotated[str, typer.Option(help="Its Chinese name.")],
    category: Annotated[str, typer.Option(help="e.g. gold.")],
    pattern: Annotated[
        str | None, typer.Option(help="Regular expression of its numbers [default: named ones].")
    ] = None,
    rank: Annotated[int, typer.Option(help="The highest that fits takes a number.")] = 100,
    valid_from: Annotated[str, typer.Option(help="Its first day, e.g. 2026-11-01.")],
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """号群: a group of your own; numbers imported from then on are sorted into it.

    Example:

        mingdan number group LUCKY --name 'Ends in 168' --name-zh 一路发 --category gold
        --pattern '168$' --valid-from 2026-11-01 --as wang.wei
    """
    try:
        day = date.fromisoformat(valid_from)
    except ValueError:
        raise WrongUsage(f"--valid-from is a day such as 2026-11-01, not {valid_from!r}") from None
    with answering(as_json), store_at(None) as store:
        StockDesk(store).add_group(
            actor=actor(who, role, interface), at=moment(at), code=code, name=name,
            name_zh=name_zh, category=category, pattern=pattern, rank=rank, valid_from=day,
        )  # fmt: skip
    if as_json:
        print_json({"code": code})
    else:
        print(f"group {code} added")
