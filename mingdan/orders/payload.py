"""The log's payload: on an order's last event of a transaction, every row it wrote.

Here: making and reading it. Not here: rebuilding tables from it (`replay.py`).

A payload is JSON: `v`, the version of the columns (`sheets.py`); `after`, the
last entry of the journal's log that came before it, which tells in which order
the two logs are to be replayed; `new` and `changed`, rows by table, with
instants as microseconds since 1970 and `null` for what is empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from mingdan.orders.bulk import driver_cursor, ticked
from mingdan.orders.sheets import VERSION, Row, Sheet

_ORDER = 2
"""Where an event names its order."""
_JOURNAL_POSITION = {
    "sqlite": "SELECT seq FROM sqlite_sequence WHERE name = 'entity_event'",
    "postgresql": "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM entity_event_seq_seq",
}
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def journal_position(connection: Connection) -> int:
    """The journal's last entry; of the rows locked here, nobody can write a later one."""
    cursor = driver_cursor(connection)
    found = cursor.execute(_JOURNAL_POSITION[connection.dialect.name]).fetchone()
    return int(found[0]) if found else 0


def with_payload(
    events: list[Row], written: Iterable[Sheet], after: int, *, as_ticks: bool
) -> list[Row]:
    """`events` with one more column: on each order's last one, what the order wrote.

    `as_ticks`: the sheets keep their instants as the payload has them (SQLite does).
    """
    by_order: dict[int, tuple[dict[str, list[Any]], dict[str, list[Any]]]] = {}
    for sheet in written:
        name, side = sheet.name, 0 if sheet.new else 1
        rows = ticked(sheet.table, sheet.columns, sheet.rows)
        if as_ticks:
            sheet.rows = rows
        for row, order_id in zip(rows, sheet.orders, strict=True):
            found = by_order.get(order_id)
            if found is None:
                found = by_order[order_id] = ({}, {})
            of_table = found[side].get(name)
            if of_table is None:
                found[side][name] = [row]
            else:
                of_table.append(row)
    last = {event[_ORDER]: place for place, event in enumerate(events)}
    full: list[Row] = [(*event, None) for event in events]
    head = f'{{"v":{VERSION},"after":{after},"new":'
    for order_id, place in last.items():
        new, changed = by_order.pop(order_id)
        tail = f',"changed":{_encode(changed)}}}' if changed else "}"
        full[place] = (*events[place], f"{head}{_encode(new)}{tail}")
    if by_order:
        raise LookupError(f"orders {sorted(by_order)} wrote rows and have no event")
    return full
