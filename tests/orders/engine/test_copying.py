"""Rows come out of PostgreSQL as they went in by binary COPY."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from mingdan.orders import bulk, copying
from mingdan.orders.database import Database
from mingdan.orders.schema import METADATA
from tests.orders.support import emptied_postgresql_url

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=9)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
INSTANTS = st.datetimes(
    datetime(1900, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
ROWS = st.lists(
    st.tuples(TEXTS, TEXTS, st.dictionaries(TEXTS, st.none() | TEXTS, max_size=2), INSTANTS),
    min_size=bulk.COPY_FROM_ROWS,
    max_size=bulk.COPY_FROM_ROWS + 3,
)
CHANGED = ("number", "state", "until", "subscription_id", "changed_at", "kind", "licence_no")


def stored(name: str, columns: tuple[str, ...], rows: list[Any]) -> list[tuple[Any, ...]]:
    database, table = Database(emptied_postgresql_url()), METADATA.tables[name]
    assert copying.has_form(table, columns)
    with database.writing() as connection:
        bulk.insert(connection, table, columns, rows)
        wanted = select(*(table.c[each] for each in columns)).order_by(*table.primary_key)
        found = connection.execute(wanted).all()
    database.close()
    return [tuple(row) for row in found]


@settings(max_examples=6, deadline=None)
@given(ROWS)
def test_texts_documents_and_instants_are_kept(rows: list[Any]) -> None:
    columns = ("event_type", "entity", "entity_key", "image", "actor", "recorded_at")
    full = [(one, other, str(i), image, one, at) for i, (one, other, image, at) in enumerate(rows)]
    written = [(*row[:3], json.dumps(row[3]), *row[4:]) for row in full]
    assert stored("entity_event", columns, written) == full


@settings(max_examples=6, deadline=None)
@given(st.lists(st.tuples(st.none() | INSTANTS, st.none() | TEXTS), min_size=50, max_size=52))
def test_what_is_empty_stays_empty(rows: list[Any]) -> None:
    now = datetime(2026, 10, 1, tzinfo=UTC)
    full = [(str(i), "x", until, None, now, text, text) for i, (until, text) in enumerate(rows)]
    assert set(stored("msisdn", CHANGED, full)) == set(full)


@settings(max_examples=4, deadline=None)
@given(st.lists(INTEGERS, min_size=50, max_size=52, unique=True))
def test_integers_are_kept(keys: list[int]) -> None:
    now = datetime(2026, 10, 1, tzinfo=UTC)
    rows = [(key, now) for key in keys]
    assert set(stored("billing_account", ("account_id", "opened_at"), rows)) == set(rows)


def test_a_column_of_another_type_has_no_form() -> None:
    table = METADATA.tables["product_offering"]
    assert not copying.has_form(table, ("code", "valid_from"))
    with pytest.raises(TypeError, match="product_offering"):
        copying.binary(table, ("code", "valid_from"), [])
