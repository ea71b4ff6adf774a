"""`mingdan diagnose`: why a number does not work, and what to do next.

Here: arguments and printing; numbers are shown masked. Not here: the flows and
their checks (`mingdan.orders.offers.diagnosis`, `reference/diagnosis_*.csv`).
"""

from __future__ import annotations

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
from mingdan.orders.offers.diagnosis import DiagnosisDesk


def command(
    number: Annotated[str, typer.Argument(metavar="MSISDN", help="The number at fault.")],
    *,
    flow: Annotated[
        str | None,
        typer.Option(help="suspend_resume or late_activation [default: as the number stands]."),
    ] = None,
    open_ticket: Annotated[
        bool, typer.Option("--open-ticket", help="Report the fault with what was found.")
    ] = False,
    channel: Annotated[str, typer.Option(help="reference/care_channel.csv.")] = "hotline",
    policy: PolicyFile = None,
    who: As,
    role: Role = "hotline",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Walk the fault flow of a number (停复机不成功, 新装机开通不及时) step by step.

    Says what was found at each step and what to do next. Exit code 0 whether or
    not a fault was found. Examples:

        mingdan diagnose 13800138000 --as li.na

        mingdan diagnose 13800138000 --open-ticket --as li.na --json
    """
    with answering(as_json), store_at(policy) as store:
        found = DiagnosisDesk(store).diagnose(
            number,
            actor=actor(who, role, interface),
            at=moment(at),
            flow=flow,
            open_ticket=open_ticket,
            channel=channel,
        )
    if as_json:
        print_json(found)
        return
    rows = [
        (each.number, f"{each.title_zh} {each.title}", each.verdict,
         f"{each.found_zh}\n{each.found}", f"{each.next_zh}\n{each.next}".strip() or None)
        for each in found.steps
    ]  # fmt: skip
    heads = ("", "step", "", "found", "next")
    print_table(f"{found.name_zh} {found.name}: {found.number}", heads, rows)
    if found.cause is None:
        print("no fault was found / 未发现故障")
    else:
        print(f"cause: {found.cause.found} / {found.cause.found_zh}")
        print(f"next: {found.cause.next} / {found.cause.next_zh}")
    if found.ticket_ref is not None:
        print(f"ticket {found.ticket_ref}")
