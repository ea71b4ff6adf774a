"""The order store's database: connections, transactions, migration.

Here: what differs between SQLite (embedded, one writer, WAL) and PostgreSQL
(several writers). Not here: many rows at once (`bulk.py`), the steps of a migration
(`migrating.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    event,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from mingdan.errors import Busy, Contended, InputRefused, Unreachable, WrongUsage
from mingdan.orders import migrating
from mingdan.orders.bulk import driver_cursor
from mingdan.orders.turns import NoTurn, Turns

STRIPES = 512
"""Advisory locks a PostgreSQL writer spreads its keys over; few enough for the lock table."""
LOCK_WAIT_SECONDS = 30
_MIGRATION_LOCK = 0x6D696E67
Space = Literal["customers", "resources"]
_LOCKS = {"writers": 0x6D6400, "customers": 0x6D6401, "resources": 0x6D6402}
_UNDONE = ("40P01", "40001")
"""PostgreSQL: deadlock_detected, serialization_failure; both undo the whole transaction."""
_NO_WRITER = text("SELECT pg_advisory_xact_lock(:space, 0)")
_WRITER = f"SELECT pg_advisory_xact_lock_shared({_LOCKS['writers']}, 0)"
_STRIPES = "SELECT pg_advisory_xact_lock({space}, stripe) FROM unnest(${place}::int[]) AS stripe"


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
        self._writers = self.engine
        if not self.is_postgresql:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            # Readers ask for much at once, each time otherwise; writers for a few rows by key.
            # The last one used first: keys it took and did not need are used up (`keys.py`).
            self._writers = create_engine(address, pool_use_lifo=True)
            event.listen(self.engine, "connect", _prepare_postgresql)
            event.listen(self._writers, "connect", _prepare_postgresql)
            event.listen(self._writers, "connect", _plan_once)
        self._turns = None if self.is_postgresql else Turns(self._writer)

    def close(self) -> None:
        self.engine.dispose()
        self._writers.dispose()

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
        """One transaction that is wholly done or wholly not.

        On SQLite, threads of one process that write at the same time share its
        commit (`turns.py`). Raises Busy after 30 s behind another writer, Contended
        if the database undid it for another writer's sake (nothing of it was done:
        ask again), and Unreachable if the database went away: what was asked for
        may then be done or not, but never in part.
        """
        with self._explained():
            if self._turns is not None:
                with self._turns.turn(LOCK_WAIT_SECONDS) as connection:
                    yield connection
            else:
                with self._writers.connect() as connection, connection.begin():
                    yield connection

    def _writer(self) -> Connection:
        return self.engine.connect().execution_options(mingdan_writes=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Tell a wait that was too long and a lost connection from other errors."""
        driver: Any = self.engine.dialect.loaded_dbapi
        try:
            yield
        except (NoTurn, OperationalError, driver.OperationalError, driver.InterfaceError) as error:
            cause: Any = getattr(error, "orig", error)
            if any(state in _UNDONE for state in _states(error)):
                raise Contended(
                    f"the order store {self.name} undid this for another writer's sake; "
                    "nothing of it was done: ask again"
                ) from error
            if isinstance(error, NoTurn) or _waited_in_vain(cause):
                raise Busy(
                    f"the order store {self.name} is held by another writer; "
                    f"waited {LOCK_WAIT_SECONDS} s"
                ) from error
            if self.is_postgresql and _gone(error, cause):
                # Those at rest in the pools are gone too.
                self.close()
                raise Unreachable(
                    f"the order store {self.name} cannot be reached; ask again by order_ref: "
                    "what was being written is wholly done or wholly not"
                ) from error
            raise

    def lock(self, connection: Connection, space: Space, keys: Iterable[str]) -> None:
        """Make every other writer of any of `keys` wait until this transaction ends.

        In ascending order, and customers before resources, so that two writers
        never wait for each other; a key need not exist yet. SQLite has one
        writer, so there it does nothing.
        """
        lock(connection, space, keys)

    def lock_all(self, connection: Connection) -> None:
        """Be the only writer of orders and of resources until this transaction ends.

        For loads, which touch nearly every stripe anyway.
        """
        if self.is_postgresql:
            connection.execute(_NO_WRITER, {"space": _LOCKS["writers"]})
            every = list(range(STRIPES))
            driver_cursor(connection).execute(_locks(("customers", "resources")), [every, every])

    @contextmanager
    def beside(self, connection: Connection) -> Iterator[Connection]:
        """A connection to read with while `connection`, the only writer, writes.

        It sees what was committed, nothing of what `connection` has written. On SQLite,
        whose transactions several threads share (`turns.py`), it is `connection` itself.
        """
        if not self.is_postgresql:
            yield connection
            return
        with self._writers.connect() as other:
            yield other

    def settle(self) -> None:
        """Wait until every writer now at work has ended. Raises Busy after 30 s."""
        with self.writing() as connection:
            # On SQLite to be the writer is to have waited for the last one.
            if self.is_postgresql:
                connection.execute(_NO_WRITER, {"space": _LOCKS["writers"]})

    def migrate(self) -> None:
        """Bring the database to the newest shape. Raises InputRefused if it is newer."""
        try:
            with self.reading() as connection:
                if migrating.shape(connection) == migrating.head():
                    return
        except DBAPIError as error:
            raise InputRefused(f"cannot open the order store {self.name}: {error.orig}") from error
        with self.writing() as connection:
            if self.is_postgresql:
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK}
                )
            current = migrating.shape(connection)
            if current is not None and current not in migrating.shapes():
                raise InputRefused(
                    f"the order store {self.name} was written by a newer Mingdan "
                    f"(its shape is {current}); install that one"
                )
            migrating.upgrade(connection)

    def downgrade(self, revision: str) -> None:
        """Back to an older shape, dropping what it did not have. For operators in need."""
        with self.writing() as connection:
            migrating.downgrade(connection, revision)


