"""`mingdan explain`: every label of a subscription and its holder, with all it rests on.

Here: printing an explanation for people or as JSON. Not here: finding it out
(`mingdan.classes.explain`). Numbers are masked; instants are Asia/Shanghai.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mingdan.calendar import BUSINESS_ZONE
from mingdan.classes.explain import explain
from mingdan.classes.explanation import Explanation, Label, Source
from mingdan.classes.tables import LABELS
from mingdan.engine import Engine
from mingdan.errors import InputRefused, WrongUsage
from mingdan.lake import Lake
from mingdan.settings import Settings


def command(
    subscription: Annotated[
        str,
        typer.Argument(
            metavar="NUMBER|REFERENCE|KEY",
            help="Subscription key, number (13800138000) or external reference.",
        ),
    ],
    *,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="Business day (2026-11-01); default: the newest night."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for a script.")] = False,
) -> None:
    """Why a subscription and its holder are labelled as they are.

    The subscription is named by the number it had that day, the ordering system's reference, or
    its key. Ends with the proof: the night is derived again from its stored inputs and rules, and
    compared. Exit code 1 if there is no such subscription or night, or if the proof finds a
    difference. Instants of `--json` are UTC.

    Examples:

        mingdan explain 13800138000 --as-of 2026-11-01

        mingdan explain 4711 --json
    """
    day = None if as_of is None else _day(as_of)
    settings = Settings()
    if not (settings.lake / "lake.json").exists():
        raise InputRefused(f"there is no installation in {settings.data}: set MINGDAN_DATA")
    lake = Lake(settings.lake)
    if day is None:
        decided = lake.days(LABELS)
        if not decided:
            raise InputRefused("no night has been decided yet: `make nightly` runs one")
        day = decided[-1]
    found = explain(Engine(lake, settings), subscription, day)
    if as_json:
        print(json.dumps(asdict(found), ensure_ascii=False, indent=1, default=_plain))
    else:
        _print(Console(highlight=False), found)
    if found.proof.outcome == "differs":
        raise typer.Exit(1)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WrongUsage(f"not a day: {text!r}; write it like 2026-11-01") from None


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def _print(console: Console, found: Explanation) -> None:
    holder = found.holder
    console.rule(f"[bold]Subscription {holder.subscription_id}, night of {found.night}[/bold]")
    console.print(
        f"Number {holder.number or 'none that day'}, {holder.status or 'self-held'}; "
        f"party {holder.party_id}"
        + (f" since {_at(holder.held_since)}" if holder.held_since else "")
        + f", with {len(holder.subscriptions)} subscription(s)"
    )
    if found.ordinary:
        console.print(f"No label in force: {found.ordinary}")
    for label in found.labels:
        _print_label(console, label)
    for appeal in found.appeals:
        console.print(
            f"\nAppeal {appeal.ticket} against [bold]{appeal.code}[/bold] upheld "
            f"{_at(appeal.decided_at)} ({appeal.finding}, {escape(appeal.checker)}): what was seen "
            f"until then does not count, a fact not before {_at(appeal.holds_until)}"
        )
    if found.history:
        # what is looked for again is never broken; the parts of a cell stand on lines of their own
        table = Table(title="History", box=SIMPLE_HEAD, pad_edge=False)
        for title in ("night", "label", "change", "source", "by"):
            table.add_column(title, overflow="fold", no_wrap=title in ("night", "label", "change"))
        for event in found.history:
            by = f"{event.maker}\n{event.checker}" if event.checker else event.maker
            table.add_row(
                event.night.isoformat(), event.code.replace(":", ":\n"),
                f"{event.action}\n{event.level or ''}".strip(),
                event.source_ref.replace(",", "\n"), by,
            )  # fmt: skip
        console.print(table)
    table = Table("input", "day", "version", "digest", title="What the night read")
    for known in found.inputs:
        table.add_row(known.table, known.day.isoformat(), str(known.version), known.digest[:16])
    console.print(table)
    console.print(f"re-derived: [bold]{found.proof.outcome}[/bold]")
    for detail in found.proof.details:
        console.print(f"  {escape(detail)}")


def _print_label(console: Console, label: Label) -> None:
    standing = "in force" if label.effective else "not in force"
    if label.suppressed_by:
        standing = f"kept from effect by {label.suppressed_by}"
    console.print(
        f"\n[bold]{label.name}[/bold] ({label.code}) of {label.subject_type} {label.subject_id}: "
        f"[bold]{label.state}[/bold], {standing}"
    )
    console.print(
        f"  since {_at(label.since)}, seen {_at(label.first_seen)} to {_at(label.last_seen)}, "
        f"ends {_at(label.valid_to) if label.valid_to else 'when revoked'}"
    )
    about = ", ".join(str(key) for key in label.subscriptions) or "none"
    withheld = f"; protected: {', '.join(map(str, label.protected))}" if label.protected else ""
    console.print(
        f"  confidence {label.confidence}, nights seen {label.hits}; "
        f"subscriptions {about}{withheld}"
    )
    console.print(f"  rules {label.ruleset_hash[:16]}, inputs {label.snapshot_hash[:16]}")
    for source in label.sources:
        _print_source(console, source)
    if label.grounds:
        console.print("  published because of what was seen before:")
    for source in label.grounds:
        _print_source(console, source)


def _print_source(console: Console, source: Source) -> None:
    console.print(
        f"  - {source.source} [bold]{source.ref}[/bold] "
        f"(carries to {source.level}, score {source.score}): {escape(source.meaning)}"
    )
    for condition in source.conditions:
        mark = {True: "[green]yes[/green]", False: "[red]no[/red]", None: "unknown"}[
            condition.holds
        ]
        seen = ", ".join(f"{name} = {value}" for name, value in condition.values.items())
        console.print(f"      {mark}  {escape(condition.text)}  [dim]({escape(seen)})[/dim]")
    if not source.conditions:
        console.print(f"      {escape(json.dumps(source.values, ensure_ascii=False))}")


def _at(instant: datetime) -> str:
    """A naive UTC instant as local time."""
    return instant.replace(tzinfo=UTC).astimezone(BUSINESS_ZONE).strftime("%Y-%m-%d %H:%M")
