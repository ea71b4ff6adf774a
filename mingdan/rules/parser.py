"""From a rule's text to a checked tree.

Here: the expression language of rule files. Not here: what a tree becomes
(`tree.py`) and what a rule is (`ruleset.py`).

A rule file is data that an analyst edits, so nothing of its text ever reaches
the database: only trees of allow-listed nodes do. There are columns, numbers,
texts, `true`/`false`, comparison, `between`, `in`, `is null`, `and or not`,
`+ - * /` and the functions of `FUNCTIONS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from mingdan.errors import InputRefused
from mingdan.rules.tree import COMPARISONS, FUNCTIONS, Columns, Kind, Node

_MAX_LENGTH = 4_000
_MAX_TOKENS = 400
_MAX_DEPTH = 40
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d{1,15}(?:\.\d{1,15})?(?![\w.]))|(?P<text>'(?:[^'\x00]|'')*')"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign><=|>=|<>|!=|[=<>+\-*/(),]))"
)


class BadExpression(InputRefused):
    """The text is no expression of this language, or names something unknown."""


def parse(text: str, columns: Columns) -> Node:
    """The boolean expression in `text` over `columns`.

    Raises BadExpression naming the place, or the unknown column or function.
    """
    if len(text) > _MAX_LENGTH:
        raise BadExpression(f"longer than {_MAX_LENGTH} characters")
    tokens = list(_tokens(text))
    if len(tokens) > _MAX_TOKENS:
        raise BadExpression(f"longer than {_MAX_TOKENS} words and signs")
    parser = _Parser(tokens, columns)
    node = parser.either()
    parser.expect("end")
    if node.kind != "flag":
        raise BadExpression(f"`{node.text}` is a {node.kind}, not a condition")
    return node


@dataclass(frozen=True)
class _Token:
    kind: str
    value: str
    at: int


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            near = text[at:].strip()[:20]
            raise BadExpression(f"unexpected `{near}` at character {at + 1}")
        value = match[match.lastgroup]
        if match.lastgroup == "name":
            yield _Token("name", value.lower(), match.start("name"))
        else:
            yield _Token(match.lastgroup, value, match.start(match.lastgroup))
        at = match.end()
    yield _Token("end", "", end)


class _Parser:
    """Recursive descent, loosest binding first: or, and, not, comparison, sum, product."""

    def __init__(self, tokens: list[_Token], columns: Columns) -> None:
        self.tokens = tokens
        self.columns = columns
        self.at = 0
        self.depth = 0

    def either(self) -> Node:
        return self._joined("or", self._both)

    def _both(self) -> Node:
        return self._joined("and", self._negated)

    def _joined(self, word: str, part: Callable[[], Node]) -> Node:
        parts = [self._deeper(part)]
        while self._take(word):
            parts.append(self._deeper(part))
        if len(parts) == 1:
            return parts[0]
        return Node(word, "flag", tuple(self._need(node, "flag", word) for node in parts))

    def _negated(self) -> Node:
        if self._take("not"):
            inner = self._deeper(self._negated)
            return Node("not", "flag", (self._need(inner, "flag", "not"),))
        return self._comparison()

    def _deeper(self, part: Callable[[], Node]) -> Node:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise BadExpression(f"nested deeper than {_MAX_DEPTH} levels")
        node = part()
        self.depth -= 1
        return node

    def _comparison(self) -> Node:
        left = self._sum()
        token = self.tokens[self.at]
        if token.value in COMPARISONS and token.kind == "sign":
            self.at += 1
            return self._compared(COMPARISONS[token.value], left, self._sum())
        if self._take("is"):
            negated = self._take("not")
            self.expect("name", "null")
            return Node("is not null" if negated else "is null", "flag", (left,))
        negated = self._take("not")
        if self._take("between"):
            low = self._sum()
            self.expect("name", "and")
            high = self._sum()
            node = Node(
                "and",
                "flag",
                (self._compared(">=", left, low), self._compared("<=", left, high)),
            )
        elif self._take("in"):
            self.expect("sign", "(")
            choices = [self._sum()]
            while self._take(","):
                choices.append(self._sum())
            self.expect("sign", ")")
            for choice in choices:
                self._compared("=", left, choice)
            node = Node("in", "flag", (left, *choices))
        elif negated:
            raise self._unexpected()
        else:
            return left
        return Node("not", "flag", (node,)) if negated else node

    def _compared(self, sign: str, left: Node, right: Node) -> Node:
        if left.kind != right.kind:
            raise BadExpression(
                f"`{left.text}` is a {left.kind} and `{right.text}` a {right.kind}: "
                "they cannot be compared"
            )
        return Node(sign, "flag", (left, right))

    def _sum(self) -> Node:
        return self._arithmetic(("+", "-"), self._product)

    def _product(self) -> Node:
        return self._arithmetic(("*", "/"), self._signed)

    def _arithmetic(self, signs: tuple[str, ...], part: Callable[[], Node]) -> Node:
        node = part()
        while (sign := self.tokens[self.at]).kind == "sign" and sign.value in signs:
            self.at += 1
            left, right = self._need(node, "number", sign.value), part()
            node = Node(sign.value, "number", (left, self._need(right, "number", sign.value)))
        return node

    def _signed(self) -> Node:
        if self._take("-"):
            inner = self._deeper(self._signed)
            return Node("negative", "number", (self._need(inner, "number", "-"),))
        return self._atom()

    def _atom(self) -> Node:
        token = self.tokens[self.at]
        self.at += 1
        if token.kind == "number":
            return Node("literal", "number", value=token.value)
        if token.kind == "text":
            return Node("literal", "text", value=token.value)
        if token.kind == "sign" and token.value == "(":
            node = self.either()
            self.expect("sign", ")")
            return node
        if token.kind == "name":
            return self._named(token)
        self.at -= 1
        raise self._unexpected()

    def _named(self, token: _Token) -> Node:
        if token.value in ("true", "false"):
            return Node("literal", "flag", value=token.value)
        if self._take("("):
            return self._called(token.value)
        if token.value not in self.columns:
            near = get_close_matches(token.value, self.columns, n=3)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise BadExpression(f"unknown column `{token.value}`{hint}")
        return Node("column", self.columns[token.value], value=token.value)

    def _called(self, name: str) -> Node:
        if name not in FUNCTIONS:
            allowed = ", ".join(sorted(FUNCTIONS))
            raise BadExpression(f"unknown function `{name}`; there are only {allowed}")
        args = [self.either()]
        while self._take(","):
            args.append(self.either())
        self.expect("sign", ")")
        least = FUNCTIONS[name]
        if len(args) < least or (name == "ln" and len(args) != 1):
            raise BadExpression(f"`{name}` takes {least} or more arguments, not {len(args)}")
        kind: Kind = args[0].kind if name == "coalesce" else "number"
        return Node(name, kind, tuple(self._need(arg, kind, name) for arg in args))

    def _need(self, node: Node, kind: Kind, where: str) -> Node:
        if node.kind != kind:
            raise BadExpression(f"`{where}` needs a {kind}, and `{node.text}` is a {node.kind}")
        return node

    def _take(self, value: str) -> bool:
        token = self.tokens[self.at]
        if token.value == value and token.kind in ("name", "sign"):
            self.at += 1
            return True
        return False

    def expect(self, kind: str, value: str | None = None) -> None:
        token = self.tokens[self.at]
        if token.kind != kind or (value is not None and token.value != value):
            raise self._unexpected()
        self.at += 1

    def _unexpected(self) -> BadExpression:
        token = self.tokens[self.at]
        found = f"`{token.value}`" if token.kind != "end" else "the end"
        return BadExpression(f"unexpected {found} at character {token.at + 1}")
