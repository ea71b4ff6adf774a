"""The tree of a rule's expression: what it reads, its canonical text and its SQL.

Here: the one node type and how a tree is written out. Not here: how a tree is
made and checked (`parser.py`).

Division by zero and the logarithm of what is not positive are null, and a
comparison with null holds for nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from mingdan.tables import Column, ColumnType

Kind = Literal["number", "text", "flag"]
Columns = Mapping[str, Kind]

_KIND: dict[ColumnType, Kind] = {
    "BIGINT": "number",
    "INTEGER": "number",
    "SMALLINT": "number",
    "DOUBLE": "number",
    "BOOLEAN": "flag",
    "VARCHAR": "text",
}
COMPARISONS = {"=": "=", "!=": "<>", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
"""Each comparison sign and its canonical form."""
FUNCTIONS = {"coalesce": 2, "least": 2, "greatest": 2, "ln": 1}
"""Allowed functions and the least number of arguments each takes."""


@dataclass(frozen=True)
class Node:
    """One checked node; `value` holds a column's name or a literal as written."""

    op: str
    kind: Kind
    args: tuple[Node, ...] = ()
    value: str = ""

    def walk(self) -> Iterator[Node]:
        yield self
        for arg in self.args:
            yield from arg.walk()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns it reads, sorted."""
        return tuple(sorted({node.value for node in self.walk() if node.op == "column"}))

    @property
    def conjuncts(self) -> tuple[Node, ...]:
        """The conditions that must all hold: the parts joined by the outermost `and`s."""
        if self.op != "and":
            return (self,)
        return tuple(part for arg in self.args for part in arg.conjuncts)

    @property
    def text(self) -> str:
        """Canonical text: equal for expressions that differ only in blanks or case."""
        return _write(self, str, _TEXT)

    @property
    def sql(self) -> str:
        """SQL of the tree, fully parenthesised, columns quoted."""
        return _write(self, lambda name: f'"{name}"', _SQL)


def column_kinds(columns: tuple[Column, ...]) -> dict[str, Kind]:
    """The columns an expression may name; instants and bytes are left out."""
    return {column.name: _KIND[column.type] for column in columns if column.type in _KIND}


_Form = Callable[[list[str]], str]
_TEXT: dict[str, _Form] = {
    "negative": lambda args: f"-{args[0]}",
    "in": lambda args: f"{args[0]} in ({', '.join(args[1:])})",
    "is null": lambda args: f"{args[0]} is null",
    "is not null": lambda args: f"{args[0]} is not null",
    "not": lambda args: f"not {args[0]}",
}
_SQL: dict[str, _Form] = {
    "negative": lambda args: f"(-{args[0]})",
    "in": lambda args: f"({args[0]} IN ({', '.join(args[1:])}))",
    "is null": lambda args: f"({args[0]} IS NULL)",
    "is not null": lambda args: f"({args[0]} IS NOT NULL)",
    "not": lambda args: f"(NOT {args[0]})",
    "and": lambda args: f"({' AND '.join(args)})",
    "or": lambda args: f"({' OR '.join(args)})",
    "/": lambda args: f"({args[0]} / NULLIF({args[1]}, 0))",
    "ln": lambda args: f"ln(CASE WHEN {args[0]} > 0 THEN {args[0]} END)",
}
_BINDING = {
    "or": 1,
    "and": 2,
    "not": 3,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "negative": 7,
} | dict.fromkeys((*COMPARISONS.values(), "in", "is null", "is not null"), 4)
"""How tightly an operator binds; what is not here needs no brackets."""


def _write(node: Node, column: Callable[[str], str], forms: Mapping[str, _Form]) -> str:
    if node.op == "column":
        return column(node.value)
    if node.op == "literal":
        # a DECIMAL beside a BIGINT would be compared as DECIMAL, a DOUBLE as DOUBLE
        decimal = forms is _SQL and node.kind == "number" and "." in node.value
        return f"{node.value}::DOUBLE" if decimal else node.value
    args = [_write(arg, column, forms) for arg in node.args]
    if node.op in FUNCTIONS and node.op not in forms:
        return f"{node.op}({', '.join(args)})"
    if forms is _TEXT and node.op not in FUNCTIONS:
        args = [_bracketed(node, at, args[at]) for at in range(len(args))]
    if node.op in forms:
        return forms[node.op](args)
    joined = f" {node.op} ".join(args)
    return joined if forms is _TEXT else f"({joined})"


def _bracketed(parent: Node, at: int, written: str) -> str:
    child = _BINDING.get(parent.args[at].op, 9)
    own = _BINDING[parent.op]
    leftmost_of_chain = at == 0 and child == own and parent.op in "+-*/"
    return written if child > own or leftmost_of_chain else f"({written})"
