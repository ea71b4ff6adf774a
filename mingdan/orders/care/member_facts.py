"""Customer classes and their members as they were known at an instant, for the night.

Here: which classes there were, who was in which then, and until when as far as
was known then. Not here: adding classes (`class_entries.py`), putting customers
in and ending it (`class_members.py`) and what becomes of it (`mingdan.reports`,
`mingdan.classes`).

A membership that was ended later still stands with its own end: the end is read
off the journal as it was, so a past night asks again and hears the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from mingdan.orders.care.class_entries import class_stands, in_force
from mingdan.orders.care.model import ClassAssignment, ClassEntry
from mingdan.orders.journal_model import EntityEvent
from mingdan.orders.store import OrderStore

_ENTITY = ClassAssignment.__tablename__


@dataclass(frozen=True, kw_only=True)
class KnownMember:
    """A party in a class by two people's decision; instants in UTC.

    `class_code` is a class added by hand, or `class:reason` of the dictionary.
    """

    assignment_id: int
    class_code: str
    party_id: int
    reason: str
    valid_from: datetime
    valid_to: datetime | None
    maker: str
    checker: str


@dataclass(frozen=True, kw_only=True)
class KnownClass:
    """A class added by hand, in the words of its newest version."""

    class_code: str
    name_zh: str
    name_en: str
    meaning: str


def classes_at(store: OrderStore, known_at: datetime) -> list[KnownClass]:
    """Every class that two people had put in force by `known_at`, by code.

    Also one that has ended: its labels end by name.
    """
    e = ClassEntry
    with store.database.reading() as connection:
        rows = connection.execute(
            select(*(getattr(e, name) for name in KnownClass.__dataclass_fields__))
            .where(e.state == "approved", e.valid_from <= known_at)
            .order_by(e.class_code, e.version_no)
        )
        newest = {row.class_code: KnownClass(**row._mapping) for row in rows}
    return list(newest.values())


def members_at(store: OrderStore, known_at: datetime) -> list[KnownMember]:
    """Everybody in a class in force at `known_at`, as known then, by class and party."""
    a = ClassAssignment
    with store.database.reading() as connection:
        rows = connection.execute(
            select(*(getattr(a, name) for name in KnownMember.__dataclass_fields__))
            .where(in_force(a, known_at), class_stands(a.class_code.expression, known_at))
            .order_by(a.class_code, a.party_id)
        ).all()
        changed = _changed_after(connection, known_at)
        return [
            KnownMember(**values)
            if (key := values["assignment_id"]) not in changed
            else KnownMember(**values | {"valid_to": _end_then(connection, key, known_at)})
            for values in (dict(row._mapping) for row in rows)
        ]


def _changed_after(connection: Connection, known_at: datetime) -> set[int]:
    v = EntityEvent
    keys = connection.execute(
        select(v.entity_key).where(v.entity == _ENTITY, v.recorded_at > known_at)
    ).scalars()
    return {json.loads(key)[0] for key in keys}


def _end_then(connection: Connection, assignment_id: int, known_at: datetime) -> datetime | None:
    v = EntityEvent
    image = connection.execute(
        select(v.image)
        .where(
            v.entity == _ENTITY,
            v.entity_key == json.dumps([assignment_id]),
            v.recorded_at <= known_at,
        )
        .order_by(v.seq.desc())
        .limit(1)
    ).scalar_one()
    end = image["valid_to"]
    return None if end is None else datetime.fromisoformat(end)
