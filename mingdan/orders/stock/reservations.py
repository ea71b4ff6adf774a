"""Reservations with a time limit: a number, SIM or handset held for somebody.

Here: taking, giving back and using up a reservation, each in the caller's
transaction. Not here: choosing what to reserve (`pool.py`), how long (policy)
and the order it is for.

A reservation is live while its state is `inProgress` and the clock is before
its `until`. Past that it is dead for everybody, whether or not anybody has
noted it: the next one who wants the resource notes it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from mingdan.identifiers import mask_number
from mingdan.orders import checks
from mingdan.orders import model as m
from mingdan.orders.database import lock
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.stock import cards, segments
from mingdan.orders.stock.model import Handset, ResourceReservation

_R = ResourceReservation
Found = Row[*tuple[Any, ...]]


def reserve(
    journal: Journal,
    *,
    at: datetime,
    until: datetime,
    number: str | None,
    iccid: str | None,
    order_id: int | None,
    reserved_for: str,
    imsi: str | None = None,
    imei: str | None = None,
    only_from_stock: bool = False,
) -> int:
    """Hold a number, a SIM and a handset (any of them) until `until`; returns its id.

    All of them or none. `number` is as the store knows it (`8613800138000`).
    A number or SIM the stock does not know is taken on with it unless
    `only_from_stock`; a SIM then needs its `imsi`. `reserved_for` says for whom
    (an order, a counter), without personal data.

    Refuses number_in_use, number_ageing, number_reserved, number_unavailable,
    number_not_in_stock, licence_ended, segment_closed, sim_in_use,
    sim_unavailable, sim_mismatch, sim_not_in_stock, card_unavailable, card_expired,
    handset_reserved, handset_unavailable, handset_not_in_stock, invalid_value.
    """
    at, until = checks.instant("at", at), checks.instant("until", until)
    if until <= at:
        raise Refused("invalid_value", field="until", problem="is not after now")
    checks.words("reserved_for", reserved_for)
    if number is None and iccid is None and imei is None:
        raise Refused("invalid_value", field="number", problem="nothing to reserve is named")
    _lock(journal.connection, number, iccid, imsi, imei)
    if number is not None:
        _hold_number(journal, number, at, until, only_from_stock=only_from_stock)
    if iccid is not None:
        _hold_sim(journal, iccid, imsi, at, until, only_from_stock=only_from_stock)
    if imei is not None:
        _hold_handset(journal, imei, at, until)
    key: int = journal.insert(
        _R,
        number=number,
        iccid=iccid,
        imei=imei,
        order_id=order_id,
        reserved_for=reserved_for,
        state=machine("reservation").walk(None, "inProgress"),
        reason=None,
        reserved_at=at,
        until=until,
        ended_at=None,
    )
    return key


def release(journal: Journal, reservation_id: int, *, at: datetime, reason: str) -> None:
    """Give back what a reservation holds; a second time changes nothing.

    Refuses unknown_reservation.
    """
    at = checks.instant("at", at)
    held = _read(journal.connection, reservation_id)
    _lock(journal.connection, held.number, held.iccid, None, held.imei)
    held = _read(journal.connection, reservation_id)
    if held.state == "inProgress":
        _end(journal, held.reservation_id, "cancelled", at, checks.words("reason", reason))
        _give_back(journal, held, at)


def complete(journal: Journal, reservation_id: int, *, at: datetime) -> None:
    """Note that its order brought into service what it held; a second time changes nothing.

    A sold prepaid card that carries the SIM is in use from `at` on.

    Refuses unknown_reservation.
    """
    at = checks.instant("at", at)
    held = _read(journal.connection, reservation_id)
    if held.state == "inProgress":
        _end(journal, held.reservation_id, "completed", at, None)
        if held.iccid is not None:
            cards.used(journal, held.iccid, at=at)


def of_order(connection: Connection, order_id: int) -> list[int]:
    """The reservations of an order that have not ended, oldest first; dead ones too."""
    return list(
        connection.execute(
            select(_R.reservation_id)
            .where(_R.order_id == order_id, _R.state == "inProgress")
            .order_by(_R.reservation_id)
        ).scalars()
    )


def of_handset(connection: Connection, imei: str) -> int | None:
    """The reservation of a handset that has not ended, dead or not."""
    return connection.execute(
        select(_R.reservation_id).where(_R.imei == imei, _R.state == "inProgress")
    ).scalar_one_or_none()


def held_for(
    connection: Connection, order_id: int, at: datetime
) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Numbers, ICCIDs and IMEIs held for an order at `at` (`Work.reserved_numbers`, ...)."""
    rows = connection.execute(
        select(_R.number, _R.iccid, _R.imei).where(
            _R.order_id == order_id, _R.state == "inProgress", _R.until > at
        )
    ).all()
    return (
        frozenset(row.number for row in rows if row.number is not None),
        frozenset(row.iccid for row in rows if row.iccid is not None),
        frozenset(row.imei for row in rows if row.imei is not None),
    )


