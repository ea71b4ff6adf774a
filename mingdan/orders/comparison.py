"""Two order stores compared row by row, whichever databases they are in.

Here: whether every table has the same rows. Not here: rebuilding one (`replay.py`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, Table, select

from mingdan.orders.column_types import microseconds
from mingdan.orders.database import Database
from mingdan.orders.schema import METADATA

_PAGE = 10_000
_MODULUS = 1 << 128


@dataclass(frozen=True)
class Difference:
    """A table whose rows are not the same: how many each store has."""

    table: str
    here: int
    there: int


def differences(here: Database, there: Database) -> list[Difference]:
    """Tables whose rows differ; an empty list says that the stores are equal.

    PostgreSQL's transaction numbers are its own and do not count.
    """
    found = []
    with here.reading() as one, there.reading() as other:
        for table in METADATA.sorted_tables:
            mine, theirs = _summed(one, table), _summed(other, table)
            if mine != theirs:
                found.append(Difference(table.name, mine[0], theirs[0]))
    return found


def _summed(connection: Connection, table: Table) -> tuple[int, int]:
    """Rows and the sum of their digests: the databases sort differently, a sum has no order."""
    columns = [column for column in table.columns if column.name != "transaction_id"]
    count = total = 0
    result = connection.execution_options(yield_per=_PAGE).execute(select(*columns))
    for row in result:
        text = json.dumps([_plain(value) for value in row], sort_keys=True)
        count += 1
        total += int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big")
    return count, total % _MODULUS


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return microseconds(value)
    return value.isoformat() if isinstance(value, date) else value