def lock(connection: Connection, space: Space, keys: Iterable[str]) -> None:
    """See `Database.lock`; for those who have the connection only."""
    if connection.dialect.name == "postgresql":
        driver_cursor(connection).execute(*locking({space: keys}))


def locking(wanted: Mapping[Space, Iterable[str]]) -> tuple[str, list[Any]]:
    """What `lock` asks PostgreSQL for, to be sent ahead of questions (`finding.find_all`).

    Customers before resources, as everybody locks them.
    """
    stripes = [sorted({crc32(key.encode()) % STRIPES for key in keys}) for keys in wanted.values()]
    return _locks(tuple(wanted)), stripes


@cache
def _locks(spaces: tuple[Space, ...]) -> str:
    # UNION ALL goes through its parts one after the other.
    each = [
        _STRIPES.format(space=_LOCKS[space], place=place)
        for place, space in enumerate(spaces, start=1)
    ]
    return " UNION ALL ".join([_WRITER, *each] if "customers" in spaces else each)


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


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    # Once for a connection: in every transaction it would be one more way there and back.
    connection.execute(f"SET lock_timeout = '{int(LOCK_WAIT_SECONDS * 1000)}ms'")
    connection.execute("SET timezone = 'UTC'")
    connection.commit()


def _plan_once(connection: Any, _record: Any) -> None:
    """Of a writer's statements one plan each, by the indices, whatever the first values were.

    Planning them anew for every order took the server half as long as carrying them out.
    """
    connection.execute("SET plan_cache_mode = force_generic_plan")
    connection.execute("SET enable_seqscan = off")
    connection.commit()


def _states(error: BaseException) -> Iterator[str]:
    """PostgreSQL's codes of an error and of those behind it.

    In a pipeline a statement after the one at fault may be the first to be heard of.
    """
    behind: BaseException | None = error
    while behind is not None:
        state = getattr(behind, "sqlstate", None)
        if state is not None:
            yield state
        behind = behind.__cause__ or behind.__context__


def _waited_in_vain(cause: Any) -> bool:
    """Whether the database gave up waiting for another writer (lock_not_available)."""
    return "database is locked" in str(cause) or getattr(cause, "sqlstate", None) == "55P03"


def _gone(error: BaseException, cause: Any) -> bool:
    """Whether PostgreSQL's connection was lost or refused, not one statement."""
    states = list(_states(error))
    if not states:
        # The connection itself broke, or a statement before this one in a pipeline.
        return type(cause).__name__ != "PipelineAborted"
    # Shutting down, crashed, starting up; connection exceptions.
    return any(state.startswith(("57P", "08")) for state in states)


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turned writer would fail at once instead of waiting its turn.
    writes = connection.get_execution_options().get("mingdan_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
