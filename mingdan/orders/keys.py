"""New surrogate keys, taken in blocks where several writers share a sequence.

Here: only that. Not here: natural keys (`order_ref`, numbers, ICCIDs).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count, islice

from sqlalchemy import Connection

from mingdan.orders.bulk import driver_cursor
from mingdan.orders.schema import METADATA

MOST_AHEAD = 128
"""Keys a connection takes beyond what it needs; those it does not use stay unused for ever."""


class Keys:
    """Keys for the transaction of `connection`; `block`: about how many of a table it needs.

    `free` is called before the connection is used: another thread may be writing on it.
    """

    def __init__(
        self,
        connection: Connection,
        block: int,
        *,
        postgresql: bool,
        free: Callable[[], None] | None = None,
    ) -> None:
        self._connection = connection
        self._block = block
        self._postgresql = postgresql
        self._free = free
        self._ready: dict[str, Iterator[int]] = {}
        self._given: dict[str, int] = defaultdict(int)

    def next(self, table: str) -> int:
        """One more key of `table`, which has one surrogate key column."""
        try:
            return next(self._ready[table])
        except (KeyError, StopIteration):
            self._ready[table] = self._more(table)
            return next(self._ready[table])

    def take(self, table: str, wanted: int) -> list[int]:
        """As many more keys of `table`, in the order `next` would give them."""
        found = list(islice(self._ready.get(table, iter(())), wanted))
        while len(found) < wanted:
            self._ready[table] = self._more(table)
            found += islice(self._ready[table], wanted - len(found))
        return found

    def refill(self) -> None:
        """Have as many keys again as were used since the last time: the connection is free."""
        if not self._postgresql:
            return
        for table, ready in self._ready.items():
            left = list(ready)
            used = self._given[table] - len(left)
            if used:
                more = _ahead(self._connection).take(self._connection, table, used)
                self._ready[table] = iter([*left, *more])
            else:
                self._ready[table] = iter(left)
            self._given[table] = len(left) + used

    def give_back(self) -> None:
        """Leave what was not used to whoever uses the connection next."""
        if self._postgresql:
            for table, ready in self._ready.items():
                _ahead(self._connection).give_back(table, ready)

    def _more(self, table: str) -> Iterator[int]:
        if self._free is not None:
            self._free()
        if self._postgresql:
            self._given[table] += self._block
            return _ahead(self._connection).take(self._connection, table, self._block)
        # The only writer, and rows are never deleted: nobody else takes these.
        cursor = driver_cursor(self._connection)
        (highest,) = cursor.execute(_highest(table)).fetchone()
        return count((highest or 0) + 1)


class _Ahead:
    """Keys a connection took from the sequences and has not given out yet.

    They go with the connection: a server that crashed may have forgotten that it
    gave them out, and gives them to somebody else.
    """

    def __init__(self) -> None:
        self._left: dict[str, list[int]] = defaultdict(list)
        self._taken: dict[str, int] = defaultdict(int)

    def take(self, connection: Connection, table: str, wanted: int) -> Iterator[int]:
        """`wanted` keys in ascending order; whoever takes often is given more at once."""
        left = self._left[table]
        if len(left) < wanted:
            more = max(wanted - len(left), min(MOST_AHEAD, self._taken[table]))
            self._taken[table] += more
            rows = driver_cursor(connection).execute(_NEXT_KEYS, (_sequence(table), more))
            left += [int(key) for (key,) in rows.fetchall()]
        found, self._left[table] = left[:wanted], left[wanted:]
        return iter(found)

    def give_back(self, table: str, keys: Iterator[int]) -> None:
        """Keys taken last that were not needed."""
        self._left[table] = [*keys, *self._left[table]]


_NEXT_KEYS = "SELECT nextval($1::regclass) FROM generate_series(1, $2)"


def _ahead(connection: Connection) -> _Ahead:
    info = connection.connection.info
    if "mingdan_keys" not in info:
        info["mingdan_keys"] = _Ahead()
    found: _Ahead = info["mingdan_keys"]
    return found


@cache
def _key(table: str) -> str:
    return str(next(iter(METADATA.tables[table].primary_key)).name)


@cache
def _sequence(table: str) -> str:
    """As PostgreSQL names the sequence of an identity column."""
    return f"{table}_{_key(table)}_seq"


@cache
def _highest(table: str) -> str:
    return f"SELECT max({_key(table)}) FROM {table}"  # noqa: S608
