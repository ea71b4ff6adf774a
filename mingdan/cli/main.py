"""The command `mingdan`: one sub-command per room.

Here: how the commands hang together and how errors become exit codes (0 done,
1 input refused, 2 wrong usage). Not here: what a command does (its module).
A command whose packages are not installed says which extra brings them.
"""

from __future__ import annotations

import sys
from importlib import import_module

import typer
from rich.console import Console

from mingdan.errors import MingdanError, WrongUsage

COMMANDS = ("simulate", "ingest", "order", "explain", "partner", "runs")
"""Each is `mingdan.cli.<name>` with a typer app `app` or a function `command`."""


def build() -> typer.Typer:
    """The whole command line as one typer app."""
    application = typer.Typer(
        name="mingdan",
        help="名单: who is a key account, blacklisted, protected or a malicious sender, and why.",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
    )
    for name in COMMANDS:
        module = import_module(f"mingdan.cli.{name}")
        if hasattr(module, "command"):
            application.command(name)(module.command)
        else:
            application.add_typer(module.app, name=name)
    return application


def app() -> None:
    """Entry point of the console script."""
    try:
        build()(standalone_mode=True)
    except WrongUsage as error:
        Console(stderr=True).print(f"[red]wrong usage:[/red] {error}", highlight=False)
        sys.exit(2)
    except MingdanError as error:
        Console(stderr=True).print(f"[red]refused:[/red] {error}", highlight=False)
        sys.exit(1)
