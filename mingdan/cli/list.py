"""`mingdan list`: the joint list on its way out, entry by entry and channel by channel.

Here: arguments and printing for the operator of the lists. Not here: the keys'
ceremonies (`list_keys.py`), what a partner does (`partner_copy.py`) and any work
(`mingdan.lists`).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mingdan.cli import list_keys
from mingdan.errors import InputRefused
from mingdan.lists.passing import order_store
from mingdan.lists.policy import list_policy
from mingdan.lists.standing import standing
from mingdan.reports.partners import load_partners, partner_named
from mingdan.settings import Settings

if TYPE_CHECKING:
    from mingdan.lists.trail import Trail

app = typer.Typer(
    help="""The joint list on its way out: channels, keys, receipts, single entries.

    Examples:

        mingdan list channels

        mingdan list show ENTRY
    """,
    no_args_is_help=True,
)
app.add_typer(list_keys.app, name="keys")

AsJson = Annotated[bool, typer.Option("--json", help="JSON for a script.")]


@app.command()
def channels(*, as_json: AsJson = False) -> None:
    """Every partner's channel: what was delivered, until when it is signed, what is confirmed.

    Exit code 1 if anything needs a person: a signature past half of its life, or an
    entry taken back that a partner has not confirmed in time.

    Example:

        mingdan list channels
    """
    settings = Settings()
    policy = list_policy(settings)
    now = datetime.now(UTC)
    with order_store(settings) as store:
        rows = [
            standing(settings, partner, policy.envelope, now, store)
            for partner in load_partners(settings).values()
            if partner.channel is not None
        ]
    if as_json:
        print(json.dumps([row.told() for row in rows], ensure_ascii=False, indent=1))
    else:
        table = Table(title="Channels")
        for title in ("partner", "channel", "release", "signed until", "confirmed", "alarms"):
            table.add_column(title, overflow="fold")
        for row in rows:
            table.add_row(
                row.partner,
                row.channel,
                str(row.seq or "-"),
                row.hindrance or row.signed_until or row.not_ready or "-",
                str(row.confirmed or "-"),
                escape("\n".join(row.alarms)) or "-",
            )
        Console().print(table)
    if any(row.alarms for row in rows):
        raise typer.Exit(1)


@app.command()
def health() -> None:
    """Write the pages on how the lists are anew, as every night does.

    index.html is for us, the others one partner each; they need no script.

    Example:

        mingdan list health
    """
    from mingdan.lists.health import write_pages
    from mingdan.night import Night

    for path in write_pages(Night(Settings()), datetime.now(UTC)):
        Console().print(str(path), highlight=False, soft_wrap=True)


@app.command()
def renew(
    partners: Annotated[
        list[str] | None, typer.Argument(help="Partner codes; none: all that have a channel.")
    ] = None,
) -> None:
    """Sign the timestamps anew, as the job `resign` does.

    PARTNERS whose agreement is not in force are left to run out.

    Example:

        mingdan list renew bank_demo
    """
    from mingdan.lists.standing import renew_all

    done = renew_all(Settings(), datetime.now(UTC), partners or None)
    for code, what in done.items():
        Console().print(f"{code}: {what}", highlight=False)


@app.command()
def receipts(
    partner: Annotated[str, typer.Argument(help="Partner code, e.g. bank_demo.")],
    files: Annotated[list[Path], typer.Argument(help="Receipts the partner gave.")],
) -> None:
    """Take in signed receipts of a partner.

    FILES are what `mingdan partner receipt` wrote. Those that lie in
    landing/receipts/PARTNER/ are taken by every night.

    Example:

        mingdan list receipts bank_demo receipt.json
    """
    from mingdan.lists.standing import take

    settings = Settings()
    who = partner_named(partner, settings)
    for file in files:
        try:
            text = file.read_bytes()
        except OSError as error:
            raise InputRefused(f"{file} cannot be read: {error.strerror}") from None
        got = take(settings, who, text, datetime.now(UTC))
        Console().print(
            f"{who.code} holds release {got.seq} of {got.day} since {got.at}", highlight=False
        )


@app.command()
def answer(
    partner: Annotated[str, typer.Argument(help="Partner code.")],
    files: Annotated[list[Path], typer.Argument(help="Questions the partner gave.")],
) -> None:
    """Evaluate a partner's questions under its quota; the answers go out with its channel.

    PARTNER may only match (disclosure `match_only`). FILES are what `mingdan partner ask`
    wrote; those that lie in landing/questions/PARTNER/ are answered by every night. What is
    over the quota is answered with its refusal.

    Example:

        mingdan list answer bank_demo question.ask
    """
    from mingdan.lists.questions import answer as answer_one
    from mingdan.lists.questions import quota
    from mingdan.lists.standing import deliver_again

    settings = Settings()
    who = partner_named(partner, settings)
    now = datetime.now(UTC)
    for file in files:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise InputRefused(f"{file} cannot be read: {error.strerror}") from None
        done = answer_one(settings, who, data, now)
        Console().print(
            f"question {done['id']}: {done['count']:,} customers, {done['answered']}",
            highlight=False,
        )
    deliver_again(settings, who, now)
    left = quota(settings, who, now)
    Console().print(f"quota: {left['used']:,} of {left['agreed']:,} a year used", highlight=False)


@app.command()
def show(
    entry: Annotated[
        str,
        typer.Argument(metavar="ENTRY|SUBSCRIPTION", help="Entry id, number, reference or key."),
    ],
    *,
    html: Annotated[Path | None, typer.Option(help="Write the page of the entry there.")] = None,
    as_json: AsJson = False,
) -> None:
    """An entry's trail: why it is listed, which releases carried it, to whom, who still has it.

    ENTRY is an id of the table list_entries; a SUBSCRIPTION shows all entries it ever had, a number
    those of everybody who ever held it.

    Examples:

        mingdan list show 13800138000

        mingdan list show 5f0c... --html entry.html
    """
    from dataclasses import asdict

    from mingdan.lists.entry_page import page_of
    from mingdan.lists.trail import entries_of, trail
    from mingdan.night import Night

    settings = Settings()
    if not (settings.lake / "lake.json").exists():
        raise InputRefused(f"there is no installation in {settings.data}: set MINGDAN_DATA")
    night = Night(settings)
    if len(entry) == 32 and set(entry) <= set("0123456789abcdef"):
        wanted = [entry]
    else:
        wanted = entries_of(night, night.orders.subscription_keys(entry))
        if not wanted:
            raise InputRefused("it has never been on the list, whoever held it")
    trails = [trail(night, one) for one in wanted]
    if html is not None:
        html.write_text(page_of(*trails), encoding="utf-8")
    if as_json:
        print(
            json.dumps([asdict(one) for one in trails], ensure_ascii=False, default=str, indent=1)
        )
        return
    for one in trails:
        _print_trail(one)


def _print_trail(one: Trail) -> None:
    from mingdan.lists.entry_page import standing_said

    console = Console(highlight=False)
    force = "on the list" if one.in_force else "no longer on the list"
    console.print(
        f"[bold]{one.entry_id}[/bold]: subscription {one.subscription_id}, "
        f"{', '.join(one.numbers)}, {force}; nights {one.first_night} to {one.last_night}"
    )
    for row in one.reasons:
        console.print(
            f"  {row['from_night']} to {row['until_night']}: {row['reason_code']}, confidence "
            f"{row['confidence']}, until {row['valid_until']:%Y-%m-%d}"
        )
    console.print(f"  why: mingdan explain {one.subscription_id} --as-of {one.last_night}")
    for told in one.told:
        console.print(f"  {told.partner}: {standing_said(told.standing)}")
        for step in told.releases:
            console.print(f"    release {step.seq} of {step.day}: {step.op} {step.told}".rstrip())
    if not one.told:
        console.print("  nobody was told")
