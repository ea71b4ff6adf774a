"""Reads the reference tables Mingdan ships (`mingdan/reference/*.csv`).

Here: the one way to read them, from a checkout or an installed package. Not
here: what a table means (the stage that uses it) and policy values, which have
effective dates and live beside their stage.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """The rows of `<name>.csv` as text by column, in file order.

    Raises FileNotFoundError if no such table is shipped, ValueError if a row has
    more or fewer fields than the header.
    """
    text = files("mingdan.reference").joinpath(f"{name}.csv").read_text("utf-8")
    table = tuple(csv.DictReader(text.splitlines(), strict=True))
    for line, row in enumerate(table, start=2):
        if None in row or None in row.values():
            raise ValueError(f"reference/{name}.csv line {line}: wrong number of fields")
    return table


@cache
def by(name: str, column: str) -> dict[str, dict[str, str]]:
    """The rows of `<name>.csv` by the value of `column`. Raises ValueError on a repeat."""
    found: dict[str, dict[str, str]] = {}
    for row in rows(name):
        if row[column] in found:
            raise ValueError(f"reference/{name}.csv: {column} {row[column]!r} is there twice")
        found[row[column]] = row
    return found
