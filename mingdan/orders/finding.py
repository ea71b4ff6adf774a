"""Rows by many keys at once, the way each database likes it.

Here: asking for the rows of a list of keys, straight through the driver. Not
here: what is asked for (`queries.py`) and writing (`bulk.py`).

A query is compiled once in a process's life and handed to the driver as it is:
for a single order SQLAlchemy's own way took longer than the database.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Connection,
    Select,
    String,
    bindparam,
    func,
    literal_column,
    select,
)

from mingdan.orders.bulk import dialect_of, driver_cursor
from mingdan.orders.column_types import EPOCH, Instant, microseconds

Query = Select[*tuple[Any, ...]]
"""A query with any columns."""
Maker = Callable[[Query], Query]
"""Makes the query for the keys that another query lists."""
Readers = tuple[tuple[int, Callable[[Any], Any]], ...]
"""How to read which columns of a row."""


def find(connection: Connection, make: Maker, keys: Iterable[Any], **values: Any) -> Sequence[Any]:
    """The rows that `make` asks for, of any number of texts or integers.

    `values` are those of the query's own parameters. One parameter holds all keys.
    """
    wanted = sorted(keys)
    if not wanted:
        return []
    text, parameters, readers = _question(connection, make, wanted, values)
    cursor = driver_cursor(connection)
    return _readable(cursor.execute(text, parameters).fetchall(), readers)


def find_all(
    connection: Connection, asked: Sequence[tuple[Maker, Iterable[Any]]], **values: Any
) -> list[Sequence[Any]]:
    """`find` of several, none of which needs another's rows: one way there and back."""
    questions = [(make, sorted(keys)) for make, keys in asked]
    if connection.dialect.name == "sqlite":
        return [find(connection, make, keys, **values) for make, keys in questions]
    found: list[Sequence[Any]] = [()] * len(questions)
    under_way: list[tuple[int, Any, Readers]] = []
    with driver_cursor(connection).connection.pipeline():
        for i, (make, keys) in enumerate(questions):
            if keys:
                text, parameters, readers = _question(connection, make, keys, values)
                cursor = driver_cursor(connection, len(under_way))
                under_way.append((i, cursor.execute(text, parameters), readers))
    for i, cursor, readers in under_way:
        found[i] = _readable(cursor.fetchall(), readers)
    return found


def _question(
    connection: Connection, make: Maker, wanted: list[Any], values: dict[str, Any]
) -> tuple[str, Any, Readers]:
    dialect = connection.dialect
    text, names, plain, readers = _statement(make, dialect.name, isinstance(wanted[0], int))
    postgresql = dialect.name == "postgresql"
    given = plain | values | {"keys": wanted if postgresql else json.dumps(wanted)}
    if names is None:
        return text, given, readers
    return text, [_sqlite_value(given[name]) for name in names], readers


def _readable(rows: list[Any], readers: Readers) -> Sequence[Any]:
    return [_read(row, readers) for row in rows] if readers and rows else rows


def _read(row: Any, readers: Readers) -> Any:
    values = list(row)
    for i, read in readers:
        if values[i] is not None:
            values[i] = read(values[i])
    return tuple(values)


Statement = tuple[str, tuple[str, ...] | None, dict[str, Any], Readers]
"""Text, names of positional parameters, constants, and how to read which columns."""


@cache
def _statement(make: Maker, dialect_name: str, integers: bool) -> Statement:
    if dialect_name == "postgresql":
        kind = ARRAY(BigInteger() if integers else String())
        query = make(select(func.unnest(bindparam("keys", type_=kind))))
        reader: Callable[[Any], Any] = _in_utc
    else:
        listed = func.json_each(bindparam("keys", type_=String()))
        query = make(select(literal_column("value")).select_from(listed))
        reader = _from_microseconds
    compiled: Any = query.compile(dialect=dialect_of(dialect_name))
    readers: list[tuple[int, Callable[[Any], Any]]] = []
    for i, column in enumerate(query.selected_columns):
        if isinstance(column.type, Instant):
            readers.append((i, reader))
        elif isinstance(column.type, Boolean) and dialect_name == "sqlite":
            readers.append((i, bool))
    names = tuple(compiled.positiontup) if compiled.positiontup is not None else None
    # A list, not a table of unknown length: the planner then always goes by the index,
    # whichever columns it begins with and however little it knows of a young table.
    text = _LISTED.sub(r"= ANY (\1)", str(compiled))
    return text, names, dict(compiled.params), tuple(readers)


_LISTED = re.compile(r"IN \(SELECT unnest\((%\(keys\)s(?:::\w+\[\])?)\) AS \w+\)")


def _in_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _from_microseconds(value: int) -> datetime:
    return EPOCH + timedelta(microseconds=value)


def _sqlite_value(value: Any) -> Any:
    return microseconds(value) if isinstance(value, datetime) else value
