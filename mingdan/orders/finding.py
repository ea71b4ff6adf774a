"""Rows by many keys at once, the way each database likes it.

Here: asking for the rows of a list of keys, straight through the driver. Not
here: what is asked for (`queries.py`) and writing (`bulk.py`).

A query is compiled once in a process's life and handed to the driver as it is:
for a single order SQLAlchemy's own way took longer than the database.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Select,
    String,
    any_,
    bindparam,
    func,
    literal_column,
    select,
)

from mingdan.orders.bulk import dialect_of, driver_cursor
from mingdan.orders.column_types import EPOCH, Instant, microseconds

Query = Select[*tuple[Any, ...]]
"""A query with any columns."""
Among = Callable[[Any], ColumnElement[bool]]
"""Says of a column that it holds one of the keys asked for."""
Maker = Callable[[Among], Query]
"""Makes a query for keys that are not known yet."""
Readers = tuple[tuple[int, Callable[[Any], Any]], ...]
"""How to read which columns of a row."""
Statement = tuple[str, list[Any]]
"""A statement as the driver takes it, with its values."""
KEYS_TOGETHER = 100
"""Keys up to which several questions are one statement, their rows JSON: a few rows, or none,
are cheaper so; many are cheaper with their types."""


def find(connection: Connection, make: Maker, keys: Iterable[Any], **values: Any) -> Sequence[Any]:
    """The rows that `make` asks for, of any number of texts or integers.

    `values` are those of the query's own parameters. One parameter holds all keys.
    """
    wanted = sorted(keys)
    if not wanted:
        return []
    text, given, readers = _question(connection, make, wanted, values)
    return _readable(driver_cursor(connection).execute(text, given).fetchall(), readers)


def find_all(
    connection: Connection,
    asked: Sequence[tuple[Maker, Iterable[Any]]],
    *,
    first: Statement | None = None,
    **values: Any,
) -> list[Sequence[Any]]:
    """`find` of several, none of which needs another's rows: one way there and back.

    `first`: a statement to carry out before, on the same way (PostgreSQL's locks).
    """
    questions = [(make, sorted(keys)) for make, keys in asked]
    if connection.dialect.name == "sqlite":
        return [find(connection, make, keys, **values) for make, keys in questions]
    found: list[Sequence[Any]] = [()] * len(questions)
    places = [i for i, (_, keys) in enumerate(questions) if keys]
    asking = [questions[i] for i in places]
    with driver_cursor(connection).connection.pipeline():
        if first is not None:
            driver_cursor(connection).execute(*first)
        if sum(len(keys) for _, keys in asking) <= KEYS_TOGETHER:
            answers = _as_one(connection, asking, values) if asking else iter(())
        else:
            answers = _one_by_one(connection, asking, values)
    for i, rows in zip(places, answers, strict=True):
        found[i] = rows
    return found


def _as_one(
    connection: Connection, asking: list[tuple[Maker, list[Any]]], values: dict[str, Any]
) -> Iterable[Sequence[Any]]:
    kinds = tuple((make, isinstance(keys[0], int)) for make, keys in asking)
    text, names, plain, readers = _one_statement(kinds)
    given = plain | values | {f"keys{i}": _listed(keys) for i, (_, keys) in enumerate(asking)}
    cursor = driver_cursor(connection, 1)
    cursor.execute(text, [given[name] for name in names])
    return _read_later(cursor, readers)


def _read_later(cursor: Any, readers: tuple[Readers, ...]) -> Iterable[Sequence[Any]]:
    (row,) = cursor.fetchall()
    for rows, of_row in zip(row, readers, strict=True):
        yield _readable(rows or [], of_row)


def _one_by_one(
    connection: Connection, asking: list[tuple[Maker, list[Any]]], values: dict[str, Any]
) -> Iterable[Sequence[Any]]:
    under_way: list[tuple[Any, Readers]] = []
    for place, (make, keys) in enumerate(asking, start=1):
        text, given, readers = _question(connection, make, keys, values)
        under_way.append((driver_cursor(connection, place).execute(text, given), readers))
    return (_readable(cursor.fetchall(), readers) for cursor, readers in under_way)


def _question(
    connection: Connection, make: Maker, wanted: list[Any], values: dict[str, Any]
) -> tuple[str, list[Any], Readers]:
    name = connection.dialect.name
    text, names, plain, readers = _statement(make, name, isinstance(wanted[0], int))
    if name == "postgresql":
        given = plain | values | {"keys": _listed(wanted)}
        return text, [given[each] for each in names], readers
    given = plain | values | {"keys": json.dumps(wanted)}
    return text, [_sqlite_value(given[each]) for each in names], readers


def _listed(keys: list[Any]) -> str:
    """A list as PostgreSQL reads it from text; the driver would look at each key by itself."""
    if isinstance(keys[0], int):
        return "{" + ",".join(map(str, keys)) + "}"
    joined = '","'.join(keys)
    if "\\" in joined or joined.count('"') > 2 * (len(keys) - 1):
        joined = '","'.join(key.replace("\\", "\\\\").replace('"', '\\"') for key in keys)
    return '{"' + joined + '"}'


def _readable(rows: list[Any], readers: Readers) -> Sequence[Any]:
    if not readers or not rows:
        return rows
    columns: list[Any] = list(zip(*rows, strict=True))
    for i, read in readers:
        columns[i] = [None if value is None else read(value) for value in columns[i]]
    return list(zip(*columns, strict=True))


@cache
def _statement(
    make: Maker, dialect_name: str, integers: bool
) -> tuple[str, tuple[str, ...], dict[str, Any], Readers]:
    """Text, names of its values in their order, constants, and how to read which columns."""
    if dialect_name == "postgresql":
        query = make(_among("keys", integers))
        return *_compiled(query, dialect_name), _readers(query, Instant, _in_utc)
    listed = func.json_each(bindparam("keys", type_=String()))
    keys: Any = select(literal_column("value")).select_from(listed)
    query = make(lambda column: column.in_(keys))
    instants = _readers(query, Instant, _from_microseconds)
    return *_compiled(query, dialect_name), (*instants, *_readers(query, Boolean, bool))


@lru_cache(maxsize=256)
def _one_statement(
    kinds: tuple[tuple[Maker, bool], ...],
) -> tuple[str, tuple[str, ...], dict[str, Any], tuple[Readers, ...]]:
    """PostgreSQL's questions as one: a row, in which every question's rows are a column."""
    queries = [make(_among(f"keys{i}", integers)) for i, (make, integers) in enumerate(kinds)]
    columns = []
    for i, query in enumerate(queries):
        rows = query.subquery(f"q{i}")
        listed = func.json_agg(func.json_build_array(*rows.c))
        columns.append(select(listed).select_from(rows).scalar_subquery())
    readers = tuple(_readers(query, Instant, _from_text) for query in queries)
    return *_compiled(select(*columns), "postgresql"), readers


def _among(name: str, integers: bool) -> Among:
    # A list, not a table of unknown length: the planner then always goes by the index,
    # whichever columns it begins with and however little it knows of a young table.
    kind: Any = ARRAY(BigInteger() if integers else String())
    keys: Any = bindparam(name, type_=kind)
    return lambda column: column == any_(keys)


def _compiled(query: Query, dialect_name: str) -> tuple[str, tuple[str, ...], dict[str, Any]]:
    compiled: Any = query.compile(dialect=dialect_of(dialect_name))
    return str(compiled), tuple(compiled.positiontup), dict(compiled.params)


def _readers(query: Query, kind: Any, read: Callable[[Any], Any]) -> Readers:
    columns = enumerate(query.selected_columns)
    return tuple((i, read) for i, column in columns if isinstance(column.type, kind))


def _in_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _from_text(value: str) -> datetime:
    return datetime.fromisoformat(value).astimezone(UTC)


class _Instants(dict[int, datetime]):
    """Instants by microseconds since 1970; of what a load reads most occur several times."""

    def __missing__(self, value: int) -> datetime:
        if len(self) > _MOST_INSTANTS:
            self.clear()
        found = self[value] = EPOCH + timedelta(microseconds=value)
        return found


_MOST_INSTANTS = 100_000
_from_microseconds = _Instants().__getitem__


def _sqlite_value(value: Any) -> Any:
    return microseconds(value) if isinstance(value, datetime) else value
