"""The partner's copy of the list: one SQLite file, changed in one transaction or not at all.

Here: rows, position and their proof. Not here: where releases come from
(`sync.py`) and looking customers up (`match.py`).

The position (`seq`) is a ratchet of the partner's own, beside the one in the
signed metadata: an old channel stays refused even if the metadata seen so far is lost.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mingdan.errors import InputRefused
from mingdan.lists.format import (
    DELTA,
    SNAPSHOT,
    Header,
    check,
    instant,
    state_sha256,
    state_text,
)
from mingdan.lists.manifest import Release
from mingdan.lists.reader import rows_of
from mingdan.lists.refusals import Damaged, Gap, WrongChannel

STALE_AFTER = timedelta(days=2)
"""A copy made longer ago than this is stale, whatever its signatures say."""
_BACK = timedelta(minutes=5)
"""A clock may be so much behind what was seen before it counts as set back."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (token TEXT PRIMARY KEY, attributes TEXT NOT NULL)
WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS position (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS questions (
    id TEXT PRIMARY KEY, epoch INTEGER NOT NULL, secret TEXT NOT NULL, asked_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS asked (
    question TEXT NOT NULL, place INTEGER NOT NULL, number TEXT NOT NULL,
    PRIMARY KEY (question, place)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
    number TEXT NOT NULL, epoch INTEGER NOT NULL, token TEXT NOT NULL, opens TEXT NOT NULL,
    PRIMARY KEY (number, epoch)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Position:
    """What the copy is of, and how far its word goes; instants are UTC."""

    channel: str
    list: str
    epoch: int
    key_id: str
    token_alg: str
    seq: int
    day: str
    created: str
    state_count: int
    state_sha256: str
    signed_until: str = ""
    """End of the timestamp last verified (ISO 8601)."""
    clock: str = ""
    """The latest instant ever seen here: time does not run back."""

    @classmethod
    def of(cls, header: Header) -> Position:
        shared = {field.name for field in fields(cls)} & set(asdict(header))
        return cls(**{name: getattr(header, name) for name in shared})

    def fresh_until(self) -> datetime:
        """Until when answers are FRESH: while signed, and not two days after the night."""
        return min(datetime.fromisoformat(self.signed_until), instant(self.created) + STALE_AFTER)

    def now(self, clock: datetime) -> datetime:
        """The instant to judge by: never earlier than one seen before."""
        return max(clock, datetime.fromisoformat(self.clock))

    def set_back(self, clock: datetime) -> bool:
        """Whether the machine's clock runs behind what was seen before."""
        return clock < datetime.fromisoformat(self.clock) - _BACK


class Copy:
    """The database of one home folder. Raises InputRefused if it is none of ours."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self.connection = sqlite3.connect(path, isolation_level=None, timeout=30)
            self.connection.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise InputRefused(
                f"{path} is damaged ({error}); move it away and sync again: keep its last "
                "release number, an older one must not be accepted"
            ) from None

    def close(self) -> None:
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing, also if the process dies; disk errors become refusals."""
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            yield
            self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise InputRefused(f"{self._path}: {error}; the copy stays as it was") from error
        finally:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")

    @property
    def position(self) -> Position | None:
        """Where the copy stands; None before the first sync."""
        held: dict[str, Any] = dict(self.connection.execute("SELECT name, value FROM position"))
        if not held:
            return None
        return Position(**{**held, **{n: int(held[n]) for n in ("epoch", "seq", "state_count")}})

    def put_position(self, position: Position) -> None:
        rows = [(name, str(value)) for name, value in asdict(position).items()]
        self.connection.executemany("INSERT OR REPLACE INTO position VALUES (?, ?)", rows)

    def see(self, position: Position, clock: datetime) -> Position:
        """Remember that it is at least `clock`."""
        seen = replace(position, clock=position.now(clock).isoformat())
        if seen != position:
            with self.transaction():
                self.put_position(seen)
        return seen

    def replace_by(self, of: Release) -> Header:
        """The whole list of a release, unproved."""
        header, rows = rows_of(of, SNAPSHOT)
        self.connection.execute("DELETE FROM entries")
        self.connection.executemany(
            "INSERT INTO entries VALUES (?, ?)", ((token, value) for _, token, value in rows)
        )
        return header

    def change_by(self, of: Release, held: Position) -> Header:
        """The changes of one release, unproved. Raises Gap, WrongChannel or Damaged."""
        header, rows = rows_of(of, DELTA)
        if (header.channel, header.list) != (held.channel, held.list):
            raise WrongChannel(f"{of.folder}: for channel {header.channel}, not {held.channel}")
        if header.base != held.seq:
            raise Gap(f"{of.folder}: continues from release {header.base}, held is {held.seq}")
        ops: Counter[str] = Counter()
        retractions: Counter[str] = Counter()
        run = self.connection.execute
        for op, token, value in rows:
            ops[op] += 1
            if op == "ADD":
                done = run("INSERT OR IGNORE INTO entries VALUES (?, ?)", (token, value))
            elif op == "MOD":
                done = run("UPDATE entries SET attributes = ? WHERE token = ?", (value, token))
            else:
                retractions[value] += 1
                done = run("DELETE FROM entries WHERE token = ?", (token,))
            if done.rowcount != 1:
                raise Damaged(
                    f"{of.folder}: {op} of a token that is{'' if op == 'ADD' else ' not'} held"
                )
        check(of.manifest["ops"] == ops, f"{of.folder}: other operations than announced")
        check(of.manifest["retractions"] == retractions, f"{of.folder}: other retractions")
        return header

    def prove(self, header: Header) -> None:
        """Raise Damaged unless the rows are the state announced: the proof of completeness."""
        (count,) = self.connection.execute("SELECT count(*) FROM entries").fetchone()
        digest = state_sha256(state_text(self.rows()))
        if count != header.state_count or digest != header.state_sha256:
            raise Damaged(f"release {header.seq}: the rows do not make the state announced")

    def rows(self) -> Iterator[tuple[str, str]]:
        """Token and attributes of everything held, expired or not, ascending by token."""
        yield from self.connection.execute("SELECT token, attributes FROM entries ORDER BY token")

    def attributes(self, tokens: Iterable[str]) -> dict[str, str]:
        """What is held of these tokens, expired or not. At most 30,000 at a time."""
        wanted = list(tokens)
        marks = ",".join("?" * len(wanted))
        return dict(
            self.connection.execute(
                f"SELECT token, attributes FROM entries WHERE token IN ({marks})",  # noqa: S608
                wanted,
            )
        )

    def answered(self, numbers: Sequence[str], epoch: int) -> dict[str, tuple[str, bytes]]:
        """Token and opening key of the numbers asked about. At most 30,000 at a time."""
        marks = ",".join("?" * len(numbers))
        rows = self.connection.execute(
            "SELECT number, token, opens FROM answers "  # noqa: S608
            f"WHERE epoch = ? AND number IN ({marks})",
            [epoch, *numbers],
        )
        return {number: (token, bytes.fromhex(opens)) for number, token, opens in rows}

    def open_questions(self) -> int:
        """Questions whose answers have not come yet."""
        (count,) = self.connection.execute("SELECT count(*) FROM questions").fetchone()
        return int(count)
