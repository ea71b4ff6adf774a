"""Who acts at the command line, and how refusals of a desk are answered.

Here: the options every command of care has, and one way to print. Not here:
the commands. `--as`, `--role` and `--interface` may come from MINGDAN_ACTOR,
MINGDAN_ROLE and MINGDAN_INTERFACE.
"""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mingdan.cli.counter import instant
from mingdan.errors import InputRefused, WrongUsage
from mingdan.orders.access.actor import SYSTEM, Actor
from mingdan.orders.lookups import NoSuchSubscription, local
from mingdan.orders.refusals import Refused

As = Annotated[str, typer.Option("--as", help="Who acts: a staff id.", envvar="MINGDAN_ACTOR")]
Looking = Annotated[
    str | None,
    typer.Option(
        "--as",
        help="Who looks: a staff id, for the access log.",
        envvar="MINGDAN_ACTOR",
        show_default="who is logged in",
    ),
]
Role = Annotated[
    str, typer.Option(help="counter, hotline, back_office or manager.", envvar="MINGDAN_ROLE")
]
Interface = Annotated[
    str | None,
    typer.Option(help="Interface number [default: the role's own].", envvar="MINGDAN_INTERFACE"),
]
When = Annotated[
    str | None,
    typer.Option("--at", help="e.g. '2026-11-01 12:00' (Shanghai) [default: now]."),
]
Day = Annotated[str, typer.Option(help="Business day, e.g. 2026-11-01.")]


def actor(name: str, role: str, interface: str | None) -> Actor:
    """Who acts; a role without an interface acts through its own."""
    return Actor(role, interface or role, name)


def looker(name: str | None, role: str, interface: str | None) -> Actor:
    """Who looks at something masked: the staff member, or whoever is logged in here."""
    if name is not None:
        return actor(name, role, interface)
    try:
        return Actor(SYSTEM.role, SYSTEM.interface_no, getpass.getuser())
    except (OSError, KeyError):
        # a service account without a name: Python before 3.13 says KeyError
        return SYSTEM


def moment(at: str | None) -> datetime:
    """The instant typed, or now; one may look at what is yet to come."""
    return datetime.now(UTC) if at is None else instant("--at", at)


def done_at(at: str | None) -> datetime:
    """When something was done, as typed, or now. Raises Refused (future_effect) ahead of the clock.

    What is written down never goes back, so a mistyped year would stay for ever.
    """
    typed, now = moment(at), datetime.now(UTC)
    if typed > now:
        raise Refused("future_effect", at=typed, recorded_at=now)
    return typed


def business_day(text: str) -> date:
    """A day as typed."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WrongUsage(f"--day is a day such as 2026-11-01, not {text!r}") from None


@contextmanager
def answering(as_json: bool) -> Iterator[None]:
    """Turn a refusal into exit code 1, as JSON if asked."""
    try:
        yield
    except (Refused, NoSuchSubscription) as error:
        refused = error.refused if isinstance(error, NoSuchSubscription) else error
        if not as_json:
            raise InputRefused(
                f"{refused.reason} ({refused.code}; {refused.reason_zh})"
            ) from refused
        print_json({"code": refused.code, "reason": refused.reason, "reason_zh": refused.reason_zh})
        raise typer.Exit(1) from refused


def plain(value: Any) -> Any:
    """As JSON holds it: instants in local time, seconds, no sets."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(part) for name, part in asdict(value).items()}
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, datetime):
        return local(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value


def print_json(value: Any) -> None:
    """For a script, on standard output."""
    print(json.dumps(plain(value), ensure_ascii=False, indent=1, default=str))


def print_done(text: str, as_json: bool, **values: str) -> None:
    """What was done: `text` for people, `values` for a script."""
    if as_json:
        print_json(values)
    else:
        print(text)


def print_table(title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table for people; what was typed is never taken for markup."""
    if not rows:
        print(f"{title}: none")
        return
    table = Table(title=title, title_justify="left")
    for place, head in enumerate(heads):
        # what is typed again, or copied from here, stands in one piece
        table.add_column(head, overflow="fold", no_wrap=place == 0)
    for row in rows:
        table.add_row(*(shown(value) for value in row))
    Console().print(table)


def shown(value: Any) -> str:
    """One value for people."""
    if value is None:
        return "-"
    return escape(str(plain(value)).removesuffix("+08:00"))
