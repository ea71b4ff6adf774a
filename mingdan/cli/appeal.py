"""`mingdan appeal`: appeals (申诉) of customers against labels.

Here: arguments and printing; numbers are shown masked. Not here: appeals
themselves (`mingdan.orders.care.appeals`) and what the night makes of one that
was upheld (`mingdan.classes`).
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mingdan.classes.tables import LABELS
from mingdan.cli.counter import AsJson, instant, store_at
from mingdan.cli.staff import (
    As,
    Interface,
    Looking,
    Role,
    When,
    actor,
    answering,
    done_at,
    looker,
    moment,
    print_json,
    print_table,
    shown,
)
from mingdan.cli.ticket import Ref
from mingdan.lake import Lake
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.log import AccessLog
from mingdan.orders.care.appeal_forms import AppealView, NewAppeal
from mingdan.orders.care.appeals import AppealDesk
from mingdan.orders.care.class_file import appealable_labels
from mingdan.orders.store import OrderStore
from mingdan.reference import load
from mingdan.settings import Settings

app = typer.Typer(help="Appeals (申诉) against labels.", no_args_is_help=True)


@app.command("open")
def open_appeal(
    label: Annotated[str, typer.Argument(help="The label, e.g. blacklist:spam_sms.")],
    *,
    text: Annotated[str, typer.Option(help="What the customer says.")],
    party: Annotated[str | None, typer.Option(help="The customer's reference.")] = None,
    number: Annotated[
        str | None, typer.Option(help="Or the number; whoever holds it now appeals.")
    ] = None,
    channel: Annotated[str, typer.Option(help="reference/care_channel.csv.")] = "hotline",
    received: Annotated[str | None, typer.Option(help="When the customer spoke.")] = None,
    request_ref: Annotated[str | None, typer.Option(help="Repeat it to retry safely.")] = None,
    who: As,
    role: Role = "hotline",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Take an appeal down; it is a ticket (give it to somebody with `mingdan ticket assign`).

    Example:

        mingdan appeal open blacklist:spam_sms --number 13800138000
        --text 是培训班通知家长，不是广告 --as li.na
    """
    new = NewAppeal(
        label=label,
        description=text,
        channel=channel,
        party_ref=party,
        number=number,
        received_at=None if received is None else instant("--received", received),
        request_ref=request_ref,
    )
    with answering(as_json), store_at(None) as store:
        desk = AppealDesk(store, appealable_labels(Settings()))
        view = desk.open(new, actor=actor(who, role, interface), at=done_at(at))
    _print(view, as_json)
    _say_if_nobody_has_it(view)


@app.command()
def decide(
    appeal: Ref,
    finding: Annotated[
        str, typer.Argument(help="reference/appeal_finding.csv: false_report, confirmed, ...")
    ],
    *,
    text: Annotated[str, typer.Option(help="The answer to the customer.")],
    until: Annotated[
        str | None,
        typer.Option(
            help="Upheld: until then the same fact gives no label again.",
            show_default="30 days, policy",
        ),
    ] = None,
    who: As,
    role: Role = "manager",
    interface: Interface = "back_office",
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Uphold or dismiss an appeal, as the finding says; it takes another person than opened it.

    Upheld, the label stops restricting orders at once, ends in the next night, and is taken back
    from partners by that night's release. `mingdan explain` derives the label anew. Example:

        mingdan appeal decide TT00000001 lawful_business --text 已核实为正常通知 --as wang.wei
    """
    with answering(as_json), store_at(None) as store:
        view = AppealDesk(store).decide(
            appeal,
            finding,
            text,
            actor=actor(who, role, interface),
            at=done_at(at),
            holds_until=None if until is None else instant("--until", until),
        )
        _print(view, as_json)


@app.command()
def show(
    appeal: Ref,
    *,
    who: Looking = None,
    role: Role = "hotline",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """One appeal with its ticket; the look is written into the access log.

    Example:

        mingdan appeal show TT00000001
    """
    acting = looker(who, role, interface)
    with answering(as_json), store_at(None) as store:
        found = AppealDesk(store).show(appeal, at=moment(at))
        _note(store, acting, "appeal show", f"ticket:{found.ticket.ticket_ref} (masked)", (found,))
    _print(found, as_json)


@app.command("list")
def list_appeals(
    *,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that wait.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    who: Looking = None,
    role: Role = "hotline",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """The newest appeals; the look is written into the access log.

    Example:

        mingdan appeal list --open
    """
    acting = looker(who, role, interface)
    with answering(as_json), store_at(None) as store:
        found = AppealDesk(store).list(at=moment(at), open_only=open_only, limit=limit)
        _note(store, acting, "appeal list", "appeals (masked)", found)
    if as_json:
        print_json(found)
        return
    print_table(
        "Appeals",
        ("ticket", "label", "of", "state", "outcome", "finding", "given to", "due"),
        [(v.ticket.ticket_ref, v.label, f"{v.subject_type} {v.subject_id}", v.ticket.state,
          v.outcome, v.finding, v.ticket.assigned_to, v.ticket.due_at) for v in found],
    )  # fmt: skip


def _finding_zh(code: str) -> str:
    return load.by("appeal_finding", "code")[code]["name_zh"]


def _say_if_nobody_has_it(view: AppealView) -> None:
    """Taken down all the same: the night may be behind, or somebody else may have it."""
    folder = Settings().lake
    nights = Lake(folder).days(LABELS) if (folder / "lake.json").exists() else []
    if not nights:
        return
    class_code, _, reason = view.label.partition(":")
    wanted = {"class_code": class_code, "reason_code": reason, "subject_type": view.subject_type,
              "subject_id": view.subject_id}  # fmt: skip
    if Lake(folder).scan(LABELS, nights[-1:]).filter(**wanted).collect().is_empty():
        print(f"note: {view.subject_type} {view.subject_id} has no label {view.label} as of the "
              f"night of {nights[-1]}", file=sys.stderr)  # fmt: skip


def _note(
    store: OrderStore, acting: Actor, purpose: str, what: str, found: tuple[AppealView, ...]
) -> None:
    """One row of the access log for all that a command shows."""
    subjects = sorted({f"{view.subject_type}:{view.subject_id}" for view in found})
    AccessLog(store).note(
        actor=acting, purpose=purpose, what=what, subjects=subjects, at=moment(None)
    )


def _print(view: AppealView, as_json: bool) -> None:
    if as_json:
        print_json(view)
        return
    ticket, finding = view.ticket, view.finding
    lines = {
        "appeal": f"{ticket.ticket_ref} ({ticket.state})",
        "against": f"{view.label} of {view.subject_type} {view.subject_id}",
        "number": ticket.number,
        "received": ticket.received_at,
        "taken down by": view.maker,
        "says": ticket.description,
        "why it stands": view.subscription_id and f"mingdan explain {view.subscription_id}",
        "given to": ticket.assigned_to,
        "due": ticket.due_at,
        "outcome": view.outcome,
        "finding": finding and f"{finding} ({_finding_zh(finding)})",
        "decided by": view.checker,
        "decided": view.decided_at,
        "no fact counts until": view.holds_until,
        "answer": ticket.resolution,
    }
    for name, value in lines.items():
        if value is not None:
            print(f"{name}: {shown(value)}")
