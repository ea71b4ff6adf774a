"""The help of every command: nothing swallowed, every argument explained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import click
import pytest
import typer
from click.testing import CliRunner

from mingdan.cli.main import build

COMMAND = typer.main.get_command(build())


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group with its words."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), (*path, name))


ALL = dict(commands(COMMAND))


def shown(path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "300")
    result = CliRunner().invoke(COMMAND, [*path, "--help"])
    assert result.exit_code == 0, result.exception
    return " ".join(result.output.split())


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_is_whole(path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    words = shown(path, monkeypatch)
    assert not re.search(r" \.(?!\.)", words), "something in brackets was taken for markup"
    for param in ALL[path].params:
        if param.param_type_name == "argument":
            assert param.help, f"nothing is said of {param.name}"
            assert " ".join(param.help.replace("\\[", "[").split()) in words


@pytest.mark.parametrize(
    "path", [(), ("partner",), ("order",), ("runs",), ("explain",), ("simulate",), ("ingest",)]
)
def test_an_example_is_shown(path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Example" in shown(path, monkeypatch)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (("order", "suspend"), "Repeat it to retry safely. [default: (a new one)]"),
        (("order", "suspend"), "(Shanghai). [default: (now)]"),
        (("order", "suspend"), "Its number, the ordering system's reference, or its key."),
        (("interface", "history"), "[default: all]"),
    ],
)
def test_defaults_and_arguments_are_said(
    path: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert words in shown(path, monkeypatch)
