"""Many rows at once, the way each database likes it.

Here: inserting and changing tuples straight through the driver. Not here:
asking for rows (`finding.py`), transactions (`database.py`) and what the rows
are (`flush.py`).

A statement is built once in a process's life and handed to the driver as it
is: for a single order SQLAlchemy's own way took longer than the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.dialects.sqlite import pysqlite

from mingdan.orders.column_types import Instant, microseconds
from mingdan.orders.copying import binary, has_form

COPY_FROM_ROWS = 50
"""Rows from which PostgreSQL's COPY beats INSERT."""
ROWS_A_STATEMENT = (250, 50)
"""Rows of one INSERT in SQLite: the statement costs as much as two rows, and while it
runs other threads may (`pen.py`)."""


def insert(connection: Connection, table: Table, columns: Sequence[str], rows: list[Any]) -> None:
    """Insert tuples in the order of `columns`, the fastest way the driver has."""
    if not rows:
        return
    cursor = driver_cursor(connection)
    waiting = connection.connection.info.get(_WAITING)
    sqlite = connection.dialect.name == "sqlite"
    if waiting is not None:
        waiting.append((table.name, tuple(columns), rows))
    elif sqlite or (len(rows) >= COPY_FROM_ROWS and has_form(table, columns)):
        insert_ticked(connection, table, columns, ticked(table, columns, rows))
    elif len(rows) >= COPY_FROM_ROWS:
        with cursor.copy(f"COPY {table.name} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    else:
        statement = _insert_statement(table.name, tuple(columns), len(rows), 0)
        cursor.execute(statement, [value for row in rows for value in row])


def insert_ticked(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    flat: list[Any],
    ready: bytes | None = None,
) -> None:
    """Insert rows given as `ticked` gives them; on PostgreSQL by COPY, at once.

    `ready`: what `binary` made of them, if it was asked already.
    """
    cursor = driver_cursor(connection)
    if connection.dialect.name == "sqlite":
        _insert_sqlite(cursor, table.name, tuple(columns), flat)
        return
    names = ", ".join(columns)
    with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN WITH (FORMAT binary)") as copy:
        copy.write(binary(table, columns, flat) if ready is None else ready)


def insert_first(
    connection: Connection, table: Table, columns: tuple[str, ...], row: tuple[Any, ...]
) -> bool:
    """Insert a row unless one of the same key or unique value is there; whether it was.

    What waits in `together` goes with it.
    """
    if connection.dialect.name == "sqlite":
        statement = _insert_statement(table.name, columns, 1)
        values = ticked(table, columns, [row])
    else:
        waiting = connection.connection.info.get(_WAITING, [])
        statement, values = _all_of([*waiting, (table.name, columns, [row])])
        waiting.clear()
    done = driver_cursor(connection).execute(
        f"{statement} ON CONFLICT DO NOTHING RETURNING 1", values
    )
    return bool(done.fetchall())


def change(
    connection: Connection, table: Table, key: str, columns: Sequence[str], rows: list[Any]
) -> None:
    """Set `columns` of the rows of `table` whose `key` is each tuple's first value."""
    if not rows:
        return
    cursor = driver_cursor(connection)
    names = (key, *columns)
    if connection.dialect.name == "sqlite":
        sets = ", ".join(f"{name} = ?" for name in columns)
        flat = ticked(table, names, rows)
        width = len(names)
        cursor.executemany(
            f"UPDATE {table.name} SET {sets} WHERE {key} = ?",  # noqa: S608
            [(*flat[i + 1 : i + width], flat[i]) for i in range(0, len(flat), width)],
        )
        return
    send_waiting(connection)
    cursor.execute(
        _change_statement(table, names), [list(values) for values in zip(*rows, strict=True)]
    )


@contextmanager
def together(connection: Connection, *, copies: bool) -> Iterator[None]:
    """On PostgreSQL, make one statement of the inserts that follow each other in the block.

    For an order the ways there and back take longer than the work. What the block
    reads does not see what it inserts; a refusal of the database shows at its
    end at the latest. `copies`: there are too many rows for that.
    """
    info = connection.connection.info
    if copies or connection.dialect.name == "sqlite" or _WAITING in info:
        yield
        return
    info[_WAITING] = []
    try:
        yield
        send_waiting(connection)
    finally:
        del info[_WAITING]


_WAITING = "mingdan_waiting"


def send_waiting(connection: Connection) -> None:
    """Carry out what waits in `together`: what comes next needs it on record."""
    waiting = connection.connection.info.get(_WAITING)
    if not waiting:
        return
    statement, values = _all_of(waiting)
    waiting.clear()
    driver_cursor(connection).execute(statement, values)


def _all_of(waiting: list[tuple[str, tuple[str, ...], list[Any]]]) -> tuple[str, list[Any]]:
    shape = tuple((table, columns, len(rows)) for table, columns, rows in waiting)
    return _inserts_statement(shape), [v for _, _, rows in waiting for row in rows for v in row]


@lru_cache(maxsize=256)
def _inserts_statement(shape: tuple[tuple[str, tuple[str, ...], int], ...]) -> str:
    statements, given = [], 0
    for table, columns, rows in shape:
        statements.append(_insert_statement(table, columns, rows, given))
        given += rows * len(columns)
    *before, last = statements
    named = ", ".join(f"i{i} AS ({each})" for i, each in enumerate(before))
    return f"WITH {named} {last}" if before else last


def driver_cursor(connection: Connection, place: int = 0) -> Any:
    """A cursor of the driver's own in the transaction of `connection`, kept for its life.

    `place`: another than the first, if several are to hold rows at a time.
    """
    if not connection.in_transaction():
        # As SQLAlchemy does by itself: one snapshot from the first statement on.
        connection.begin()
    pooled = connection.connection
    cursors = pooled.info.setdefault("mingdan_cursors", [])
    while len(cursors) <= place:
        driver: Any = pooled.driver_connection
        postgresql = connection.dialect.name == "postgresql"
        cursors.append(_numbered(driver) if postgresql else driver.cursor())
    return cursors[place]


def _numbered(connection: Any) -> Any:
    """A cursor of PostgreSQL that takes statements as the server does, with `$1` for a value."""
    from psycopg import RawCursor
    from psycopg.types.numeric import Int8Dumper

    cursor = RawCursor(connection)
    # One type for all integers, or every size of them is planned anew.
    cursor.adapters.register_dumper(int, Int8Dumper)
    return cursor


@cache
def dialect_of(name: str) -> Dialect:
    """The dialect of a database as the driver's own statements are compiled for."""
    postgresql: Any = psycopg.dialect
    made: Dialect = (
        postgresql(paramstyle="numeric_dollar") if name == "postgresql" else pysqlite.dialect()
    )
    return made


@cache
def _insert_statement(
    table: str, columns: tuple[str, ...], rows: int, given: int | None = None
) -> str:
    """`given`: for PostgreSQL, the values that come before its own in the same text."""
    count = rows * len(columns)
    marks = ["?"] * count if given is None else [f"${given + i}" for i in range(1, count + 1)]
    width = len(columns)
    listed = ", ".join(f"({', '.join(marks[i : i + width])})" for i in range(0, count, width))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {listed}"  # noqa: S608


@cache
def _change_statement(table: Table, names: tuple[str, ...]) -> str:
    dialect = dialect_of("postgresql")
    kinds = [table.c[name].type.dialect_impl(dialect).compile(dialect) for name in names]
    lists = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(kinds, start=1))
    key, *columns = names
    sets = ", ".join(f"{name} = v.{name}" for name in columns)
    return (
        f"UPDATE {table.name} AS t SET {sets} "  # noqa: S608
        f"FROM unnest({lists}) AS v({', '.join(names)}) WHERE t.{key} = v.{key}"
    )


