"""Replay: the tables of an order store, rebuilt from its two logs alone.

Here: reading the logs in the order in which they were written, what each entry
says of which row, and writing it to another store. Not here: what is logged
(`payload.py`, `journal.py`) and comparing two stores (`comparison.py`).

`order_event` and `entity_event` count separately. A payload says behind which
entry of the journal it comes (`after`); who holds a row's lock writes both, so
for any one row that order is the order of its changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import JSON, Connection, Table, insert, select, text

from mingdan.errors import InputRefused
from mingdan.orders import bulk
from mingdan.orders.column_types import EPOCH, Instant
from mingdan.orders.database import Database
from mingdan.orders.journal import restored
from mingdan.orders.journal_model import EntityEvent
from mingdan.orders.model import OrderEvent
from mingdan.orders.payload import unpacked
from mingdan.orders.schema import METADATA
from mingdan.orders.sheets import CHANGED, NEW, VERSION

CARRIED = frozenset(
    {
        # what Mingdan ships
        "charge_price",
        "number_group",
        "product_offering",
        "product_offering_price",
        # what nights write back
        "restriction",
        "restriction_night",
        # a log of its own, and what is made from logged rows or lasts a minute
        "access_log",
        "kb_term",
        "rate_counter",
    }
)
"""Tables that are no state of orders: copied as they stand."""
LOGS = ("order_event", "entity_event")
CHUNK = 20_000
"""Entries of the logs whose rows are written together."""
Key = tuple[Any, ...]


@dataclass(slots=True)
class _Image:
    """What the log has said of one row; `new`: this began it."""

    values: dict[str, Any]
    new: bool


@dataclass
class Rebuilt:
    """What a replay wrote: log entries read, rows written by table."""

    events: int = 0
    rows: dict[str, int] = field(default_factory=dict)


def replay(
    source: Database, target: Database, *, progress: Callable[[int], None] | None = None
) -> Rebuilt:
    """Rebuild the store `source` in the empty database `target`, of either kind.

    Reads one snapshot of `source`, orders may go on meanwhile. Every table but
    those of `CARRIED` comes from the logs. Raises InputRefused if `target` has
    rows already; it is one transaction, so a replay that stopped leaves nothing.
    `progress` is told the log entries done.
    """
    target.migrate()
    done = Rebuilt()
    with source.reading() as old, target.writing() as new:
        for table in METADATA.sorted_tables:
            # What Mingdan ships is there in a store that was only opened.
            shipped = table.name in CARRIED
            if not shipped and new.execute(select(table).limit(1)).first() is not None:
                raise InputRefused(f"{target.name} is not empty: {table.name} has rows")
        first = [t for t in METADATA.sorted_tables if t.name in CARRIED and _alone(t)]
        for table in first:
            _carry(old, new, table, done)
        images: dict[str, dict[Key, _Image]] = {}
        for entry in _entries(old):
            for name, key, values, fresh in entry:
                _note(images, name, key, values, fresh)
            done.events += 1
            if done.events % CHUNK == 0:
                _write(new, images, done)
                if progress is not None:
                    progress(done.events)
        _write(new, images, done)
        for table in METADATA.sorted_tables:
            if table.name in CARRIED and table not in first:
                _carry(old, new, table, done)
        for name in LOGS:
            _carry(old, new, METADATA.tables[name], done)
        _advance(new)
    return done


Said = list[tuple[str, Key, dict[str, Any], bool]]
"""Table, key, columns and whether the row begins, of each row an entry speaks of."""


def _entries(connection: Connection) -> Iterator[Said]:
    """Both logs as one."""
    journal = _stream(connection, EntityEvent, EntityEvent.entity, EntityEvent.image,
                      EntityEvent.event_type)  # fmt: skip
    waiting = next(journal, None)
    for _, kept in _stream(connection, OrderEvent, OrderEvent.payload):
        if kept is None:
            continue
        payload = unpacked(kept)
        if payload["v"] not in (1, VERSION):
            raise InputRefused(f"the order log has entries of another version: {payload['v']}")
        while waiting is not None and waiting[0] <= payload["after"]:
            yield _of_journal(waiting)
            waiting = next(journal, None)
        yield _of_payload(payload)
    while waiting is not None:
        yield _of_journal(waiting)
        waiting = next(journal, None)


def _stream(connection: Connection, log: Any, *columns: Any) -> Iterator[Any]:
    """A log's rows in ascending order, page by page: two are open at once."""
    last = 0
    while True:
        rows = connection.execute(
            select(log.seq, *columns).where(log.seq > last).order_by(log.seq).limit(CHUNK)
        ).all()
        if not rows:
            return
        yield from rows
        last = rows[-1][0]


