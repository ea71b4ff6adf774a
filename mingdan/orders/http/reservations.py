"""`/reservation`: holding a number and a SIM for a time (TMF685's shape).

Here: the paths, whose a reservation is, and using one up for an order. Not
here: holding itself (`mingdan.orders.stock.reservations`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from fastapi import Path as PathPart
from pydantic import Field
from sqlalchemy import Connection, Row, select

from mingdan.orders import checks
from mingdan.orders.access import gate, rules
from mingdan.orders.access.model import RequestKey
from mingdan.orders.database import Database
from mingdan.orders.http.answers import Period, Reservation, ReservedResource
from mingdan.orders.http.problems import every_path
from mingdan.orders.http.requests import Shape, Text
from mingdan.orders.http.service import Asking, Caller
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused
from mingdan.orders.stock import reservations
from mingdan.orders.stock.model import ResourceReservation

router = APIRouter(tags=["reservation"])
BUSINESS = "RESERVE"
IdempotencyKey = Annotated[
    str, Header(alias="Idempotency-Key", pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")
]
ReservationId = Annotated[int, PathPart(alias="id", ge=1, le=2**53)]
_R = ResourceReservation
Found = Row[*tuple[Any, ...]]


class ReservationCreate(Shape):
    """A number, a SIM or both. `minutes`: default and most by the operator's policy."""

    msisdn: Text | None = None
    iccid: Text | None = None
    imsi: Text | None = None
    minutes: Annotated[int, Field(ge=1, le=525_600)] | None = None


@router.post(
    "/reservation",
    status_code=201,
    responses={200: {"model": Reservation, "description": "Made before"}, **every_path(409)},
    summary="Reserve a number and a SIM (预占)",
)
def reserve(
    asking: Asking, wish: ReservationCreate, key: IdempotencyKey, response: Response
) -> Reservation:
    """Held for your interface until its time is over; an order then names it."""
    actor, at, store = asking.actor, asking.at, asking.service.store
    database, policy = store.database, store.policy
    number = None if wish.msisdn is None else checks.number(wish.msisdn, "-", "person")
    imsi, iccid = wish.imsi, wish.iccid
    if imsi is not None or iccid is not None:
        imsi, iccid = checks.sim(imsi, iccid)
    longest = policy.at("reservation_longest_minutes", at)
    minutes = wish.minutes or policy.at("reservation_minutes", at)
    if minutes > longest:
        raise Refused("invalid_value", field="minutes", problem=f"is not 1 to {longest}")
    digest = _digest(wish)
    with database.writing() as connection:
        gate.allow(connection, actor=actor, business=BUSINESS, at=at)
        database.lock(connection, "customers", [f"request:{actor.interface_no}:{key}"])
        before = _before(connection, actor.interface_no, key, digest)
        response.status_code = 201 if before is None else 200
        if before is None:
            journal = Journal(connection, at, str(actor))
            before = reservations.reserve(
                journal,
                at=at,
                until=at + timedelta(minutes=minutes),
                number=number,
                iccid=iccid,
                imsi=imsi,
                order_id=None,
                reserved_for=f"interface:{actor.interface_no}",
                only_from_stock=bool(policy.at("only_from_stock", at)),
            )
            journal.insert(
                RequestKey,
                interface_no=actor.interface_no,
                idempotency_key=key,
                request_digest=digest,
                resource="reservation",
                resource_id=before,
                recorded_at=journal.at,
            )
        made = _own(connection, asking, before)
    response.headers["Location"] = f"/reservation/{made.reservation_id}"
    return _answer(asking, made)


@router.get("/reservation/{id}", responses=every_path(404), summary="Look a reservation up")
def get_reservation(asking: Asking, reservation_id: ReservationId) -> Reservation:
    """One of yours, as it stands by the clock."""
    with asking.service.store.database.reading() as connection:
        gate.open_interface(connection, asking.actor.interface_no, asking.at)
        return _answer(asking, _own(connection, asking, reservation_id))


@router.delete("/reservation/{id}", responses=every_path(404, 409), summary="Cancel a reservation")
def cancel_reservation(asking: Asking, reservation_id: ReservationId) -> Reservation:
    """What it holds is free at once; a second time changes nothing."""
    actor, at = asking.actor, asking.at
    with asking.service.store.database.writing() as connection:
        gate.allow(connection, actor=actor, business=BUSINESS, at=at)
        held = _own(connection, asking, reservation_id)
        if held.state == "completed":
            raise Refused("reservation_ended", reservation=reservation_id, state=held.state)
        journal = Journal(connection, at, str(actor))
        reservations.release(journal, reservation_id, at=at, reason="cancelled by its interface")
        return _answer(asking, _own(connection, asking, reservation_id))


def use(
    database: Database,
    connection: Connection,
    asking: Caller,
    reservation_id: int,
    also: Iterable[str],
) -> None:
    """Give a live reservation of the caller back to an order of the same transaction.

    `also` are the resources the order itself names, locked together. Raises
    Refused: unknown_reservation, reservation_ended.
    """
    held = _own(connection, asking, reservation_id)
    named = (("numbers", held.number), ("iccids", held.iccid))
    keys = {f"{kind}:{key}" for kind, key in named if key is not None}
    database.lock(connection, "resources", keys | set(also))
    held = _own(connection, asking, reservation_id)
    state = _state(asking, held)
    if state != "inProgress":
        raise Refused("reservation_ended", reservation=reservation_id, state=state)
    journal = Journal(connection, asking.at, str(asking.actor))
    reservations.release(journal, reservation_id, at=asking.at, reason="used by an order")


def _before(connection: Connection, interface_no: str, key: str, digest: str) -> int | None:
    k = RequestKey
    row = connection.execute(
        select(k.request_digest, k.resource_id).where(
            k.interface_no == interface_no, k.idempotency_key == key
        )
    ).one_or_none()
    if row is None:
        return None
    if row.request_digest != digest:
        raise Refused("idempotency_key_reused")
    found: int = row.resource_id
    return found


def _own(connection: Connection, asking: Caller, reservation_id: int) -> Found:
    """A reservation of the caller; nobody else's. Raises Refused: unknown_reservation."""
    k = RequestKey
    numbers = rules.same_owner(connection, asking.actor.interface_no)
    row: Found | None = connection.execute(
        select(_R.reservation_id, _R.number, _R.iccid, _R.state, _R.reserved_at, _R.until)
        .join(k, k.resource_id == _R.reservation_id)
        .where(
            _R.reservation_id == reservation_id,
            k.resource == "reservation",
            k.interface_no.in_(numbers),
        )
    ).one_or_none()
    if row is None:
        raise Refused("unknown_reservation", reservation=reservation_id)
    return row


def _state(asking: Caller, held: Found) -> str:
    expired = held.state == "inProgress" and held.until <= asking.at
    return "expired" if expired else str(held.state)


def _answer(asking: Caller, held: Found) -> Reservation:
    state: Any = _state(asking, held)
    return Reservation(
        id=held.reservation_id,
        href=f"/reservation/{held.reservation_id}",
        reservation_state=state,
        reservation_period=Period(start_date_time=held.reserved_at, end_date_time=held.until),
        reserved_resource=ReservedResource(msisdn=held.number, iccid=held.iccid),
    )


def _digest(wish: ReservationCreate) -> str:
    text = json.dumps(wish.model_dump(), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
