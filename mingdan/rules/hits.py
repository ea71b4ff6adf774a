"""Rules run over rows: which hold for whom, with the values they saw.

Here: the one view that evaluates a set of rules in a single pass, and the
trace of one rule for one subject. Not here: what a hit becomes (`senders`,
`classes`).

The SQL is written from checked trees (`tree.py`), never from a file's text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from mingdan.rules.ruleset import Rule
from mingdan.rules.tree import Node
from mingdan.tables import Column

DECIMALS = 6
"""Places evidence values are rounded to; thresholds are compared unrounded."""


@dataclass(frozen=True)
class Condition:
    """One condition of a rule with the values it read; `holds` is None if one was null."""

    text: str
    holds: bool | None
    values: dict[str, object]


def define_hits(
    connection: duckdb.DuckDBPyConnection,
    view: str,
    rules: Sequence[Rule],
    *,
    source: str,
    subject: str,
    columns: Sequence[Column],
    scope: Node | None = None,
) -> None:
    """Make `view(subject_id, rule_ref, entered, stays, evidence)`: a row per rule that holds.

    `source` is a relation with `columns`, `subject` its key. `entered` is the
    rule's condition, `stays` its easier one (equal to `entered` if it has
    none). `evidence` is a JSON object of the rule's columns, keys sorted,
    fractions rounded to `DECIMALS`.
    """
    types = {column.name: column.type for column in columns}
    flags = ["FALSE AS none"]
    hits = ["NULL::STRUCT(rule_ref VARCHAR, entered BOOLEAN, stays BOOLEAN, evidence VARCHAR)"]
    for at, rule in enumerate(rules):
        flags.append(f"coalesce({rule.when.sql}, FALSE) AS entered_{at}")
        stay = rule.stay.sql if rule.stay else rule.when.sql
        flags.append(f"coalesce({stay}, FALSE) AS stays_{at}")
        values = ", ".join(f"'{name}': {_value(name, types[name])}" for name in rule.evidence)
        hits.append(
            f"CASE WHEN entered_{at} OR stays_{at} THEN {{'rule_ref': '{rule.ref}', "
            f"'entered': entered_{at}, 'stays': stays_{at}, "
            f"'evidence': to_json({{{values}}})::VARCHAR}} END"
        )
    any_flag = " OR ".join(["none", *(f"entered_{at} OR stays_{at}" for at in range(len(rules)))])
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {_name(view)} AS "  # noqa: S608
        "SELECT subject_id, hit.rule_ref, hit.entered, hit.stays, hit.evidence FROM ("
        f"SELECT subject_id, unnest([{', '.join(hits)}]) AS hit FROM ("
        f'SELECT "{_name(subject)}" AS subject_id, *, {", ".join(flags)} FROM {_name(source)} '
        f"WHERE {scope.sql if scope else 'TRUE'}) WHERE {any_flag}) WHERE hit IS NOT NULL"
    )


def define_about(
    connection: duckdb.DuckDBPyConnection, view: str, rules: Sequence[Rule], *, source: str
) -> None:
    """Make `view(subject_id, party_id, rule_ref)`: the subscriptions each party rule is about.

    `source` has a row per subscription with `party_id` and `in_service`; a rule
    that does not say is about those in service.
    """
    refs = ["NULL::VARCHAR"]
    for rule in rules:
        condition = rule.about.sql if rule.about else "in_service"
        refs.append(f"CASE WHEN {condition} THEN '{rule.ref}' END")
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {_name(view)} AS "  # noqa: S608
        "SELECT subject_id, party_id, rule_ref FROM ("
        "SELECT subscription_id AS subject_id, party_id, "
        f"unnest([{', '.join(refs)}]) AS rule_ref FROM {_name(source)}) "
        "WHERE rule_ref IS NOT NULL"
    )


def trace(
    connection: duckdb.DuckDBPyConnection,
    rule: Rule,
    values: Mapping[str, object],
    columns: Sequence[Column],
) -> list[Condition]:
    """Each condition of a rule, held against the values it once saw (its evidence)."""
    types = {column.name: column.type for column in columns}
    names = rule.when.columns
    seen = ", ".join(f'${name}::{types[name]} AS "{name}"' for name in names)
    parts = rule.when.conjuncts
    row = connection.execute(
        f"SELECT {', '.join(part.sql for part in parts)} FROM (SELECT {seen})",  # noqa: S608
        {name: values.get(name) for name in names},
    ).fetchall()[0]
    return [
        Condition(part.text, holds, {name: values.get(name) for name in part.columns})
        for part, holds in zip(parts, row, strict=True)
    ]


def _value(name: str, type_: str) -> str:
    if type_ == "DOUBLE":
        return f'CASE WHEN isfinite("{name}") THEN round("{name}", {DECIMALS}) END'
    return f'"{name}"'


def _name(text: str) -> str:
    """A relation or column name we chose ourselves; anything else is a programming error."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", text):
        raise ValueError(f"not a name: {text!r}")
    return text
