"""The command `mingdan`: one sub-command per room.

Here: how the commands hang together and how errors become exit codes (0 done,
1 input refused, 2 wrong usage). Not here: what a command does (its module).

Only the command that is called is imported, so `mingdan partner` starts fast
and runs on the light install; a command whose packages are missing says which
extra brings them.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from importlib import import_module

import typer
from rich.console import Console
from rich.markup import escape

from mingdan.cli.help import show_all
from mingdan.errors import MingdanError, WrongUsage

COMMANDS = (
    "simulate",
    "ingest",
    "order",
    "explain",
    "partner",
    "list",
    "runs",
    "number",
    "sim",
    "handset",
    "account",
    "voucher",
    "kb",
    "ticket",
    "appeal",
    "care",
    "interface",
    "access",
    "serve",
    "diagnose",
    "customer",
    "feature",
    "offer",
)
"""Each is `mingdan.cli.<name>` with a typer app `app` or a function `command`."""
EXTRAS = {"serve": "pipeline,service"}
"""What a command needs beside the light install, where it is not `pipeline` alone."""
_LAKE_READERS = ("polars", "duckdb", "_duckdb", "deltalake", "_internal")


def build(*, only: str | None = None) -> typer.Typer:
    """The command line as one typer app, or as much of it as the command `only` needs."""
    show_all()
    application = typer.Typer(
        name="mingdan",
        help="""名单: who is a key account, blacklisted, protected or a malicious sender, and why.

        Example:

            mingdan runs --last
        """,
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        # with one command alone typer would drop its name
        callback=lambda: None,
    )
    for name in COMMANDS:
        if only in COMMANDS and name != only:
            continue
        try:
            module = import_module(f"mingdan.cli.{name}")
        except ModuleNotFoundError as missing:
            if (missing.name or "").split(".")[0] == "mingdan":
                raise
            extra = EXTRAS.get(name, "pipeline")
            needs = _needs_extra(name, extra)
            application.command(name, help=f"Needs the extra `{extra}`.")(needs)
            continue
        if hasattr(module, "command"):
            application.command(name)(module.command)
        else:
            application.add_typer(module.app, name=name)
    return application


def app() -> None:
    """Entry point of the console script."""
    # whatever a command makes holds people's data
    os.umask(0o077)
    # what is imported stays: looking through it again and again is a sixth of the start
    gc.set_threshold(100_000, 10, 100)
    try:
        build(only=next(iter(sys.argv[1:]), None))(standalone_mode=True)
    except WrongUsage as error:
        _complain("wrong usage", error)
        sys.exit(2)
    except MingdanError as error:
        _complain("refused", error)
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _complain("refused", f"{where}{error.strerror or error}")
        sys.exit(1)
    except Exception as error:
        # what reads the lake is not there on the light install, so it is known by its name
        if type(error).__module__.partition(".")[0] not in _LAKE_READERS:
            raise
        said = str(error).partition("\n")[0]
        _complain("refused", f"the lake cannot be read; restore it from the backup ({said})")
        sys.exit(1)


def _complain(kind: str, error: MingdanError | str) -> None:
    # a refused header may hold what rich would take for markup
    Console(stderr=True).print(
        f"[red]{kind}:[/red] {escape(str(error))}", highlight=False, soft_wrap=True
    )


def _needs_extra(name: str, extra: str) -> Callable[[], None]:
    def command() -> None:
        raise WrongUsage(f"`mingdan {name}` needs more packages: pip install 'mingdan[{extra}]'")

    return command
