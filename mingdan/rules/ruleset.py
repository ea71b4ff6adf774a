"""What a rule is, and a file of rules read, checked and hashed.

Here: the shape of a rule file, its checks and its canonical form. Not here:
the expression language (`parser.py`), running rules (`hits.py`), and the rules
themselves (`mingdan/senders/rules.toml`, `mingdan/classes/rules.toml`).

The hash is SHA-256 of the canonical form: blanks, comments and the order of
the rules in the file do not change it, any threshold does.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mingdan.errors import InputRefused
from mingdan.rules.parser import BadExpression, parse
from mingdan.rules.tree import Columns, Node

Level = Literal["watch", "published"]
_IDENTIFIER = r"^[a-z][a-z0-9_]{1,39}$"
_WINDOW = re.compile(r"_(\d+)d$")


class BadRules(InputRefused):
    """A rule file cannot be used; the message names the file, the rule and the fault."""


class _Entry(BaseModel):
    """A `[[rule]]` of a rule file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str = Field(pattern=_IDENTIFIER)
    version: int = Field(ge=1)
    class_code: str = Field(alias="class", pattern=_IDENTIFIER)
    reason: str = Field(pattern=_IDENTIFIER)
    level: Level
    score: int = Field(ge=1, le=100)
    meaning: str = Field(min_length=10)
    when: str
    stay: str | None = None
    about: str | None = None
    subject: Literal["party", "subscription"] = "subscription"
    evidence: list[str] = []


class _Scope(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    when: str
    meaning: str = Field(min_length=10)


class _File(BaseModel):
    """A whole rule file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    scope: _Scope | None = None
    rule: list[_Entry]


@dataclass(frozen=True)
class Rule:
    """One rule: what it asserts (class, reason, level, score) and when.

    `stay` is the easier condition that keeps a label of this rule once it
    holds; `about` picks the subscriptions of a party that the rule is about.
    `evidence` are the columns whose values go with every assertion.
    """

    id: str
    version: int
    class_code: str
    reason_code: str
    level: Level
    score: int
    meaning: str
    subject: Literal["party", "subscription"]
    when: Node
    stay: Node | None
    about: Node | None
    evidence: tuple[str, ...]

    @property
    def ref(self) -> str:
        """How assertions name it: `id@version`."""
        return f"{self.id}@{self.version}"

    @property
    def window(self) -> int:
        """Days the condition looks back, the day itself included (1 = that day only)."""
        spans = (_WINDOW.search(column) for column in self.when.columns)
        return max((int(span[1]) for span in spans if span), default=1)

    @property
    def origin(self) -> str:
        """Whose word it rests on: a rule over complaints is no second source beside them."""
        rests_on_complaints = {"complaints_30d", "complainants_30d"} & set(self.when.columns)
        return "complaint" if rests_on_complaints else "rule"

    @property
    def document(self) -> dict[str, Any]:
        """The canonical form; a file with this content is the same rule."""
        return {
            "id": self.id,
            "version": self.version,
            "class": self.class_code,
            "reason": self.reason_code,
            "level": self.level,
            "score": self.score,
            "meaning": self.meaning,
            "subject": self.subject,
            "when": self.when.text,
            "stay": self.stay.text if self.stay else None,
            "about": self.about.text if self.about else None,
            "evidence": list(self.evidence),
        }


@dataclass(frozen=True)
class Ruleset:
    """Checked rules in the order of their ids; `scope` must hold for any to count."""

    rules: tuple[Rule, ...]
    scope: Node | None
    scope_meaning: str

    @property
    def document(self) -> dict[str, Any]:
        scope = {"when": self.scope.text, "meaning": self.scope_meaning} if self.scope else None
        return {"scope": scope, "rule": [rule.document for rule in self.rules]}

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical form, lowercase hex."""
        return digest(self.document)

    def find(self, ref: str) -> Rule | None:
        """The rule an assertion names as `id@version`."""
        return next((rule for rule in self.rules if rule.ref == ref), None)


def canonical(document: object) -> bytes:
    """The bytes a hash is taken of: JSON, keys sorted, no blanks, UTF-8."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def digest(document: object) -> str:
    """SHA-256 of a document's canonical bytes, lowercase hex."""
    return hashlib.sha256(canonical(document)).hexdigest()


def read_toml(text: str, file: str) -> dict[str, Any]:
    """A policy file's content. Raises BadRules naming `file` if it is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadRules(f"{file}: not TOML: {error}") from error


def complaint(error: ValidationError, content: Mapping[str, Any]) -> str:
    """The first fault of a file as one line that names the entry it stands in."""
    fault = error.errors()[0]
    place: Any = content
    names: list[str] = []
    for step in fault["loc"]:
        try:
            place = place[step]
        except (KeyError, IndexError, TypeError):
            place = None
        named = (place.get("id") or place.get("code")) if isinstance(place, dict) else None
        names.append(f"`{named}`" if named else str(step))
    words = {"missing": "is missing", "extra_forbidden": "unknown key"}
    said = words.get(fault["type"], fault["msg"].removeprefix("Value error, "))
    return ": ".join(part for part in (" ".join(names), said) if part)


def ruleset(content: Mapping[str, Any], columns: Mapping[str, Columns], file: str) -> Ruleset:
    """Check a rule file's content against the columns of each subject.

    `columns` maps `party` and `subscription` to what rules about them may name;
    a subject that is missing has no rules. Raises BadRules.
    """
    try:
        shape = _File.model_validate(content)
    except ValidationError as error:
        raise BadRules(f"{file}: {complaint(error, content)}") from error
    seen: set[str] = set()
    rules = []
    for entry in shape.rule:
        if entry.id in seen:
            raise BadRules(f"{file}: rule `{entry.id}` stands there twice")
        seen.add(entry.id)
        rules.append(_rule(entry, columns, file))
    scope = None
    if shape.scope is not None:
        scope = _condition(shape.scope.when, columns["subscription"], f"{file}: scope")
    return Ruleset(
        rules=tuple(sorted(rules, key=lambda rule: rule.id)),
        scope=scope,
        scope_meaning=shape.scope.meaning if shape.scope else "",
    )


def _rule(entry: _Entry, columns: Mapping[str, Columns], file: str) -> Rule:
    where = f"{file}: rule `{entry.id}`"
    if entry.subject not in columns:
        raise BadRules(f"{where}: rules about a {entry.subject} do not belong in this file")
    own = columns[entry.subject]
    when = _condition(entry.when, own, where)
    for name in entry.evidence:
        if name not in own:
            raise BadRules(f"{where}: evidence: unknown column `{name}`")
    if entry.about is not None and entry.subject != "party":
        raise BadRules(f"{where}: only a rule about a party says which subscriptions it is about")
    return Rule(
        id=entry.id,
        version=entry.version,
        class_code=entry.class_code,
        reason_code=entry.reason,
        level=entry.level,
        score=entry.score,
        meaning=entry.meaning,
        subject=entry.subject,
        when=when,
        stay=None if entry.stay is None else _condition(entry.stay, own, f"{where}: stay"),
        about=(
            None
            if entry.about is None
            else _condition(entry.about, columns["subscription"], f"{where}: about")
        ),
        evidence=tuple(sorted({*entry.evidence, *when.columns})),
    )


def _condition(text: str, columns: Columns, where: str) -> Node:
    try:
        node = parse(text, columns)
    except BadExpression as error:
        raise BadRules(f"{where}: {error}") from error
    if not node.columns:
        raise BadRules(f"{where}: `{node.text}` reads no column, so it is not about anyone")
    return node
