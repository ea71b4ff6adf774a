"""The tables of docs/classes.md, written from the policy that is shipped.

Here: rendering dictionary, rules, stability and precedence as Markdown between
the page's markers. Not here: the page's prose.

`python -m mingdan.classes.handbook docs/classes.md` brings the page up to date.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from mingdan.classes.facts import PARTY_FACTS, SUBSCRIPTION_FACTS
from mingdan.classes.policy import Policy, load
from mingdan.features.tables import FEATURES
from mingdan.rules.ruleset import Rule, Ruleset, digest
from mingdan.senders import rules as sender_rules

_MARKED = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def refresh(page: str) -> str:
    """The page with what stands between its markers written anew. Raises KeyError on a
    section nobody writes.
    """
    policy, senders = load(), sender_rules.load()

    def section(found: re.Match[str]) -> str:
        lines = "\n".join(_SECTIONS[found[2]](policy, senders))
        return f"{found[1]}{lines}\n{found[3]}"

    return _MARKED.sub(section, page)


def _hashes(policy: Policy, senders: Ruleset) -> Iterator[str]:
    yield f"Shipped policy `{digest(policy.document)[:16]}`, sender rules `{senders.hash[:16]}`."


def _dictionary(policy: Policy, _senders: Ruleset) -> Iterator[str]:
    yield from _header(
        "label", "", "about", "comes by", "lives as", "term, days", "leaves the house"
    )
    for entry in policy.dictionary.class_:
        if entry.default:
            yield _row(f"`{entry.code}`", entry.name_zh, "party", "no label in force", "", "", "")
        for reason in entry.reason:
            yield _row(
                f"`{entry.code}:{reason.code}`",
                f"{entry.name_zh} {reason.name_zh}",
                entry.subject,
                "two people" if entry.needs_approval else "rules, reports",
                reason.stability + (", legal block" if reason.legal else ""),
                str(reason.term_days),
                "yes" if reason.publishable else "no",
            )


def _stability(policy: Policy, _senders: Ruleset) -> Iterator[str]:
    yield from _header("stability", "number", "value")
    for name, ways in policy.dictionary.stability.items():
        for number, value in ways.model_dump(exclude_unset=True).items():
            yield _row(f"`{name}`", f"`{number}`", str(value))


def _class_rules(policy: Policy, _senders: Ruleset) -> Iterator[str]:
    yield from _rules(policy.rules.rules)
    linked = policy.linked
    yield _row(
        f"`{linked.ref}`", ", ".join(f"`{label}`" for label in linked.labels), "watch",
        str(linked.score), linked.meaning, "(the same `document_id`)",
    )  # fmt: skip


def _sender_rules(_policy: Policy, senders: Ruleset) -> Iterator[str]:
    if senders.scope:
        yield f"Scope: `{senders.scope.text}`. {senders.scope_meaning}"
        yield ""
    yield from _rules(senders.rules)


def _precedence(policy: Policy, _senders: Ruleset) -> Iterator[str]:
    labels = [
        f"{entry.code}:{reason.code}"
        for entry in policy.dictionary.class_
        for reason in entry.reason
        if entry.code == "blacklist"
    ]
    causes = [entry.by for entry in policy.precedence.above]
    yield from _header("label", *(f"`{cause}`" for cause in causes), "another published one")
    for label in labels:
        legal = policy.dictionary.reasons()[label][1].legal
        cells = [
            "kept from effect" if label in entry.over else "-" for entry in policy.precedence.above
        ]
        below = label.split(":")[0] in policy.precedence.published_above_watch
        yield _row(
            f"`{label}`" + (" (legal block)" if legal else ""),
            *cells,
            "its watch is kept from effect" if below else "-",
        )


def _facts(_policy: Policy, _senders: Ruleset) -> Iterator[str]:
    yield "Of a party:"
    yield ""
    yield from _header("fact", "meaning")
    yield from (_row(f"`{column.name}`", column.meaning) for column in PARTY_FACTS)
    own = [column for column in SUBSCRIPTION_FACTS if column not in FEATURES.columns]
    yield ""
    yield "Of a subscription: every feature ([features.md](features.md)) and"
    yield ""
    yield from _header("fact", "meaning")
    yield from (_row(f"`{column.name}`", column.meaning) for column in own)


def _rules(rules: Iterable[Rule]) -> Iterator[str]:
    yield from _header("rule", "says", "carries to", "score", "meaning", "condition")
    for rule in rules:
        condition = f"`{rule.when.text}`"
        if rule.stay:
            condition += f"; kept while `{rule.stay.text}`"
        if rule.about:
            condition += f"; about subscriptions with `{rule.about.text}`"
        yield _row(
            f"`{rule.ref}`",
            f"`{rule.class_code}:{rule.reason_code}`",
            rule.level,
            str(rule.score),
            rule.meaning,
            condition,
        )


def _header(*names: str) -> Iterator[str]:
    yield _row(*names)
    yield "|" + "---|" * len(names)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


_SECTIONS: dict[str, Callable[[Policy, Ruleset], Iterator[str]]] = {
    "hashes": _hashes,
    "dictionary": _dictionary,
    "stability": _stability,
    "class_rules": _class_rules,
    "sender_rules": _sender_rules,
    "precedence": _precedence,
    "facts": _facts,
}

if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(refresh(path.read_text(encoding="utf-8")), encoding="utf-8")