def sweep(journal: Journal, *, at: datetime, limit: int = 1000) -> int:
    """Note up to `limit` reservations whose time has run out; returns how many.

    Housekeeping only: they were dead before.
    """
    at = checks.instant("at", at)
    dead = journal.connection.execute(
        select(_R.reservation_id)
        .where(_R.state == "inProgress", _R.until <= at)
        .order_by(_R.reservation_id)
        .limit(limit)
    ).scalars()
    count = 0
    for key in list(dead):
        release(journal, key, at=at, reason="expired")
        count += 1
    return count


def _hold_number(
    journal: Journal, number: str, at: datetime, until: datetime, *, only_from_stock: bool
) -> None:
    shown, n = mask_number(number), m.Msisdn
    row = journal.connection.execute(
        select(n.state, n.until, n.changed_at, n.kind, n.licensed_until).where(n.number == number)
    ).one_or_none()
    if only_from_stock and (row is None or row.kind is None):
        raise Refused("number_not_in_stock", number=shown)
    segments.refuse_closed(journal.connection, number)
    step = machine("msisdn").walk
    if row is None:
        state = step(None, "available", "reserved")
        journal.insert(m.Msisdn, number=number, state=state, until=until, changed_at=at)
        return
    if row.state == "in_service":
        raise Refused("number_in_use", number=shown)
    if row.state in ("blocked", "retired"):
        raise Refused("number_unavailable", number=shown, state=row.state)
    if row.state in ("aging", "reserved") and (row.until is None or at < row.until):
        code = "number_ageing" if row.state == "aging" else "number_reserved"
        raise Refused(code, number=shown, until=row.until)
    if row.licensed_until is not None and at >= row.licensed_until:
        raise Refused("licence_ended", number=shown, until=row.licensed_until)
    _end_dead(journal, at, number=number)
    free = row.state if row.state == "available" else step(row.state, "available")
    journal.update(
        m.Msisdn,
        number,
        state=step(free, "reserved"),
        until=until,
        changed_at=max(at, row.changed_at),
    )


def _hold_sim(
    journal: Journal,
    iccid: str,
    imsi: str | None,
    at: datetime,
    until: datetime,
    *,
    only_from_stock: bool,
) -> None:
    shown, s = mask_number(iccid), m.SimCard
    found = journal.connection.execute(
        select(s.iccid, s.imsi, s.state, s.until, s.changed_at, s.capacity_k).where(
            (s.iccid == iccid) | (s.imsi == imsi) if imsi is not None else s.iccid == iccid
        )
    ).all()
    row = next((each for each in found if each.iccid == iccid), None)
    if (row is None and imsi is None) or (
        only_from_stock and (row is None or row.capacity_k is None)
    ):
        raise Refused("sim_not_in_stock", iccid=shown)
    if len(found) > 1 or (imsi is not None and any(each.imsi != imsi for each in found)):
        raise Refused("sim_mismatch", iccid=shown)
    step = machine("sim").walk
    if row is None:
        if found:
            raise Refused("sim_mismatch", iccid=shown)
        state = step(None, "in_stock", "reserved")
        journal.insert(m.SimCard, iccid=iccid, imsi=imsi, state=state, until=until, changed_at=at)
        return
    if row.state == "in_use":
        raise Refused("sim_in_use", iccid=shown)
    if row.state not in ("in_stock", "reserved"):
        raise Refused("sim_unavailable", iccid=shown, state=row.state)
    if row.state == "reserved" and (row.until is None or at < row.until):
        raise Refused("sim_unavailable", iccid=shown, state=row.state)
    cards.refuse_spent(journal.connection, iccid, at)
    _end_dead(journal, at, iccid=iccid)
    free = row.state if row.state == "in_stock" else step(row.state, "in_stock")
    journal.update(
        m.SimCard,
        iccid,
        state=step(free, "reserved"),
        until=until,
        changed_at=max(at, row.changed_at),
    )


