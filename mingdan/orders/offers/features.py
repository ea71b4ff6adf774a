"""Features (功能) as data: what each needs, excludes and costs, from a day on.

Here: reading `reference/feature.csv` and the rule in force at an instant. Not
here: changing a subscription's features (`businesses/features.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from mingdan.calendar import business_day
from mingdan.reference import load


@dataclass(frozen=True, kw_only=True)
class Feature:
    """What a feature needs from `valid_from` on; `monthly_fee_fen` is in fen a month."""

    code: str
    name: str
    name_zh: str
    valid_from: date
    on_sale: bool
    payment_kinds: frozenset[str]
    sender_kinds: frozenset[str]
    requires: frozenset[str]
    excludes: frozenset[str]
    needs_stk: bool
    needs_sim_k: int | None
    monthly_fee_fen: int


def feature(code: str, at: datetime) -> Feature | None:
    """The rule for `code` in force on the business day of `at`; None before its first day."""
    day = business_day(at)
    known = [rule for rule in _rules().get(code, ()) if rule.valid_from <= day]
    return known[-1] if known else None


def features(at: datetime) -> tuple[Feature, ...]:
    """Every feature there is at `at`, on sale or not, by code."""
    found = (feature(code, at) for code in sorted(_rules()))
    return tuple(rule for rule in found if rule is not None)


@cache
def _rules() -> dict[str, tuple[Feature, ...]]:
    """Every feature's rules over time. Raises ValueError if one names a feature there is not."""
    found: dict[str, list[Feature]] = {}
    for row in load.rows("feature"):
        rule = Feature(
            code=row["code"],
            name=row["name"],
            name_zh=row["name_zh"],
            valid_from=date.fromisoformat(row["valid_from"]),
            on_sale=row["on_sale"] == "yes",
            payment_kinds=frozenset(row["payment_kinds"].split()),
            sender_kinds=frozenset(row["sender_kinds"].split()),
            requires=frozenset(row["requires"].split()),
            excludes=frozenset(row["excludes"].split()),
            needs_stk=row["needs_stk"] == "yes",
            needs_sim_k=int(row["needs_sim_k"]) if row["needs_sim_k"] else None,
            monthly_fee_fen=int(row["monthly_fee_fen"]),
        )
        found.setdefault(rule.code, []).append(rule)
    for rules in found.values():
        for rule in rules:
            if unknown := (rule.requires | rule.excludes) - set(found):
                raise ValueError(f"feature {rule.code} names unknown features {sorted(unknown)}")
    return {
        code: tuple(sorted(rules, key=lambda rule: rule.valid_from))
        for code, rules in found.items()
    }
