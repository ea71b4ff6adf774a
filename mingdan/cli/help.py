"""The help of options and arguments, as it was written.

Here: two things typer would leave out. Not here: what the help says (each command).

`[default: now]` looks to rich like markup, which it swallows; and click keeps a `help` of
arguments of its own since 8.5, which is empty, in the place of typer's.
"""

from __future__ import annotations

from typing import Any

import typer.main
from rich.markup import escape
from typer.core import TyperArgument, TyperOption


class _Option(TyperOption):
    def __init__(self, **values: Any) -> None:
        super().__init__(**(values | {"help": _plain(values.get("help"))}))


class _Argument(TyperArgument):
    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.help = _plain(values.get("help"))


def show_all() -> None:
    """Show from now on, in every command, what is said of its options and arguments."""
    typer.main.TyperOption = _Option  # type: ignore[attr-defined]
    typer.main.TyperArgument = _Argument  # type: ignore[attr-defined]


def _plain(text: str | None) -> str | None:
    return None if text is None else escape(text)