def _hold_handset(journal: Journal, imei: str, at: datetime, until: datetime) -> None:
    row, shown = handset(journal.connection, imei), mask_number(imei)
    if row.state == "reserved" and row.until is not None and at < row.until:
        raise Refused("handset_reserved", imei=shown, until=row.until)
    if row.state not in ("available", "reserved"):
        raise Refused("handset_unavailable", imei=shown, state=row.usage or row.state)
    _end_dead(journal, at, imei=imei)
    step = machine("handset").walk
    free = row.state if row.state == "available" else step(row.state, "available")
    journal.update(
        Handset,
        imei,
        state=step(free, "reserved"),
        until=until,
        changed_at=max(at, row.changed_at),
    )


def handset(connection: Connection, imei: str) -> Found:
    """State, usage, until, model and `changed_at` of a handset, or handset_not_in_stock."""
    h = Handset
    row: Found | None = connection.execute(
        select(h.state, h.usage, h.until, h.model, h.changed_at).where(h.imei == imei)
    ).one_or_none()
    if row is None:
        raise Refused("handset_not_in_stock", imei=mask_number(imei))
    return row


def _give_back(journal: Journal, held: Found, at: datetime) -> None:
    tables: list[tuple[Any, str | None, Any, str]] = [
        (m.Msisdn, held.number, m.Msisdn.number, "available"),
        (m.SimCard, held.iccid, m.SimCard.iccid, "in_stock"),
        (Handset, held.imei, Handset.imei, "available"),
    ]
    for model, key, name, free in tables:
        if key is None:
            continue
        row = journal.connection.execute(
            select(model.state, model.changed_at).where(name == key)
        ).one()
        # What an order took in the meantime is not ours any more.
        if row.state == "reserved":
            changed_at = max(at, row.changed_at)
            journal.update(model, key, state=free, until=None, changed_at=changed_at)


def _end_dead(journal: Journal, at: datetime, **resource: str) -> None:
    """End the reservation of a resource whose time ran out before anybody noted it.

    What else it held is free by the clock, and not locked by us: it is left alone.
    """
    [(name, key)] = resource.items()
    dead = journal.connection.execute(
        select(_R.reservation_id).where(getattr(_R, name) == key, _R.state == "inProgress")
    ).scalar_one_or_none()
    if dead is not None:
        _end(journal, dead, "cancelled", at, "expired")


def _end(journal: Journal, key: int, state: str, at: datetime, reason: str | None) -> None:
    reached = machine("reservation").walk("inProgress", state)
    journal.update(_R, key, state=reached, reason=reason, ended_at=at)


def _read(connection: Connection, reservation_id: int) -> Found:
    found: Found | None = connection.execute(
        select(_R.reservation_id, _R.number, _R.iccid, _R.imei, _R.state).where(
            _R.reservation_id == reservation_id
        )
    ).one_or_none()
    if found is None:
        raise Refused("unknown_reservation", reservation=reservation_id)
    return found


def _lock(
    connection: Connection,
    number: str | None,
    iccid: str | None,
    imsi: str | None,
    imei: str | None,
) -> None:
    # The keys the orders themselves lock (`working_set.Named.resources`), and the IMEI.
    named = (("numbers", number), ("iccids", iccid), ("imsis", imsi), ("imeis", imei))
    lock(connection, "resources", [f"{kind}:{key}" for kind, key in named if key is not None])
