"""Restrictions: the effects of labels, written back each night by `classes`.

Here: keeping what is in force, night by night, and ending at once what an upheld appeal
(申诉) is about. Not here: which effect keeps an
order from being taken (`businesses`) and why a label has it (`classes`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from mingdan.calendar import known_at
from mingdan.orders import model as m
from mingdan.orders.care.model import Appeal
from mingdan.orders.finding import Query
from mingdan.orders.refusals import Refused


@dataclass(frozen=True, kw_only=True, order=True)
class Restriction:
    """One effect of one label in force, e.g. `no_new_subscription` of blacklist:fraud."""

    subject_type: Literal["party", "subscription"]
    subject_id: int
    effect: str
    class_code: str
    reason_code: str


_LABEL = ("subject_type", "subject_id", "class_code", "reason_code")
LOCK = "restrictions"
"""What a writer of restrictions holds among the customers' locks."""


def restrict(connection: Connection, day: date, restrictions: Iterable[Restriction]) -> int:
    """Make `restrictions` those in force after the night of `day`; see `OrderStore.restrict`."""
    r, nights = m.Restriction, m.RestrictionNight
    newest = connection.execute(select(func.max(nights.night))).scalar()
    if newest is not None and day < newest:
        return connection.execute(select(func.count()).where(r.ended_night.is_(None))).scalar_one()
    if newest == day:
        connection.execute(delete(r).where(r.first_night == day))
        connection.execute(update(r).where(r.ended_night == day).values(ended_night=None))
    else:
        connection.execute(insert(nights).values(night=day))
    kept = {
        Restriction(
            subject_type=row.subject_type,
            subject_id=row.subject_id,
            effect=row.effect,
            class_code=row.class_code,
            reason_code=row.reason_code,
        ): row.restriction_id
        for row in connection.execute(_rows().where(r.ended_night.is_(None)))
    }
    lifted = _appealed_since(connection, day)
    wanted = {each for each in restrictions if _label(each) not in lifted}
    if ended := [{"row": key} for each, key in sorted(kept.items()) if each not in wanted]:
        connection.execute(
            update(r).where(r.restriction_id == bindparam("row")).values(ended_night=day), ended
        )
    if begun := [asdict(each) | {"first_night": day} for each in sorted(wanted - kept.keys())]:
        connection.execute(insert(r), begun)
    return len(wanted)


def lift(connection: Connection, label: Any) -> None:
    """End what a label (`subject_type` to `reason_code`) restricts, before the next night does."""
    r = m.Restriction
    newest = connection.execute(select(func.max(m.RestrictionNight.night))).scalar()
    same = [getattr(r, name) == getattr(label, name) for name in _LABEL]
    connection.execute(update(r).where(r.ended_night.is_(None), *same).values(ended_night=newest))


def not_yet_run(connection: Connection, at: datetime) -> None:
    """Refuse (appeal_night) what a night that was run would have had to know at `at`."""
    newest = connection.execute(select(func.max(m.RestrictionNight.night))).scalar()
    if newest is not None and at <= known_at(newest):
        raise Refused("appeal_night", at=at, night=newest)


def _appealed_since(connection: Connection, day: date) -> set[tuple[Any, ...]]:
    """Labels whose appeal was upheld after all the night of `day` knows."""
    a = Appeal
    rows = connection.execute(
        select(*(getattr(a, name) for name in _LABEL)).where(
            a.outcome == "upheld", a.decided_at > known_at(day)
        )
    )
    return {tuple(row) for row in rows}


def _label(each: Any) -> tuple[Any, ...]:
    return tuple(getattr(each, name) for name in _LABEL)


def in_force(connection: Connection, party_id: int) -> list[Restriction]:
    """What holds for a party now, in a fixed order."""
    r = m.Restriction
    rows = connection.execute(
        _rows().where(r.subject_type == "party", r.subject_id == party_id, r.ended_night.is_(None))
    )
    return sorted(
        Restriction(
            subject_type="party",
            subject_id=party_id,
            effect=row.effect,
            class_code=row.class_code,
            reason_code=row.reason_code,
        )
        for row in rows
    )


def _rows() -> Query:
    r = m.Restriction
    return select(
        r.restriction_id, r.subject_type, r.subject_id, r.effect, r.class_code, r.reason_code
    )
