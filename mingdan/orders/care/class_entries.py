"""Customer classes (客户类别) an operator adds to the dictionary, each by two people.

Here: proposing, approving and ending entries, and which are in force when. Not
here: who is in a class (`class_members.py`), classes given by rules
(`mingdan.classes`) and the file those read (`class_file.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select

from mingdan.orders import checks
from mingdan.orders.access.actor import Actor
from mingdan.orders.care import words
from mingdan.orders.care.desk import Desk
from mingdan.orders.care.model import ClassEntry
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.store import OrderStore


@dataclass(frozen=True, kw_only=True)
class NewClass:
    """A class as proposed: in force during `[valid_from, valid_to)`, but never before approved."""

    class_code: str
    name_zh: str
    name_en: str
    meaning: str
    valid_from: datetime
    valid_to: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One version of a class's entry; instants in UTC. States: `approval_state.csv`."""

    class_code: str
    version_no: int
    name_zh: str
    name_en: str
    meaning: str
    state: str
    valid_from: datetime
    valid_to: datetime | None
    maker: str
    checker: str | None
    recorded_at: datetime
    decided_at: datetime | None


class ClassDictionary(Desk):
    """The entries added by hand. `shipped`: codes of the dictionary classes are given by."""

    def __init__(self, store: OrderStore, shipped: frozenset[str]) -> None:
        super().__init__(store)
        self._shipped = shipped

    def propose(self, new: NewClass, *, actor: Actor, at: datetime) -> Entry:
        """Ask for a class, or for other words for one; it has no effect until approved.

        The same proposal again is that proposal; another one takes its place.
        Raises Refused (class_exists if a rule gives it, invalid_value).
        """
        at, code = checks.instant("at", at), words.class_code(new.class_code)
        values = _checked(new)
        maker = checks.words("maker", actor.name)
        if code in self._shipped:
            raise Refused("class_exists", class_code=code)
        with self._writing(actor, "CLASS", at, f"class_entry:{code}") as connection:
            rows = _chosen(connection, ClassEntry.class_code == code)
            journal = Journal(connection, at, str(actor))
            for row in rows:
                if row.state == "proposed":
                    if all(getattr(row, name) == value for name, value in values.items()):
                        return _entry(row)
                    _decide(journal, row, "rejected", None)
            key = journal.insert(
                ClassEntry,
                class_code=code,
                version_no=1 + max((row.version_no for row in rows), default=0),
                **values,
                state=machine("approval").walk(None, "proposed"),
                maker=maker,
                recorded_at=at,
            )
            return _entry(_chosen(connection, ClassEntry.entry_id == key)[0])

    def approve(self, class_code: str, *, actor: Actor, at: datetime) -> Entry:
        """Put the proposal in force from its first day, at the earliest now.

        The entry in force until then ends there. Raises Refused
        (class_not_proposed, same_person; class_exists if one that was approved
        begins later).
        """
        at, code = checks.instant("at", at), words.class_code(class_code)
        checker = checks.words("checker", actor.name)
        with self._writing(actor, "CLASS_APPROVAL", at, f"class_entry:{code}") as connection:
            rows = _chosen(connection, ClassEntry.class_code == code)
            row = _proposal(rows, code)
            words.two_people(row.maker, checker)
            first = max(at, row.valid_from)
            if row.valid_to is not None and row.valid_to <= first:
                raise Refused("invalid_value", field="valid_to", problem="has passed")
            journal = Journal(connection, at, str(actor))
            for old in rows:
                if old.state != "approved" or (old.valid_to is not None and old.valid_to <= first):
                    continue
                if old.valid_from >= first:
                    raise Refused("class_exists", class_code=code)
                journal.update(ClassEntry, old.entry_id, valid_to=first)
            _decide(journal, row, "approved", checker, valid_from=first)
            return _entry(_chosen(connection, ClassEntry.entry_id == row.entry_id)[0])

    def reject(self, class_code: str, *, actor: Actor, at: datetime) -> Entry:
        """Turn the proposal down. Raises Refused (class_not_proposed)."""
        at, code = checks.instant("at", at), words.class_code(class_code)
        checker = checks.words("checker", actor.name)
        with self._writing(actor, "CLASS_APPROVAL", at, f"class_entry:{code}") as connection:
            row = _proposal(_chosen(connection, ClassEntry.class_code == code), code)
            _decide(Journal(connection, at, str(actor)), row, "rejected", checker)
            return _entry(_chosen(connection, ClassEntry.entry_id == row.entry_id)[0])

    def end(self, class_code: str, *, actor: Actor, at: datetime) -> Entry:
        """Take a class out of force now; nobody is in it any more.

        Raises Refused (class_unknown).
        """
        at, code = checks.instant("at", at), words.class_code(class_code)
        with self._writing(actor, "CLASS_APPROVAL", at, f"class_entry:{code}") as connection:
            for row in _chosen(connection, ClassEntry.class_code == code):
                if _valid(row, at):
                    Journal(connection, at, str(actor)).update(
                        ClassEntry, row.entry_id, valid_to=at
                    )
                    return _entry(_chosen(connection, ClassEntry.entry_id == row.entry_id)[0])
        raise Refused("class_unknown", class_code=code)

    def entries(self, *, at: datetime) -> tuple[Entry, ...]:
        """The entries in force at `at`, by code."""
        with self._database.reading() as connection:
            found = _chosen(connection, in_force(ClassEntry, checks.instant("at", at)))
            return tuple(_entry(row) for row in found)

    def history(self, class_code: str) -> tuple[Entry, ...]:
        """Every version of one entry, proposed and rejected ones too."""
        code = words.class_code(class_code)
        with self._database.reading() as connection:
            found = _chosen(connection, ClassEntry.class_code == code)
            return tuple(_entry(row) for row in found)


