"""The access log: every look at personal data, by whom, for what, of whom.

Here: writing a look down, reading the log, proving it whole. Not here: who must
write (whoever shows personal data). Subjects are keys (`party:17`), never names.

Each row holds the SHA-256 of itself and of the row before, and the databases
refuse to change or delete rows. Whoever gets round that must recompute every
later row; an anchor (a row's number and digest) kept elsewhere then no longer
matches. Cutting off the end shows only against an anchor.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from mingdan.orders import checks
from mingdan.orders.access import model as m
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.room import Room
from mingdan.orders.database import Database
from mingdan.orders.refusals import Refused

BUSINESS = "ACCESS_AUDIT"
_START = "0" * 64
_CHAINED = ("seq", "at", "role", "interface_no", "name", "purpose", "what", "subjects", "previous")


@dataclass(frozen=True, kw_only=True)
class Look:
    """One row of the log."""

    seq: int
    at: datetime
    role: str
    interface_no: str
    name: str
    purpose: str
    what: str
    subjects: tuple[str, ...]
    digest: str


@dataclass(frozen=True)
class Anchor:
    """The last row and its digest: keep it elsewhere to prove the log later."""

    seq: int
    digest: str


def note(
    database: Database,
    connection: Connection,
    *,
    actor: Actor,
    purpose: str,
    what: str,
    subjects: Iterable[str],
    at: datetime,
) -> Anchor:
    """Write one look down in a transaction of `Database.writing`.

    `what` names what was seen (`order`, `subscription`, ...), `subjects` of whom
    (`party:17`). Other writers of the log wait until the transaction ends, so do
    this last. Raises Refused: invalid_value.
    """
    database.lock(connection, "resources", ["access_log"])
    log = m.AccessLog
    last = connection.execute(
        select(log.seq, log.digest).order_by(log.seq.desc()).limit(1)
    ).one_or_none()
    row: dict[str, Any] = {
        "seq": 1 if last is None else last.seq + 1,
        "at": checks.instant("at", at),
        "role": actor.role,
        "interface_no": actor.interface_no,
        "name": checks.words("name", actor.name),
        "purpose": checks.words("purpose", purpose),
        "what": checks.words("what", what),
        "subjects": sorted({checks.words("subject", each) for each in subjects}),
        "previous": _START if last is None else last.digest,
    }
    digest = _digest(row)
    connection.execute(insert(log).values(**row, digest=digest))
    return Anchor(row["seq"], digest)


def head(database: Database) -> Anchor | None:
    """The last row as it stands, unproved; None if nobody looked at anything yet."""
    log = m.AccessLog
    with database.reading() as connection:
        row = connection.execute(
            select(log.seq, log.digest).order_by(log.seq.desc()).limit(1)
        ).one_or_none()
    return None if row is None else Anchor(row.seq, row.digest)


class AccessLog(Room):
    """The log over an open store. Reading it may raise Refused as the gate does."""

    def note(
        self, *, actor: Actor, purpose: str, what: str, subjects: Iterable[str], at: datetime
    ) -> Anchor:
        """Write one look down, in a transaction of its own. Raises Refused: invalid_value."""
        with self._database.writing() as connection:
            return note(
                self._database,
                connection,
                actor=actor,
                purpose=purpose,
                what=what,
                subjects=subjects,
                at=at,
            )

    def read(
        self, *, subject: str | None = None, limit: int = 100, actor: Actor, at: datetime
    ) -> list[Look]:
        """The newest looks (at one subject), the newest first."""
        log = m.AccessLog
        found = []
        with self._looking(actor, BUSINESS, at) as connection:
            rows = connection.execute(select(log.__table__).order_by(log.seq.desc()))
            for row in rows:
                if subject is None or subject in row.subjects:
                    found.append(_look(row))
                if len(found) == limit:
                    break
        return found

    def verify(self, anchor: Anchor | None = None, *, actor: Actor, at: datetime) -> Anchor | None:
        """The anchor of the whole log (None if it is empty), after proving every row.

        `anchor`: one kept earlier, which must still be in it. Raises Refused:
        log_broken, naming the first row that is not as it was written.
        """
        log = m.AccessLog
        last, expected = None, 1
        met = anchor is None
        with self._looking(actor, BUSINESS, at) as connection:
            previous = _START
            rows = connection.execute(select(log.__table__).order_by(log.seq)).mappings()
            for row in rows:
                whole = row["seq"] == expected and row["previous"] == previous
                if not whole or _digest({name: row[name] for name in _CHAINED}) != row["digest"]:
                    raise Refused("log_broken", seq=expected)
                last = Anchor(row["seq"], row["digest"])
                met = met or last == anchor
                previous, expected = row["digest"], expected + 1
        if not met and anchor is not None:
            raise Refused("log_broken", seq=anchor.seq)
        return last


def _look(row: Any) -> Look:
    return Look(
        seq=row.seq,
        at=row.at,
        role=row.role,
        interface_no=row.interface_no,
        name=row.name,
        purpose=row.purpose,
        what=row.what,
        subjects=tuple(row.subjects),
        digest=row.digest,
    )


def _digest(row: Mapping[str, Any]) -> str:
    plain = {**row, "at": row["at"].astimezone(UTC).isoformat(timespec="microseconds")}
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
