"""Many rows and many keys at once, the way each database likes it.

Here: inserting tuples and asking for a list of keys. Not here: transactions
(`database.py`) and what the rows are (`flush.py`, `queries.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    Select,
    String,
    Table,
    bindparam,
    func,
    literal_column,
    select,
)

from mingdan.orders.column_types import Instant, microseconds

Query = Select[*tuple[Any, ...]]
"""A query with any columns."""
COPY_FROM_ROWS = 50
"""Rows from which PostgreSQL's COPY beats INSERT."""


def insert(connection: Connection, table: Table, columns: Sequence[str], rows: list[Any]) -> None:
    """Insert tuples in the order of `columns`, the fastest way the driver has."""
    if not rows:
        return
    names = ", ".join(columns)
    postgresql = connection.dialect.name == "postgresql"
    if postgresql and len(rows) >= COPY_FROM_ROWS:
        driver: Any = connection.connection.driver_connection
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)
        return
    mark = "%s" if postgresql else "?"
    marks = ", ".join([mark] * len(columns))
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608
    ready = rows if postgresql else _sqlite_rows(table, columns, rows)
    connection.exec_driver_sql(statement, ready)


Maker = Callable[[Query], Query]
"""Makes the query for the keys that another query lists."""


def find(connection: Connection, make: Maker, keys: Iterable[Any], **values: Any) -> Sequence[Any]:
    """The rows that `make` asks for, of any number of texts or integers.

    `values` are those of the query's own parameters.

    One parameter holds all keys, and the statement is built once in a process's
    life: for a single order building it took longer than running it.
    """
    wanted = sorted(keys)
    if not wanted:
        return []
    postgresql = connection.dialect.name == "postgresql"
    statement = _statement(make, postgresql, isinstance(wanted[0], int))
    parameter = wanted if postgresql else json.dumps(wanted)
    return connection.execute(statement, {"keys": parameter, **values}).fetchall()


@cache
def _statement(make: Maker, postgresql: bool, integers: bool) -> Query:
    if postgresql:
        kind = ARRAY(BigInteger() if integers else String())
        return make(select(func.unnest(bindparam("keys", type_=kind))))
    listed = func.json_each(bindparam("keys", type_=String()))
    return make(select(literal_column("value")).select_from(listed))


def _sqlite_rows(table: Table, columns: Sequence[str], rows: list[Any]) -> list[Any]:
    instants = [i for i, name in enumerate(columns) if isinstance(table.c[name].type, Instant)]
    ready = []
    for row in rows:
        values = list(row)
        for i in instants:
            if values[i] is not None:
                values[i] = microseconds(values[i])
        ready.append(tuple(values))
    return ready
