"""The expression language: what it takes, what it means, and that text never becomes SQL."""

from __future__ import annotations

import math

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mingdan.rules.parser import BadExpression, parse
from mingdan.rules.tree import COMPARISONS, Columns, Node, column_kinds
from mingdan.tables import Column

COLUMNS: Columns = {"a": "number", "b": "number", "share": "number", "kind": "text", "on": "flag"}
TYPES = {"a": "BIGINT", "b": "BIGINT", "share": "DOUBLE", "kind": "VARCHAR", "on": "BOOLEAN"}


def evaluate(text: str, **values: object) -> bool | None:
    """What DuckDB makes of an expression for one row; columns not given are null."""
    relation = ", ".join(f'${name}::{kind} AS "{name}"' for name, kind in TYPES.items())
    row = duckdb.execute(
        f"SELECT {parse(text, COLUMNS).sql} FROM (SELECT {relation})",  # noqa: S608
        {name: values.get(name) for name in TYPES},
    ).fetchall()[0]
    result: bool | None = row[0]
    return result


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("a>1", "a > 1"),
        ("  A  >=  1.50 ", "a >= 1.50"),
        ("a != 1", "a <> 1"),
        ("a > 1 AND b < 2 or not ON", "a > 1 and b < 2 or not on"),
        ("a > 1 and (b < 2 or on)", "a > 1 and (b < 2 or on)"),
        ("a - (b - 1) > 0", "a - (b - 1) > 0"),
        ("(a - b) - 1 > 0", "a - b - 1 > 0"),
        ("a between 1 and 2", "a >= 1 and a <= 2"),
        ("a not between 1 and 2", "not (a >= 1 and a <= 2)"),
        ("kind in ('x', 'y')", "kind in ('x', 'y')"),
        ("kind not in ('x')", "not kind in ('x')"),
        ("kind = 'it''s'", "kind = 'it''s'"),
        ("a is not null and b is null", "a is not null and b is null"),
        ("least(a, b, 3) < -2 * coalesce(share, 0)", "least(a, b, 3) < -2 * coalesce(share, 0)"),
    ],
)
def test_canonical_text(text: str, canonical: str) -> None:
    node = parse(text, COLUMNS)
    assert node.text == canonical
    assert parse(canonical, COLUMNS) == node


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("recipients > 1", "unknown column `recipients`"),
        ("shar > 1", "did you mean share?"),
        ("sleep(1) > 1", "unknown function `sleep`"),
        ("a", "a number, not a condition"),
        ("a > 'x'", "cannot be compared"),
        ("on + 1 > 0", "needs a number"),
        ("a and b > 1", "`and` needs a flag"),
        ("a > ", "unexpected the end"),
        ("a > 1 b", "unexpected `b`"),
        ("a in ()", "unexpected `)`"),
        ("kind in ('x', 1)", "cannot be compared"),
        ("ln(a, b) > 1", "`ln` takes 1"),
        ("coalesce(a) > 1", "`coalesce` takes 2"),
        ("coalesce(kind, 1) = 'x'", "needs a text"),
        ("a not 1", "unexpected `1`"),
        ("", "unexpected the end"),
        ("a > 1e400", "unexpected `1e400`"),
        ("a > 12345678901234567890", "unexpected `12345678901234567890`"),
    ],
)
def test_refusals_say_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(BadExpression) as refusal:
        parse(text, COLUMNS)
    assert complaint in str(refusal.value)


def test_null_holds_for_nobody() -> None:
    assert evaluate("a > 1") is None
    assert evaluate("a > 1 and b > 1", b=0) is False
    assert evaluate("a is null") is True


def test_division_by_zero_and_logarithm_of_nothing_are_null() -> None:
    assert evaluate("a / b > 1", a=5, b=0) is None
    assert evaluate("ln(a) > 1", a=0) is None
    assert evaluate("ln(a) > 1", a=20) is True


def test_fractions_compare_as_floats() -> None:
    assert evaluate("share >= 0.85", share=0.85) is True
    assert evaluate("share >= 0.85", share=math.nextafter(0.85, 0)) is False
    assert evaluate("a > 0.5", a=2**62) is True


def test_columns_and_conjuncts() -> None:
    node = parse("a > 1 and (b > 2 or on) and kind = 'x'", COLUMNS)
    assert node.columns == ("a", "b", "kind", "on")
    assert [part.text for part in node.conjuncts] == ["a > 1", "b > 2 or on", "kind = 'x'"]


def test_instants_and_bytes_cannot_be_named() -> None:
    kinds = column_kinds(
        (
            Column("since", "TIMESTAMP", "an instant"),
            Column("raw", "BLOB", "bytes"),
            Column("count", "INTEGER", "a number"),
        )
    )
    assert kinds == {"count": "number"}


numbers = st.sampled_from(["a", "b", "share", "0", "3", "0.5"])
signs = st.sampled_from(sorted(COMPARISONS))


def expressions() -> st.SearchStrategy[str]:
    """Texts of the language, with brackets where a person might put them."""
    sums = st.recursive(
        numbers,
        lambda inner: st.one_of(
            st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner),
            st.builds("-{}".format, inner),
            st.builds("coalesce({}, {})".format, inner, inner),
        ),
        max_leaves=4,
    )
    comparisons = st.one_of(
        st.builds("{} {} {}".format, sums, signs, sums),
        st.builds("{} is null".format, sums),
        st.just("on"),
        st.just("kind in ('x', 'y')"),
    )
    return st.recursive(
        comparisons,
        lambda inner: st.one_of(
            st.builds("({} and {})".format, inner, inner),
            st.builds("({}) or ({})".format, inner, inner),
            st.builds("not ({})".format, inner),
        ),
        max_leaves=5,
    )


@settings(max_examples=80, deadline=None)
@given(
    text=expressions(),
    a=st.none() | st.integers(-5, 5),
    b=st.none() | st.integers(-5, 5),
    share=st.none() | st.floats(0, 1),
)
def test_canonical_text_means_the_same(
    text: str, a: int | None, b: int | None, share: float | None
) -> None:
    node = parse(text, COLUMNS)
    again = parse(node.text, COLUMNS)
    assert again.text == node.text
    values = {"a": a, "b": b, "share": share, "kind": "x", "on": True}
    assert evaluate(text, **values) == evaluate(again.text, **values)


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet="ab()<>=+-*/'; .,0123456789\n\"\\x00_andornot$", max_size=60))
def test_any_text_is_refused_or_becomes_allow_listed_nodes(text: str) -> None:
    try:
        node = parse(text, COLUMNS)
    except BadExpression:
        return
    assert all(_allowed(part) for part in node.walk())


def _allowed(node: Node) -> bool:
    if node.op == "column":
        return node.value in COLUMNS
    if node.op == "literal":
        return node.kind != "text" or node.value[1:-1].replace("''", "").count("'") == 0
    return True