class _Ticks(dict[Any, Any]):
    """Instants as SQLite keeps them; most of a batch's occur many times."""

    def __missing__(self, instant: Any) -> int | None:
        # Two threads may be here at once (`pen.py`): at any point the other goes on.
        if instant is None or isinstance(instant, int):
            return instant
        if len(self) > _MOST_TICKS:
            self.clear()
        found = self[instant] = microseconds(instant)
        return found


_MOST_TICKS = 100_000
_TICKS = _Ticks()


def ticked(table: Table, columns: Sequence[str], rows: list[Any]) -> list[Any]:
    """The values of `rows` one after the other, instants as microseconds since 1970."""
    flat = list(chain.from_iterable(rows))
    for i in _instants(table, tuple(columns)):
        flat[i :: len(columns)] = [_TICKS[value] for value in flat[i :: len(columns)]]
    return flat


def ticks_of(instants: Iterable[Any]) -> list[int]:
    """Instants as microseconds since 1970, as `ticked` makes them."""
    return [_TICKS[instant] for instant in instants]


@cache
def _instants(table: Table, columns: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(i for i, name in enumerate(columns) if isinstance(table.c[name].type, Instant))


def _insert_sqlite(cursor: Any, table: str, columns: tuple[str, ...], flat: list[Any]) -> None:
    done = 0
    for rows in ROWS_A_STATEMENT:
        step = rows * len(columns)
        end = len(flat) - (len(flat) - done) % step
        if done < end:
            statement = _insert_statement(table, columns, rows)
            cursor.executemany(statement, [flat[i : i + step] for i in range(done, end, step)])
            done = end
    if rest := flat[done:]:
        statement = _insert_statement(table, columns, len(rest) // len(columns))
        cursor.execute(statement, rest)
