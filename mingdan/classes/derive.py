"""From a night's inputs to its labels: the same computation for the night and for proof.

Here: which statements make labels of assertions and facts, and in what order.
Not here: choosing inputs (`inputs.py`), writing (`decide.py`), the statements
(`sql/classes/`).

Nothing is written and no clock is read: the result follows from the files, the
policy and the sender rules alone, so `explain` can make it again years later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl

from mingdan.calendar import day_bounds, known_at, naive_utc
from mingdan.classes.facts import PARTY_FACTS, SUBSCRIPTION_FACTS
from mingdan.classes.inputs import OF_THE_DAY
from mingdan.classes.policy import Policy
from mingdan.classes.tables import LABELS
from mingdan.engine import Engine, define_view, statement, used
from mingdan.errors import LakeError
from mingdan.features.tables import FEATURES
from mingdan.rules.hits import define_about, define_hits
from mingdan.rules.ruleset import Rule, Ruleset
from mingdan.senders.flag import rule_frame

_FACTS = ("holders", "subscription_facts", "party_facts")
_STEPS = ("appealed", "observations", "admitted", "observed", "stepped", "standing")


@dataclass(frozen=True)
class Derived:
    """The labels and label events of a night, and what was left out of them."""

    labels: pl.DataFrame
    events: pl.DataFrame
    unknown: int
    """Assertions of labels the dictionary does not have."""
    before_transfer: int
    """Rule hits that rest on days before the subscription changed hands."""
    appealed: int
    """Observations that an upheld appeal (申诉) refuted."""


def derive(
    engine: Engine,
    files: Mapping[str, Sequence[str]],
    policy: Policy,
    senders: Ruleset,
    *,
    day: date,
    ruleset_hash: str,
    snapshot_hash: str,
) -> Derived:
    """Decide the night of `day` from Parquet files by table name (`labels`: last night's).

    Raises LakeError if the database refuses.
    """
    parameters: dict[str, object] = {
        "known_at": naive_utc(known_at(day)),
        "day_end": naive_utc(day_bounds(day)[1]),
        "linked_ref": policy.linked.ref,
        "linked_score": policy.linked.score,
        "linked_labels": policy.linked.labels,
        "published_above_watch": policy.precedence.published_above_watch,
        "ruleset": ruleset_hash,
        "snapshot": snapshot_hash,
    }
    with engine.connect() as connection:
        try:
            _prepare(connection, files, policy, senders, parameters)
            for name in _STEPS:
                _keep(connection, name, f"classes/{name}", parameters)
            left_out = _rows(connection, "classes/left_out", parameters).row(0, named=True)
            return Derived(
                labels=_rows(connection, "classes/labels", parameters),
                events=_rows(connection, "classes/label_events", parameters),
                unknown=left_out["unknown"],
                before_transfer=left_out["before_transfer"],
                appealed=left_out["appealed"],
            )
        except duckdb.Error as error:
            raise LakeError(f"labels of {day}: {error}") from error


def _prepare(
    connection: duckdb.DuckDBPyConnection,
    files: Mapping[str, Sequence[str]],
    policy: Policy,
    senders: Ruleset,
    parameters: Mapping[str, object],
) -> None:
    for table in OF_THE_DAY:
        if table is not FEATURES:
            # a night of before there was the table read none of it
            define_view(connection, table.name, table, files.get(table.name, []))
    define_view(connection, "features_of_the_day", FEATURES, files[FEATURES.name])
    columns = ", ".join(f'"{name}"' for name in _features_read(policy))
    connection.execute(
        f"CREATE TEMP TABLE {FEATURES.name} AS SELECT {columns} FROM features_of_the_day"  # noqa: S608
    ).fetchall()
    define_view(connection, "previous_labels", LABELS, files.get(LABELS.name, []))
    connection.execute("CREATE TEMP TABLE previous AS FROM previous_labels").fetchall()
    connection.register("reasons", policy.reason_frame().to_arrow())
    connection.register("above", policy.above_frame().to_arrow())
    connection.register("class_rules", rule_frame(policy.rules).to_arrow())
    connection.register("rule_windows", rule_frame(senders).to_arrow())
    for name in _FACTS:
        _keep(connection, name, f"classes/{name}", parameters)
    by_subject: dict[str, list[Rule]] = {"party": [], "subscription": []}
    for rule in policy.rules.rules:
        by_subject[rule.subject].append(rule)
    define_hits(
        connection,
        "party_hits",
        by_subject["party"],
        source="party_facts",
        subject="party_id",
        columns=PARTY_FACTS,
    )
    define_hits(
        connection,
        "subscription_hits",
        by_subject["subscription"],
        source="subscription_facts",
        subject="subscription_id",
        columns=SUBSCRIPTION_FACTS,
        scope=policy.rules.scope,
    )
    define_about(connection, "rule_about", by_subject["party"], source="subscription_facts")


def _features_read(policy: Policy) -> list[str]:
    """The feature columns that the statements or a rule name: a dozen of a hundred.

    Reading them once from the bucket files halves a night's time against
    leaving it to each statement.
    """
    texts = (statement(f"classes/{name}") for name in _FACTS)
    named = {word for text in texts for word in re.findall(r"\w+", text)}
    for rule in policy.rules.rules:
        conditions = [node for node in (rule.when, rule.stay, rule.about) if node]
        named |= {name for node in conditions for name in node.columns} | set(rule.evidence)
    if policy.rules.scope:
        named |= set(policy.rules.scope.columns)
    return [name for name in FEATURES.names if name in named]


def _keep(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    name: str,
    parameters: Mapping[str, object],
) -> None:
    text = statement(name)
    connection.execute(f"CREATE TEMP TABLE {table} AS {text}", used(text, parameters)).fetchall()


def _rows(
    connection: duckdb.DuckDBPyConnection, name: str, parameters: Mapping[str, object]
) -> pl.DataFrame:
    text = statement(name)
    found: pl.DataFrame = connection.sql(text, params=used(text, parameters)).pl()
    return found
