"""What a night decides by: dictionary, class rules, precedence, as one checked whole.

Here: reading the three files (or an archived copy), holding them against each
other, their hash, and the frames the statements join. Not here: the entries'
shape (`dictionary.py`) and deciding (`decide.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mingdan.classes.by_hand import with_classes
from mingdan.classes.dictionary import CustomerClass, Dictionary, Reason
from mingdan.classes.facts import KINDS
from mingdan.orders.care.class_file import MARK
from mingdan.orders.care.member_facts import KnownClass
from mingdan.rules.files import policy_text
from mingdan.rules.ruleset import BadRules, Ruleset, complaint, read_toml, ruleset
from mingdan.settings import Settings

DICTIONARY = "classes/dictionary.toml"
RULES = "classes/rules.toml"
PRECEDENCE = "classes/precedence.toml"
Shape = TypeVar("Shape", bound=BaseModel)
_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)


class Above(BaseModel):
    """An effective `by` label keeps `over` labels of the same subject from taking effect."""

    model_config = _STRICT

    by: str
    over: list[str] = Field(min_length=1)


class Precedence(BaseModel):
    """`precedence.toml`; an earlier entry is named as the cause before a later one."""

    model_config = _STRICT

    above: list[Above] = []
    published_above_watch: list[str] = []


class LinkedIdentity(BaseModel):
    """The watch on a customer record whose document is behind a listed one."""

    model_config = _STRICT

    version: int = Field(ge=1)
    score: int = Field(ge=1, le=100)
    meaning: str
    labels: list[str]

    @property
    def ref(self) -> str:
        return f"linked_identity@{self.version}"


@dataclass(frozen=True)
class Policy:
    """Checked policy of one night."""

    dictionary: Dictionary
    rules: Ruleset
    precedence: Precedence
    linked: LinkedIdentity

    @property
    def document(self) -> dict[str, Any]:
        """The canonical form, from which `from_document` makes the same policy again."""
        return {
            "dictionary": self.dictionary.model_dump(by_alias=True, exclude_unset=True),
            "rules": self.rules.document,
            "precedence": self.precedence.model_dump(),
            "linked_identity": self.linked.model_dump(),
        }

    def decision(self, senders: list[str]) -> dict[str, Any]:
        """What a label's `ruleset_hash` is taken of: this policy and the sender rules' hashes."""
        return {"classes": self.document, "senders": sorted(senders)}

    def find(self, class_code: str, reason_code: str) -> tuple[CustomerClass, Reason] | None:
        """Class and reason of a label; None if the dictionary has no such label."""
        return self.dictionary.reasons().get(f"{class_code}:{reason_code}")

    def admit(self, rules: Ruleset, file: str) -> None:
        """Raises BadRules if a rule asserts a label the dictionary does not have."""
        known = self.dictionary.reasons()
        for rule in rules.rules:
            label = f"{rule.class_code}:{rule.reason_code}"
            if label not in known:
                raise BadRules(f"{file}: rule `{rule.id}`: the dictionary has no `{label}`")
            if rule.subject == "party" and known[label][0].subject == "subscription":
                raise BadRules(
                    f"{file}: rule `{rule.id}`: `{label}` is about a subscription, not a party"
                )
            if known[label][0].needs_approval:
                raise BadRules(
                    f"{file}: rule `{rule.id}`: `{label}` needs a second person, not a rule"
                )

    def reason_frame(self) -> pl.DataFrame:
        """Every label there can be with the numbers its life follows."""
        rows = []
        for rank, (entry, reason) in enumerate(self.dictionary.reasons().values()):
            stability = self.dictionary.stability[reason.stability]
            rows.append(
                {
                    "class_code": entry.code,
                    "reason_code": reason.code,
                    "subject": entry.subject,
                    "exclusive": entry.exclusive,
                    "rank": rank,
                    "term_days": reason.term_days,
                    "legal": reason.legal,
                    **stability.model_dump(),
                }
            )
        return pl.DataFrame(rows)

    def above_frame(self) -> pl.DataFrame:
        """Which label stands above which, the first named first."""
        schema = ("by_class", "by_reason", "over_class", "over_reason")
        rows = [
            (*entry.by.split(":"), *over.split(":"))
            for entry in self.precedence.above
            for over in entry.over
        ]
        return pl.DataFrame(
            rows, schema=dict.fromkeys(schema, pl.String), orient="row"
        ).with_columns(rank=pl.int_range(pl.len()))


def load(settings: Settings | None = None, by_hand: Iterable[KnownClass] = ()) -> Policy:
    """The policy an installation uses (default: the shipped one). Raises BadRules.

    `by_hand`: the operator's own classes, from the order store; what an export
    wrote of them behind its marker does not count.
    """
    parts = [policy_text(name, settings) for name in (DICTIONARY, RULES, PRECEDENCE)]
    parts[0] = (parts[0][0].partition(MARK)[0], parts[0][1])
    dictionary, rules, precedence = (read_toml(text, place) for text, place in parts)
    files = dict(zip((DICTIONARY, RULES, PRECEDENCE), (part[1] for part in parts), strict=True))
    dictionary = with_classes(dictionary, by_hand)
    linked = rules.pop("linked_identity", None)
    return checked(dictionary, rules, precedence, linked, files)


def from_document(document: Mapping[str, Any]) -> Policy:
    """The policy of an archived decision. Raises BadRules if it no longer fits the facts."""
    classes = document["classes"]
    return checked(
        classes["dictionary"],
        classes["rules"],
        classes["precedence"],
        classes["linked_identity"],
        {},
    )


def checked(
    dictionary: Mapping[str, Any],
    rules: Mapping[str, Any],
    precedence: Mapping[str, Any],
    linked: Mapping[str, Any] | None,
    files: Mapping[str, str],
) -> Policy:
    """Hold the parts of a policy against each other. Raises BadRules with file and entry."""
    names = {name: files.get(name, name) for name in (DICTIONARY, RULES, PRECEDENCE)}
    policy = Policy(
        dictionary=_shaped(Dictionary, dictionary, names[DICTIONARY]),
        rules=ruleset(rules, KINDS, names[RULES]),
        precedence=_shaped(Precedence, precedence, names[PRECEDENCE]),
        linked=_shaped(LinkedIdentity, linked or {}, f"{names[RULES]}: linked_identity"),
    )
    policy.admit(policy.rules, names[RULES])
    known = policy.dictionary.reasons()
    for label in policy.linked.labels:
        if label not in known or known[label][1].legal:
            raise BadRules(f"{names[RULES]}: linked_identity: `{label}` cannot be linked")
    _check_precedence(policy, names[PRECEDENCE])
    return policy


def _check_precedence(policy: Policy, file: str) -> None:
    known = policy.dictionary.reasons()
    covered = {label for entry in policy.precedence.above for label in entry.over}
    for entry in policy.precedence.above:
        for label in (entry.by, *entry.over):
            if label not in known:
                raise BadRules(f"{file}: above `{entry.by}`: the dictionary has no `{label}`")
        for label in entry.over:
            if known[label][1].legal:
                raise BadRules(
                    f"{file}: above `{entry.by}`: nothing stands above `{label}`, a legal block"
                )
        if entry.by in covered:
            raise BadRules(
                f"{file}: above `{entry.by}`: what stands above others must not be below one"
            )
    codes = {entry.code for entry in policy.dictionary.class_}
    for code in policy.precedence.published_above_watch:
        if code not in codes:
            raise BadRules(f"{file}: published_above_watch: the dictionary has no class `{code}`")


def _shaped(shape: type[Shape], content: Mapping[str, Any], file: str) -> Shape:
    try:
        return shape.model_validate(content)
    except ValidationError as error:
        raise BadRules(f"{file}: {complaint(error, content)}") from error
