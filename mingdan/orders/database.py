"""The order store's database: connections, transactions, migration, bulk writing.

Here: what differs between SQLite (embedded, one writer, WAL) and PostgreSQL
(several writers). Not here: what is written (`working_set.py`) and read
(`reading.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    Engine,
    Select,
    String,
    Table,
    bindparam,
    create_engine,
    event,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from mingdan.errors import Busy, InputRefused, WrongUsage
from mingdan.orders.instants import Instant, microseconds

Query = Select[*tuple[Any, ...]]
"""A query with any columns."""
STRIPES = 512
"""Advisory locks a PostgreSQL writer spreads its keys over; few enough for the lock table."""
LOCK_WAIT_SECONDS = 30
COPY_FROM_ROWS = 50
"""Rows from which PostgreSQL's COPY beats INSERT."""
_MIGRATION_LOCK = 0x6D696E67
_KEY_LOCKS = 0x6D64
_ANY_WRITER = text("SELECT pg_advisory_xact_lock_shared(:space, -1)")
_NO_WRITER = text("SELECT pg_advisory_xact_lock(:space, -1)")


class Database:
    """One database by URL. Raises WrongUsage for a URL of another kind."""

    def __init__(self, url: str) -> None:
        try:
            address = make_url(url)
        except ArgumentError as error:
            raise WrongUsage(f"not the URL of a database: {error}") from error
        if address.drivername in ("postgresql", "postgres"):
            address = address.set(drivername="postgresql+psycopg")
        if address.get_backend_name() not in ("sqlite", "postgresql"):
            raise WrongUsage(f"the order store runs on SQLite or PostgreSQL, not {address!r}")
        self.is_postgresql = address.get_backend_name() == "postgresql"
        if not self.is_postgresql:
            if not address.database or address.database == ":memory:":
                raise WrongUsage("the order store needs a SQLite file: sqlite:///data/orders.db")
            Path(address.database).parent.mkdir(parents=True, exist_ok=True)
        self.name = repr(address)
        self.engine: Engine = create_engine(address)
        if not self.is_postgresql:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent snapshot, whatever is written meanwhile."""
        with self.engine.connect() as connection:
            if self.is_postgresql:
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that is wholly done or wholly not. Raises Busy after 30 s."""
        with self.engine.connect() as connection:
            if not self.is_postgresql:
                connection = connection.execution_options(mingdan_writes=True)
            try:
                with connection.begin():
                    if self.is_postgresql:
                        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT_SECONDS}s'"))
                    yield connection
            except OperationalError as error:
                reason = str(error.orig)
                if "database is locked" in reason or "lock timeout" in reason:
                    raise Busy(
                        f"the order store {self.name} is held by another writer; "
                        f"waited {LOCK_WAIT_SECONDS} s"
                    ) from error
                raise

    def lock(self, connection: Connection, keys: Iterable[str]) -> None:
        """Make every other writer of any of `keys` wait until this transaction ends.

        In ascending order, so that two writers never wait for each other; a key
        need not exist yet. SQLite has one writer, so there it does nothing.
        """
        if not self.is_postgresql:
            return
        stripes = sorted({crc32(key.encode()) % STRIPES for key in keys})
        connection.execute(_ANY_WRITER, {"space": _KEY_LOCKS})
        connection.execute(
            text(
                "SELECT pg_advisory_xact_lock(:space, stripe) "
                "FROM unnest(CAST(:stripes AS integer[])) AS stripe"
            ),
            {"space": _KEY_LOCKS, "stripes": stripes},
        )

    def settle(self) -> None:
        """Wait until every writer now at work has ended. Raises Busy after 30 s."""
        with self.writing() as connection:
            # On SQLite to be the writer is to have waited for the last one.
            if self.is_postgresql:
                connection.execute(_NO_WRITER, {"space": _KEY_LOCKS})

    def migrate(self) -> None:
        """Bring the database to the newest shape. Raises InputRefused if it is newer."""
        try:
            with self.reading() as connection:
                if MigrationContext.configure(connection).get_current_revision() == head():
                    return
        except DBAPIError as error:
            raise InputRefused(f"cannot open the order store {self.name}: {error.orig}") from error
        with self.writing() as connection:
            if self.is_postgresql:
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK}
                )
            current = MigrationContext.configure(connection).get_current_revision()
            known = {script.revision for script in _scripts().walk_revisions()}
            if current is not None and current not in known:
                raise InputRefused(
                    f"the order store {self.name} was written by a newer Mingdan "
                    f"(its shape is {current}); install that one"
                )
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def insert(
        self, connection: Connection, table: Table, columns: Sequence[str], rows: list[Any]
    ) -> None:
        """Insert tuples in the order of `columns`, the fastest way the driver has."""
        if not rows:
            return
        names = ", ".join(columns)
        if self.is_postgresql and len(rows) >= COPY_FROM_ROWS:
            driver: Any = connection.connection.driver_connection
            with (
                driver.cursor() as cursor,
                cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy,
            ):
                for row in rows:
                    copy.write_row(row)
            return
        mark = "%s" if self.is_postgresql else "?"
        marks = ", ".join([mark] * len(columns))
        statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608
        ready = rows if self.is_postgresql else _sqlite_rows(table, columns, rows)
        connection.exec_driver_sql(statement, ready)


def values(connection: Connection, listed: list[Any]) -> Query:
    """A query that lists texts or integers: one parameter, however many there are."""
    if connection.dialect.name == "postgresql":
        kind = ARRAY(BigInteger() if isinstance(listed[0], int) else String())
        return select(func.unnest(bindparam(None, listed, type_=kind, unique=True)))
    text_list = bindparam(None, json.dumps(listed), type_=String(), unique=True)
    return select(literal_column("value")).select_from(func.json_each(text_list))


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


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own transaction handling would begin too late and never IMMEDIATE.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(LOCK_WAIT_SECONDS * 1000)}")
    cursor.execute("PRAGMA journal_mode = WAL")
    # FULL: an order that was answered `completed` survives a power cut.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA cache_size = -65536")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turned writer would fail at once instead of waiting its turn.
    writes = connection.get_execution_options().get("mingdan_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


@cache
def head() -> str:
    """The revision `model.py` stands at."""
    found = _scripts().get_current_head()
    if found is None:
        raise LookupError("no migration scripts")
    return found
