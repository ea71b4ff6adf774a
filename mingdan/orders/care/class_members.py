"""Which customers are in which class by hand: many to many, each for a time.

Here: assigning by two people, ending, and who is in what when. Not here: the
classes themselves (`class_entries.py`).

A class is one added by hand, or `class:reason` of the dictionary where people
may give that label as well as rules (`class_file.labels_by_hand`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, select

from mingdan.identifiers import mask_within
from mingdan.orders import checks
from mingdan.orders import model as m
from mingdan.orders.access.actor import Actor
from mingdan.orders.care import words
from mingdan.orders.care.class_entries import class_stands, in_force, span
from mingdan.orders.care.desk import Desk
from mingdan.orders.care.model import ClassAssignment, ClassEntry
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.store import OrderStore


@dataclass(frozen=True, kw_only=True)
class NewAssignment:
    """A customer to be put into a class during `[valid_from, valid_to)`, and why."""

    class_code: str
    party_ref: str
    reason: str
    valid_from: datetime
    valid_to: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """A customer in a class; instants in UTC, numbers within `reason` masked.

    States: `approval_state.csv`.
    """

    assignment_id: int
    class_code: str
    party_ref: str
    party_id: int
    state: str
    reason: str
    valid_from: datetime
    valid_to: datetime | None
    maker: str
    checker: str | None
    recorded_at: datetime
    decided_at: datetime | None


class ClassMembers(Desk):
    """Assignments by hand. A class out of force has nobody in it.

    `labels`: those of the dictionary that people may give.
    """

    def __init__(self, store: OrderStore, labels: frozenset[str] = frozenset()) -> None:
        super().__init__(store)
        self._labels = labels

    def assign(self, new: NewAssignment, *, actor: Actor, at: datetime) -> Assignment:
        """Propose it; without effect until approved. The same proposal again is that one.

        Raises Refused (class_unknown if the class is not in force when the
        assignment begins or the label is not given by hand, unknown_party,
        class_assigned, invalid_value).
        """
        at, code = checks.instant("at", at), words.label(new.class_code)
        first, last = span(new.valid_from, new.valid_to)
        reason = words.block("reason", new.reason, words.NOTE)
        maker, ref = checks.words("maker", actor.name), checks.words("party_ref", new.party_ref)
        with self._writing(actor, "CLASS", at, *_keys(code, ref)) as connection:
            party_id = _party(connection, ref)
            if code not in self._labels and not _class_in_force(connection, code, max(first, at)):
                raise Refused("class_unknown", class_code=code)
            rows = _standing(connection, code, party_id)
            for row in rows:
                wanted = (row.state, row.reason, row.valid_from, row.valid_to)
                if wanted == ("proposed", reason, first, last):
                    return _assignment(row)
            _free(rows, max(first, at), last, ref)
            key = Journal(connection, at, str(actor)).insert(
                ClassAssignment,
                class_code=code,
                party_id=party_id,
                state=machine("approval").walk(None, "proposed"),
                reason=reason,
                valid_from=first,
                valid_to=last,
                maker=maker,
                recorded_at=at,
            )
            return _assignment(_row(connection, key))

    def approve(self, assignment_id: int, *, actor: Actor, at: datetime) -> Assignment:
        """Put it in force from its first day, at the earliest now.

        Raises Refused (assignment_unknown, class_not_proposed, same_person,
        class_assigned).
        """
        at, checker = checks.instant("at", at), checks.words("checker", actor.name)
        with self._writing(actor, "CLASS_APPROVAL", at) as connection:
            row = self._proposed(connection, assignment_id)
            words.two_people(row.maker, checker)
            first = max(at, row.valid_from)
            if row.valid_to is not None and row.valid_to <= first:
                raise Refused("invalid_value", field="valid_to", problem="has passed")
            others = _standing(connection, row.class_code, row.party_id)
            _free(others, first, row.valid_to, row.party_ref)
            return _decide(connection, row, "approved", checker, actor, at, valid_from=first)

    def reject(self, assignment_id: int, *, actor: Actor, at: datetime) -> Assignment:
        """Turn it down. Raises Refused (assignment_unknown, class_not_proposed)."""
        at, checker = checks.instant("at", at), checks.words("checker", actor.name)
        with self._writing(actor, "CLASS_APPROVAL", at) as connection:
            row = self._proposed(connection, assignment_id)
            return _decide(connection, row, "rejected", checker, actor, at)

    def end(self, assignment_id: int, *, actor: Actor, at: datetime) -> Assignment:
        """Take the customer out of the class now. Raises Refused (assignment_unknown)."""
        at = checks.instant("at", at)
        with self._writing(actor, "CLASS_APPROVAL", at) as connection:
            row = self._locked(connection, assignment_id)
            ended = row.valid_to is not None and row.valid_to <= at
            if row.state != "approved" or ended:
                raise Refused("assignment_unknown", assignment_id=assignment_id)
            # one that has not begun ends where it would have begun
            Journal(connection, at, str(actor)).update(
                ClassAssignment, assignment_id, valid_to=max(at, row.valid_from)
            )
            return _assignment(_row(connection, assignment_id))

    def classes_of(self, party_ref: str, *, at: datetime) -> tuple[Assignment, ...]:
        """The classes a customer is in at `at`. Raises Refused (unknown_party)."""
        ref, at = checks.words("party_ref", party_ref), checks.instant("at", at)
        with self._database.reading() as connection:
            party_id = _party(connection, ref)
            return _found(connection, and_(ClassAssignment.party_id == party_id, _effective(at)))

    def members(self, class_code: str, *, at: datetime) -> tuple[Assignment, ...]:
        """The customers in a class at `at`."""
        code, at = words.label(class_code), checks.instant("at", at)
        with self._database.reading() as connection:
            return _found(connection, and_(ClassAssignment.class_code == code, _effective(at)))

    def waiting(self) -> tuple[Assignment, ...]:
        """Proposals that nobody has decided yet."""
        with self._database.reading() as connection:
            return _found(connection, ClassAssignment.state == "proposed")

    def _locked(self, connection: Connection, assignment_id: int) -> Row[Any]:
        row = _row(connection, assignment_id)
        self._database.lock(connection, "customers", _keys(row.class_code, row.party_ref))
        return _row(connection, assignment_id)

    def _proposed(self, connection: Connection, assignment_id: int) -> Row[Any]:
        row = self._locked(connection, assignment_id)
        if row.state != "proposed":
            raise Refused("class_not_proposed", what=f"{row.class_code}/{row.party_ref}")
        return row


def _keys(code: str, ref: str) -> list[str]:
    return [f"class_entry:{code}", f"class_member:{code}:{ref}"]


def _effective(at: datetime) -> ColumnElement[bool]:
    a = ClassAssignment
    return and_(in_force(a, at), class_stands(a.class_code.expression, at))


def _class_in_force(connection: Connection, code: str, at: datetime) -> bool:
    e = ClassEntry
    found = select(e.entry_id).where(e.class_code == code, in_force(e, at))
    return connection.execute(found).first() is not None


def _standing(connection: Connection, code: str, party_id: int) -> list[Row[Any]]:
    a = ClassAssignment
    chosen = and_(a.class_code == code, a.party_id == party_id)
    return _rows(connection, and_(chosen, a.state.in_(("proposed", "approved"))))


def _free(rows: list[Row[Any]], first: datetime, last: datetime | None, ref: str) -> None:
    """Refuse a time that overlaps an approved one."""
    for row in rows:
        if row.state != "approved":
            continue
        ends_before = row.valid_to is not None and row.valid_to <= first
        begins_after = last is not None and last <= row.valid_from
        if not (ends_before or begins_after):
            raise Refused("class_assigned", party_ref=ref, class_code=row.class_code)


def _decide(
    connection: Connection,
    row: Row[Any],
    state: str,
    checker: str,
    actor: Actor,
    at: datetime,
    **more: Any,
) -> Assignment:
    machine("approval").walk(row.state, state)
    Journal(connection, at, str(actor)).update(
        ClassAssignment, row.assignment_id, state=state, checker=checker, decided_at=at, **more
    )
    return _assignment(_row(connection, row.assignment_id))


def _party(connection: Connection, ref: str) -> int:
    found = connection.execute(select(m.Party.party_id).where(m.Party.party_ref == ref)).scalar()
    if found is None:
        raise Refused("unknown_party", party_ref=ref)
    return found


def _row(connection: Connection, assignment_id: int) -> Row[Any]:
    if type(assignment_id) is not int or not 0 < assignment_id < 1 << 62:
        raise Refused("invalid_value", field="assignment_id", problem="is not a key")
    found = _rows(connection, ClassAssignment.assignment_id == assignment_id)
    if not found:
        raise Refused("assignment_unknown", assignment_id=assignment_id)
    return found[0]


def _rows(connection: Connection, chosen: ColumnElement[bool]) -> list[Row[Any]]:
    a, p = ClassAssignment, m.Party
    return list(
        connection.execute(
            select(p.party_ref, *a.__table__.columns)
            .join(p, p.party_id == a.party_id)
            .where(chosen)
            .order_by(a.class_code, p.party_ref, a.valid_from, a.assignment_id)
        )
    )


def _found(connection: Connection, chosen: ColumnElement[bool]) -> tuple[Assignment, ...]:
    return tuple(_assignment(row) for row in _rows(connection, chosen))


def _assignment(row: Row[Any]) -> Assignment:
    values = {name: getattr(row, name) for name in Assignment.__dataclass_fields__}
    return Assignment(**values | {"reason": mask_within(row.reason)})