def _of_payload(payload: dict[str, Any]) -> Said:
    said: Said = []
    for side, columns_of, fresh in (("new", NEW, True), ("changed", CHANGED, False)):
        for name, written in payload.get(side, {}).items():
            columns = columns_of[name].split()
            rows = written if payload["v"] == 1 else _rows(written, len(columns))
            table = METADATA.tables[name]
            instants = [
                i for i, column in enumerate(columns) if isinstance(table.c[column].type, Instant)
            ]
            wide = len(table.primary_key)
            for row in rows:
                for i in instants:
                    if row[i] is not None:
                        row[i] = EPOCH + timedelta(microseconds=row[i])
                values = dict(zip(columns, row, strict=True))
                said.append((name, tuple(row[:wide]), values, fresh))
    return said


def _rows(flat: list[Any], width: int) -> list[list[Any]]:
    return [flat[i : i + width] for i in range(0, len(flat), width)]


def _of_journal(entry: Any) -> Said:
    _, name, image, event_type = entry
    if name in CARRIED:
        return []
    table = METADATA.tables[name]
    values = restored(table, image)
    for column in table.columns:
        value = values.get(column.name)
        if isinstance(column.type, JSON) and value is not None:
            values[column.name] = json.dumps(value, ensure_ascii=False)
    key = tuple(values[column.name] for column in table.primary_key)
    return [(name, key, values, event_type.endswith("CreateEvent"))]


def _note(
    images: dict[str, dict[Key, _Image]], name: str, key: Key, values: dict[str, Any], fresh: bool
) -> None:
    of_table = images.setdefault(name, {})
    found = of_table.get(key)
    if found is None:
        of_table[key] = _Image(values, fresh)
    else:
        found.values |= values


def _write(connection: Connection, images: dict[str, dict[Key, _Image]], done: Rebuilt) -> None:
    for table in _in_order():
        rows = images.pop(table.name, None)
        if rows:
            _write_table(connection, table, rows, done)


def _in_order() -> list[Table]:
    """Every table after those it names, but entries before the transaction that closes them."""
    tables = list(METADATA.sorted_tables)
    entry, closing = METADATA.tables["account_entry"], METADATA.tables["money_transaction"]
    tables.remove(entry)
    tables.insert(tables.index(closing), entry)
    return tables


def _write_table(
    connection: Connection, table: Table, rows: dict[Key, _Image], done: Rebuilt
) -> None:
    there = _there(connection, table, [key for key, image in rows.items() if not image.new])
    inserts: dict[tuple[str, ...], list[Any]] = {}
    changes: dict[tuple[str, ...], list[Any]] = {}
    keys = [column.name for column in table.primary_key]
    for key, image in rows.items():
        columns = tuple(column.name for column in table.columns if column.name in image.values)
        if key not in there:
            inserts.setdefault(columns, []).append(tuple(image.values[name] for name in columns))
        elif len(keys) == 1:
            others = tuple(name for name in columns if name != keys[0])
            row = (key[0], *(image.values[name] for name in others))
            changes.setdefault(others, []).append(row)
        else:
            raise InputRefused(f"the log changes a row of {table.name}, which only grows")
    # What ends comes first: the next row may begin where it ended.
    for others, changed in changes.items():
        bulk.change(connection, table, keys[0], others, changed)
    for columns, fresh in inserts.items():
        bulk.insert(connection, table, columns, fresh)
    done.rows[table.name] = done.rows.get(table.name, 0) + len(rows) - len(there)


def _there(connection: Connection, table: Table, keys: list[Key]) -> set[Key]:
    """Those of `keys` that have a row already."""
    columns = list(table.primary_key)
    found: set[Key] = set()
    if len(columns) == 1:
        for start in range(0, len(keys), 500):
            part = [key[0] for key in keys[start : start + 500]]
            rows = connection.execute(select(columns[0]).where(columns[0].in_(part)))
            found |= {tuple(row) for row in rows}
        return found
    for key in keys:
        same = [column == value for column, value in zip(columns, key, strict=True)]
        if connection.execute(select(*columns).where(*same)).first() is not None:
            found.add(key)
    return found


def _alone(table: Table) -> bool:
    return all(key.column.table.name in CARRIED for key in table.foreign_keys)


def _carry(old: Connection, new: Connection, table: Table, done: Rebuilt) -> None:
    columns = [column for column in table.columns if column.name != "transaction_id"]
    there = set()
    if table.name in CARRIED:
        there = {tuple(row) for row in new.execute(select(*table.primary_key))}
    keys = [column.name for column in table.primary_key]
    rows = old.execution_options(yield_per=CHUNK).execute(select(*columns)).mappings()
    for part in rows.partitions():
        missing = [dict(row) for row in part if tuple(row[key] for key in keys) not in there]
        if missing:
            new.execute(insert(table), missing)
        done.rows[table.name] = done.rows.get(table.name, 0) + len(missing)


def _advance(connection: Connection) -> None:
    """Let the sequences go on behind the highest key (SQLite does so by itself)."""
    if connection.dialect.name != "postgresql":
        return
    for table in METADATA.sorted_tables:
        for column in table.primary_key:
            if column.identity is not None:
                connection.execute(
                    text(
                        f"SELECT setval('{table.name}_{column.name}_seq', "  # noqa: S608
                        f"coalesce(max({column.name}), 0) + 1, false) FROM {table.name}"
                    )
                )
