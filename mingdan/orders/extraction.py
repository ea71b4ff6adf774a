"""The event log as Parquet files, taken page by page, each event exactly once.

Here: a page of the log in columns, and a folder that remembers where it is. Not
here: single events for people (`outbox.py`) and the nightly window
(`reading.py`), which reads by knowledge instead.

The position is kept with the data: a file holds the events that follow the one
its name says, and its last row is where the next file begins. So there is no
moment at which one is written and the other is not: a process that dies before
its file is in place has taken nothing, and two that take the same page at once
want the same name, which only one of them gets.
"""

from __future__ import annotations

import os
import re
import secrets
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import Connection

from mingdan.orders.bulk import driver_cursor
from mingdan.orders.database import Database
from mingdan.orders.outbox import Position

PAGE = 200_000
"""Events of one file."""
_INSTANT = pl.Datetime("us")
SCHEMA: dict[str, Any] = {
    "transaction": pl.Int64(),
    "seq": pl.Int64(),
    "event_type": pl.String(),
    "order_type": pl.String(),
    "order_id": pl.Int64(),
    "state": pl.String(),
    "subscription_id": pl.Int64(),
    "party_id": pl.Int64(),
    "effective_at": _INSTANT,
    "recorded_at": _INSTANT,
}
"""Columns of a page; instants are UTC without a zone, as in the lake."""
_RAW = {name: pl.Int64() if kind == _INSTANT else kind for name, kind in SCHEMA.items()}
_SQLITE = (
    "SELECT 0, seq, event_type, order_type, order_id, state, subscription_id, party_id, "
    "effective_at, recorded_at FROM order_event WHERE seq > ? ORDER BY seq LIMIT ?"
)
_POSTGRESQL = """
COPY (
    SELECT transaction_id, seq, event_type, order_type, order_id, state, subscription_id, party_id,
        (EXTRACT(EPOCH FROM effective_at) * 1000000)::bigint,
        (EXTRACT(EPOCH FROM recorded_at) * 1000000)::bigint
    FROM order_event
    WHERE transaction_id < pg_snapshot_xmin(pg_current_snapshot())
        AND transaction_id >= '{transaction}'::xid8
        AND (transaction_id > '{transaction}'::xid8 OR seq > {seq})
    ORDER BY transaction_id, seq LIMIT {limit}
) TO STDOUT (FORMAT csv)
"""
_NAME = re.compile(r"after-(\d{20})-(\d{20})\.parquet")


def read_events(connection: Connection, after: Position, limit: int = PAGE) -> pl.DataFrame:
    """Up to `limit` events after a position, in the order of commits (see `outbox.py`)."""
    cursor = driver_cursor(connection)
    if connection.dialect.name == "sqlite":
        rows = cursor.execute(_SQLITE, (after.seq, limit)).fetchall()
        frame = pl.DataFrame(rows, schema=_RAW, orient="row")
    else:
        query = _POSTGRESQL.format(
            transaction=int(after.transaction), seq=int(after.seq), limit=int(limit)
        )
        with cursor.copy(query) as copy:
            text = b"".join(copy)
        if not text:
            return pl.DataFrame(schema=SCHEMA)
        frame = pl.read_csv(BytesIO(text), has_header=False, schema=_RAW)
    return frame.cast(SCHEMA)  # type: ignore[arg-type]


class EventFiles:
    """A folder of events taken from one store, each exactly once, in order.

    Only this class writes to it; reading is anyone's (`*.parquet` in the order of
    their names). A file is never changed or removed.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def files(self) -> list[Path]:
        """The files in place, oldest events first."""
        return sorted(path for path in self._folder.iterdir() if _NAME.fullmatch(path.name))

    def position(self) -> Position:
        """The last event taken."""
        files = self.files()
        if not files:
            return Position()
        last = pl.scan_parquet(files[-1]).select("transaction", "seq").tail(1).collect()
        return Position(*last.row(0))

    def take(self, database: Database, *, limit: int = PAGE) -> int:
        """Take the next page; returns its events, 0 if there is none (yet).

        If another process took it meanwhile, its events count as taken too.
        """
        after = self.position()
        with database.reading() as connection:
            frame = read_events(connection, after, limit)
        if frame.height:
            self._keep(frame, f"after-{after.transaction:020d}-{after.seq:020d}.parquet")
        return frame.height

    def _keep(self, frame: pl.DataFrame, name: str) -> None:
        partial = self._folder / f".{name}.{secrets.token_hex(4)}"
        try:
            frame.write_parquet(partial)
            _to_disk(partial)
            try:
                # Unlike a rename, it does not replace what another process put there.
                os.link(partial, self._folder / name)
            except FileExistsError:
                return
            _to_disk(self._folder)
        finally:
            partial.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
