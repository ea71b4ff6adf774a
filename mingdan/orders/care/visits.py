"""Customers at a counter or on the line: when they came, were served and left (TMF683).

Here: taking the three instants down, for the limits on waiting (10 min at a
counter, 15 s on the hotline). Not here: those limits (`clocks.py`), and who the
customer is, which no limit needs to know.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from mingdan.orders import checks
from mingdan.orders.access.actor import Actor
from mingdan.orders.care.desk import Desk
from mingdan.orders.care.model import ServiceVisit
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.reference import load


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A visit as it stands; instants in UTC. States: `reference/visit_state.csv`."""

    visit_ref: str
    channel: str
    interface_no: str
    state: str
    arrived_at: datetime
    served_at: datetime | None
    ended_at: datetime | None
    served_by: str | None


class VisitDesk(Desk):
    """The visits of an open order store; every step may be repeated safely."""

    def arrive(self, visit_ref: str, channel: str, *, actor: Actor, at: datetime) -> Visit:
        """Somebody takes a queue ticket or rings: `waiting`.

        Raises Refused (invalid_value; visit_step if the reference is past waiting).
        """
        ref, at = checks.words("visit_ref", visit_ref), checks.instant("at", at)
        known = frozenset(load.by("care_channel", "code"))
        by = checks.one_of("channel", channel, known)
        with self._writing(actor, "VISIT", at, f"service_visit:{ref}") as connection:
            found = _find(connection, ref)
            if found is not None:
                if (found.state, found.channel) != ("waiting", by):
                    raise _no_step(found, "waiting")
                return _visit(found)
            Journal(connection, at, str(actor)).insert(
                ServiceVisit,
                visit_ref=ref,
                channel=by,
                interface_no=checks.words("interface_no", actor.interface_no),
                state=machine("visit").walk(None, "waiting"),
                arrived_at=at,
            )
            return _visit(_known(connection, ref))

    def serve(self, visit_ref: str, *, actor: Actor, at: datetime) -> Visit:
        """Somebody attends to the customer: `serving`.

        Raises Refused (visit_unknown, visit_step).
        """
        name = checks.words("served_by", actor.name)
        return self._step(visit_ref, "serving", actor, at, "served_at", served_by=name)

    def end(self, visit_ref: str, *, actor: Actor, at: datetime) -> Visit:
        """The customer was served: `ended`. Raises Refused (visit_unknown, visit_step)."""
        return self._step(visit_ref, "ended", actor, at, "ended_at")

    def leave(self, visit_ref: str, *, actor: Actor, at: datetime) -> Visit:
        """The customer left or rang off unserved: `left`. Raises Refused as `end`."""
        return self._step(visit_ref, "left", actor, at, "ended_at")

    def _step(
        self, visit_ref: str, state: str, actor: Actor, at: datetime, stamp: str, **values: Any
    ) -> Visit:
        ref, at = checks.words("visit_ref", visit_ref), checks.instant("at", at)
        with self._writing(actor, "VISIT", at) as connection:
            row = _known(connection, ref, lock=True)
            if row.state == state:
                return _visit(row)
            if state not in machine("visit").next[row.state]:
                raise _no_step(row, state)
            # a clock that lags a little is moved up to the step before
            at = max(at, row.served_at or row.arrived_at)
            Journal(connection, at, str(actor)).update(
                ServiceVisit, row.visit_id, state=state, **{stamp: at}, **values
            )
            return _visit(_known(connection, ref))


def _find(connection: Connection, ref: str, *, lock: bool = False) -> Row[Any] | None:
    v = ServiceVisit
    query = select(*v.__table__.columns).where(v.visit_ref == ref)
    return connection.execute(query.with_for_update() if lock else query).one_or_none()


def _known(connection: Connection, ref: str, *, lock: bool = False) -> Row[Any]:
    found = _find(connection, ref, lock=lock)
    if found is None:
        raise Refused("visit_unknown", visit_ref=ref)
    return found


def _visit(row: Row[Any]) -> Visit:
    return Visit(**{name: getattr(row, name) for name in Visit.__dataclass_fields__})


def _no_step(row: Row[Any], target: str) -> Refused:
    return Refused("visit_step", visit_ref=row.visit_ref, state=row.state, target=target)
