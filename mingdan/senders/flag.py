"""The nightly step that flags malicious senders (恶意用户追查).

Here: sender rules run over the day's features, one assertion per rule that
holds. Not here: the rules (`rules.toml`), corroboration, stability and labels
(`classes`): a flag is what one rule says on one day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb
import polars as pl

from mingdan.calendar import day_bounds, naive_utc
from mingdan.engine import Engine, define_view, statement, used
from mingdan.errors import LakeError, MissingInput
from mingdan.features.tables import FEATURES
from mingdan.night import Night, Report
from mingdan.rules.archive import keep
from mingdan.rules.hits import define_hits
from mingdan.rules.ruleset import Ruleset
from mingdan.senders.rules import load
from mingdan.senders.tables import SENDER_ASSERTIONS


def flag(night: Night, day: date) -> Report:
    """Replace the sender assertions of `day`.

    Raises MissingInput if the day has no features, BadRules if the rule file
    cannot be used; nothing is written then.
    """
    if day not in night.lake.days(FEATURES):
        raise MissingInput(f"no {FEATURES.name} of {day}: build the features of that day first")
    rules = load(night.settings)
    found = assertions(night.engine, night.lake.files(FEATURES, [day]), rules, day)
    keep(night.lake, rules.document)
    partition = night.lake.write(SENDER_ASSERTIONS, day, found)
    return Report(
        partitions=(partition,),
        facts={
            "rules": len(rules.rules),
            "assertions": found.height,
            "subscriptions": found["subject_id"].n_unique(),
            "ruleset": rules.hash,
        },
    )


def assertions(engine: Engine, features: Sequence[str], rules: Ruleset, day: date) -> pl.DataFrame:
    """What `rules` assert over feature files of `day`, as rows of `sender_assertions`."""
    text = statement("senders/flag")
    parameters = {
        "day_end": naive_utc(day_bounds(day)[1]),
        "ruleset": rules.hash,
    }
    with engine.connect() as connection:
        define_view(connection, FEATURES.name, FEATURES, features)
        define_hits(
            connection,
            "rule_hits",
            rules.rules,
            source=FEATURES.name,
            subject="subscription_id",
            columns=FEATURES.columns,
            scope=rules.scope,
        )
        connection.register("rules", rule_frame(rules).to_arrow())
        try:
            found: pl.DataFrame = connection.sql(text, params=used(text, parameters)).pl()
            return found
        except duckdb.Error as error:
            raise LakeError(f"{SENDER_ASSERTIONS.name} of {day}: {error}") from error


def rule_frame(rules: Ruleset) -> pl.DataFrame:
    """What each rule asserts, a row per rule, for the statements to join."""
    return pl.DataFrame(
        [
            {
                "rule_ref": rule.ref,
                "class_code": rule.class_code,
                "reason_code": rule.reason_code,
                "source": "rule",
                "level": rule.level,
                "score": rule.score,
                "window_days": rule.window,
                "origin": rule.origin,
            }
            for rule in rules.rules
        ],
        schema={
            "rule_ref": pl.String,
            "class_code": pl.String,
            "reason_code": pl.String,
            "source": pl.String,
            "level": pl.String,
            "score": pl.Int32,
            "window_days": pl.Int32,
            "origin": pl.String,
        },
    )
