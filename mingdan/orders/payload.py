"""The log's payload: on the last event of a writing, every row that was written.

Here: making it. Not here: rebuilding tables from it (`replay.py`).

A payload is JSON: `v`, the version of its form and of the columns (`sheets.py`);
`after`, the last entry of the journal's log that came before it, which tells in
which order the two logs are to be replayed; `new` and `changed`, by table the
values of its rows one after the other, with instants as microseconds since 1970
and `null` for what is empty. Orders that were written together share one: what
they did is done or not done together. (In version 1 each had its own, with a
list for each row.)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection

from mingdan.orders.bulk import driver_cursor
from mingdan.orders.sheets import VERSION, Sheet

_JOURNAL_POSITION = {
    "sqlite": "SELECT seq FROM sqlite_sequence WHERE name = 'entity_event'",
    "postgresql": "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM entity_event_seq_seq",
}
_ENCODER = msgspec.json.Encoder()


def journal_position(connection: Connection) -> int:
    """The journal's last entry; of the rows locked here, nobody can write a later one."""
    cursor = driver_cursor(connection)
    found = cursor.execute(_JOURNAL_POSITION[connection.dialect.name]).fetchone()
    return int(found[0]) if found else 0


def payload_of(written: Iterable[Sheet], after: int) -> str | None:
    """What was written, for the last event of it; None if it was nothing."""
    new: dict[str, list[Any]] = {}
    changed: dict[str, list[Any]] = {}
    for sheet in written:
        (new if sheet.new else changed)[sheet.name] = sheet.flat
    if not new and not changed:
        return None
    content = {"v": VERSION, "after": after, "new": new}
    if changed:
        content["changed"] = changed
    return _ENCODER.encode(content).decode()
