"""The journal: every row written outside an order leaves its image in a log.

Here: the one way such rows are written, and the log (`entity_event`). Not here:
orders, whose log is `order_event` (`batch.py`), and who may write (`access`).

`entity_event` holds the whole row after each change, so the tables of
`lifecycle`, `money`, `stock`, `care`, `access` and `offers` can be rebuilt from
it alone. Rows are never deleted: what ends has a state or an end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import JSON, Connection, Table, select, update
from sqlalchemy.exc import IntegrityError

from mingdan.orders import bulk
from mingdan.orders.column_types import EPOCH, Instant
from mingdan.orders.journal_model import EntityEvent
from mingdan.orders.keys import Keys
from mingdan.orders.model import Base

_AT_ONCE = 1000
"""Rows of one statement: SQLite takes some ten thousand parameters, no more."""


class Journal:
    """Writes in the transaction of `connection`, at `at` (aware), for `actor`.

    `actor` is who acts, as the audit shows it: a role and a name, never a
    customer's data.
    """

    def __init__(self, connection: Connection, at: datetime, actor: str) -> None:
        if at.tzinfo is None:
            raise ValueError("the journal needs an aware instant")
        self.connection = connection
        self.at = at.astimezone(UTC)
        self.actor = actor
        self._gathered: list[tuple[Any, ...]] | None = None

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Write the images of all that the block writes at its end, in the same order.

        A statement less for each, and where the driver can, no waiting for
        answers. What the database refuses shows at the end of the block at the
        latest, as an error of the driver.
        """
        self._gathered = []
        try:
            with bulk.together(self.connection, copies=False):
                yield
                self._insert_events(self._gathered)
        finally:
            self._gathered = None

    def insert(self, model: type[Base], **values: Any) -> Any:
        """Insert one row; returns its primary key (a tuple if it has several columns)."""
        table = _table(model)
        names = [column.name for column in table.primary_key]
        if len(names) == 1 and names[0] not in values:
            postgresql = self.connection.dialect.name == "postgresql"
            values[names[0]] = Keys(self.connection, 1, postgresql=postgresql).next(table.name)
        self.insert_many(model, tuple(values), [tuple(values.values())])
        key = tuple(values[name] for name in names)
        return key[0] if len(key) == 1 else key

    def insert_first(self, model: type[Base], **values: Any) -> bool:
        """Insert a row unless one of the same key or unique value is there; whether it was.

        `values` holds the primary key. Another writer of the same is waited for.
        """
        table = _table(model)
        if not bulk.insert_first(self.connection, table, tuple(values), tuple(values.values())):
            return False
        self._note_many(table, "Create", [dict.fromkeys(table.c.keys()) | values])
        return True

    def insert_last(self, model: type[Base], **values: Any) -> bool:
        """`insert_first` at the end of a `gathering`, in one go with all that was gathered.

        If it was not inserted, its image was: whoever gets False raises, so that
        nothing of the transaction stays.
        """
        table = _table(model)
        self._note_many(table, "Create", [dict.fromkeys(table.c.keys()) | values])
        events, self._gathered = self._gathered or [], []
        self._insert_events(events)
        return bulk.insert_first(self.connection, table, tuple(values), tuple(values.values()))

    def insert_many(
        self, model: type[Base], columns: Sequence[str], rows: Sequence[Sequence[Any]]
    ) -> None:
        """Insert rows set-wise, each with its image; far quicker than one by one.

        `columns` holds the primary key; what it leaves out is empty. Instants are
        aware. Raises IntegrityError if the database refuses a row.
        """
        table = _table(model)
        documents = [i for i, name in enumerate(columns) if isinstance(table.c[name].type, JSON)]
        written = [tuple(row) for row in rows]
        for i in documents:
            written = [(*row[:i], json.dumps(row[i]), *row[i + 1 :]) for row in written]
        driver: Any = self.connection.dialect.loaded_dbapi
        try:
            bulk.insert(self.connection, table, columns, written)
        except driver.IntegrityError as error:
            raise IntegrityError(f"INSERT INTO {table.name}", None, error) from error
        empty = {column.name: None for column in table.columns}
        self._note_many(
            table, "Create", (empty | dict(zip(columns, row, strict=True)) for row in rows)
        )

    def update(self, model: type[Base], key: Any, **values: Any) -> None:
        """Change one row by its primary key.

        Raises LookupError if there is none. A change of `state` or `status` is a
        StateChangeEvent, any other an AttributeValueChangeEvent (TMF688 names).
        """
        table = _table(model)
        keys = key if isinstance(key, tuple) else (key,)
        where = [column == value for column, value in zip(table.primary_key, keys, strict=True)]
        bulk.send_waiting(self.connection)
        done = self.connection.execute(update(table).where(*where).values(**values))
        if done.rowcount != 1:
            raise LookupError(f"{table.name}: no row {keys}")
        self._note(table, keys, _change(values))

    def update_many(self, model: type[Base], keys: Sequence[Any], **values: Any) -> None:
        """The same change of many rows, set-wise; of a table with one key column.

        Raises LookupError if one of them is not there.
        """
        table = _table(model)
        [column] = table.primary_key
        bulk.send_waiting(self.connection)
        for start in range(0, len(keys), _AT_ONCE):
            here = column.in_(keys[start : start + _AT_ONCE])
            done = self.connection.execute(update(table).where(here).values(**values))
            if done.rowcount != len(keys[start : start + _AT_ONCE]):
                raise LookupError(f"{table.name}: a row is missing")
            rows = self.connection.execute(select(table).where(here)).mappings()
            self._note_many(table, _change(values), (dict(row) for row in rows))

    def _note_many(self, table: Table, kind: str, rows: Iterable[dict[str, Any]]) -> None:
        names = [column.name for column in table.primary_key]
        events = []
        for row in rows:
            image = {name: _plain(value) for name, value in row.items()}
            key = json.dumps([image[name] for name in names])
            event_type = f"{_entity(table.name)}{kind}Event"
            events.append((event_type, table.name, key, json.dumps(image), self.actor, self.at))
        self._write(events)

    def _write(self, events: list[tuple[Any, ...]]) -> None:
        if self._gathered is not None:
            self._gathered += events
        else:
            self._insert_events(events)

    def _insert_events(self, events: list[tuple[Any, ...]]) -> None:
        columns = ("event_type", "entity", "entity_key", "image", "actor", "recorded_at")
        bulk.insert(self.connection, _table(EntityEvent), columns, events)

    def _note(self, table: Table, key: tuple[Any, ...], kind: str) -> None:
        where = [column == value for column, value in zip(table.primary_key, key, strict=True)]
        row = self.connection.execute(select(table).where(*where)).mappings().one()
        self._note_many(table, kind, [dict(row)])


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 - narrows a type that is wider in theory
    return table


def _change(values: dict[str, Any]) -> str:
    return "StateChange" if {"state", "status"} & set(values) else "AttributeValueChange"


@cache
def _entity(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _plain(value: Any) -> Any:
    """As JSON holds it; `restored` is the way back."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def restored(table: Table, image: dict[str, Any]) -> dict[str, Any]:
    """The values of a row from its image in the log."""
    values = dict(image)
    for column in table.columns:
        text = values.get(column.name)
        if isinstance(text, str) and isinstance(column.type, Instant):
            values[column.name] = datetime.fromisoformat(text)
        elif isinstance(text, int) and isinstance(column.type, Instant):
            # As orders' payloads and SQLite's own images have it.
            values[column.name] = EPOCH + timedelta(microseconds=text)
        elif isinstance(text, str) and column.type.python_type is date:
            values[column.name] = date.fromisoformat(text)
    return values
