"""Rules over rows: who is hit, with which evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import polars as pl

from mingdan.rules.hits import define_about, define_hits, trace
from mingdan.rules.parser import parse
from mingdan.rules.ruleset import Rule, read_toml, ruleset
from mingdan.rules.tree import column_kinds
from mingdan.tables import Column as C

COLUMNS = (
    C("subscription_id", "BIGINT", "key"),
    C("sent_1d", "BIGINT", "count"),
    C("share_1d", "DOUBLE", "share"),
    C("kind", "VARCHAR", "kind"),
)
KINDS = {"subscription": column_kinds(COLUMNS), "party": column_kinds(COLUMNS)}


def rules(*conditions: str, **more: str) -> tuple[Rule, ...]:
    """Rules `r0`, `r1`, ... with these conditions."""
    extra = "".join(f'{name} = "{value}"\n' for name, value in more.items())
    text = "".join(
        f'[[rule]]\nid = "r{at}"\nversion = 3\nclass = "blacklist"\nreason = "fraud"\n'
        f'level = "watch"\nscore = 9\nmeaning = "One of them."\nwhen = "{when}"\n{extra}'
        for at, when in enumerate(conditions)
    )
    return ruleset(read_toml(text, ""), KINDS, "").rules


def hits(
    rows: Sequence[tuple[Any, ...]], *chosen: Rule, scope: str | None = None
) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        frame = pl.DataFrame(
            rows,
            schema={
                "subscription_id": pl.Int64,
                "sent_1d": pl.Int64,
                "share_1d": pl.Float64,
                "kind": pl.String,
            },
            orient="row",
        )
        connection.register("features", frame.to_arrow())
        define_hits(
            connection,
            "found",
            chosen,
            source="features",
            subject="subscription_id",
            columns=COLUMNS,
            scope=parse(scope, KINDS["subscription"]) if scope else None,
        )
        return connection.sql(
            "SELECT subject_id, rule_ref, entered, stays, evidence FROM found ORDER BY ALL"
        ).fetchall()


def test_each_rule_that_holds_is_a_row_with_its_values() -> None:
    found = hits(
        [(1, 10, 0.123456789, "a"), (2, 1, 0.9, "b")],
        *rules("sent_1d >= 10", "share_1d > 0.1 and kind = 'a'"),
    )
    assert found == [
        (1, "r0@3", True, True, '{"sent_1d":10}'),
        (1, "r1@3", True, True, '{"kind":"a","share_1d":0.123457}'),
    ]


def test_thresholds_are_compared_before_rounding() -> None:
    assert hits([(1, 0, 0.8499999999, "a")], *rules("share_1d >= 0.85")) == []


def test_nulls_and_infinities_hit_nobody_and_break_nothing() -> None:
    rows = [(1, None, None, None), (2, 5, float("inf"), "a"), (3, 5, float("nan"), "a")]
    found = hits(rows, *rules("share_1d < 0.5", "sent_1d > 1 or share_1d < 0.5"))
    assert [row[:2] for row in found] == [(2, "r1@3"), (3, "r1@3")]
    assert found[0][4] == '{"sent_1d":5,"share_1d":null}'


def test_scope_keeps_others_out() -> None:
    rows = [(1, 10, 0.5, "person"), (2, 10, 0.5, "m2m"), (3, 10, 0.5, None)]
    found = hits(rows, *rules("sent_1d > 1"), scope="kind = 'person'")
    assert [row[0] for row in found] == [1]


def test_stay_is_told_apart_from_entry() -> None:
    chosen = rules("sent_1d >= 10", stay="sent_1d >= 8")
    found = hits([(1, 12, 0, ""), (2, 9, 0, ""), (3, 7, 0, "")], *chosen)
    assert [row[:4] for row in found] == [(1, "r0@3", True, True), (2, "r0@3", False, True)]


def test_no_rules_hit_nobody() -> None:
    assert hits([(1, 10, 0.5, "a")]) == []


def test_about_picks_subscriptions_of_a_party_rule() -> None:
    chosen = rules("sent_1d > 1", subject="party", about="sent_1d > 5")
    default = rules("sent_1d > 1", subject="party")
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE facts AS SELECT * FROM (VALUES (1, 7, TRUE, 9), (2, 7, FALSE, 9),"
            " (3, 7, TRUE, 1)) AS t (subscription_id, party_id, in_service, sent_1d)"
        ).fetchall()
        for picked, wanted in ((chosen, [(1,), (2,)]), (default, [(1,), (3,)])):
            define_about(connection, "about", picked, source="facts")
            rows = connection.sql("SELECT subject_id FROM about ORDER BY 1").fetchall()
            assert rows == wanted


def test_trace_tells_which_condition_holds() -> None:
    rule = rules("sent_1d >= 10 and share_1d < 0.5 and kind = 'a'")[0]
    with duckdb.connect() as connection:
        traced = trace(connection, rule, {"sent_1d": 12, "share_1d": 0.7}, COLUMNS)
    assert [(part.text, part.holds) for part in traced] == [
        ("sent_1d >= 10", True),
        ("share_1d < 0.5", False),
        ("kind = 'a'", None),
    ]
    assert traced[0].values == {"sent_1d": 12}