def in_force(table: Any, at: datetime) -> ColumnElement[bool]:
    """Whether an approved row of `table` is valid at `at`."""
    return and_(
        table.state == "approved",
        table.valid_from <= at,
        or_(table.valid_to.is_(None), table.valid_to > at),
    )


def class_stands(code: ColumnElement[str], at: datetime) -> ColumnElement[bool]:
    """Whether `code` is a class in force at `at`, or a label (`class:reason`) of the dictionary."""
    e = ClassEntry
    return or_(code.in_(select(e.class_code).where(in_force(e, at))), code.contains(":"))


def span(first: object, last: object) -> tuple[datetime, datetime | None]:
    """A validity `[first, last)`, without an end if `last` is None. Raises Refused."""
    begins = checks.instant("valid_from", first)
    ends = None if last is None else checks.instant("valid_to", last)
    if ends is not None and ends <= begins:
        raise Refused("invalid_value", field="valid_to", problem="is not after valid_from")
    return begins, ends


def _checked(new: NewClass) -> dict[str, Any]:
    first, last = span(new.valid_from, new.valid_to)
    return {
        "name_zh": checks.words("name_zh", new.name_zh),
        "name_en": checks.words("name_en", new.name_en),
        "meaning": checks.words("meaning", new.meaning),
        "valid_from": first,
        "valid_to": last,
    }


def _valid(row: Row[Any], at: datetime) -> bool:
    begun = row.state == "approved" and row.valid_from <= at
    return bool(begun and (row.valid_to is None or row.valid_to > at))


def _proposal(rows: list[Row[Any]], code: str) -> Row[Any]:
    for row in rows:
        if row.state == "proposed":
            return row
    raise Refused("class_not_proposed", what=code)


def _decide(journal: Journal, row: Row[Any], state: str, checker: str | None, **more: Any) -> None:
    machine("approval").walk(row.state, state)
    journal.update(
        ClassEntry, row.entry_id, state=state, checker=checker, decided_at=journal.at, **more
    )


def _chosen(connection: Connection, chosen: ColumnElement[bool]) -> list[Row[Any]]:
    e = ClassEntry
    query = select(*e.__table__.columns).where(chosen).order_by(e.class_code, e.version_no)
    return list(connection.execute(query))


def _entry(row: Row[Any]) -> Entry:
    return Entry(**{name: getattr(row, name) for name in Entry.__dataclass_fields__})
