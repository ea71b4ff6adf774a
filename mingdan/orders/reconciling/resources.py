"""Resources against who holds them: numbers, SIMs, reservations, cards, handsets.

Here: one check a function, each one statement over whole tables. Not here: what
a mismatch means (`reference/reconciliation.csv`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, String, and_, cast, or_, select

from mingdan.orders import model as m
from mingdan.orders.reconciling.found import Check, Found
from mingdan.orders.states import machine
from mingdan.orders.stock.model import Handset, HandsetHolding, PrepaidCard, ResourceReservation
from mingdan.orders.working_set import imsi_text

_ENDED = sorted(machine("order").final)


def numbers(connection: Connection, _at: datetime) -> Iterator[Found]:
    """Numbers in service that nobody holds, and numbers held that are not in service."""
    n, h = m.Msisdn, m.NumberHolding
    # The cast stands on the side that is read in full, so that the other is found by its index.
    same = and_(h.key == cast(n.number, BigInteger), *_now("msisdn"))
    for number, holder in connection.execute(
        select(n.number, n.subscription_id)
        .outerjoin(h, same)
        .where(n.state == "in_service", h.holding_id.is_(None))
        .order_by(n.number)
    ):
        yield Found(
            code="number_without_holder", subject_kind="msisdn", subject_key=number,
            subscription_id=holder, expected="a holder", found="none",
        )  # fmt: skip
    for key, holder, state, other in connection.execute(
        select(h.key, h.subscription_id, n.state, n.subscription_id)
        .outerjoin(n, cast(h.key, String) == n.number)
        .where(*_now("msisdn"), _another(n, h, "in_service"))
        .order_by(h.key)
    ):
        yield _held("held_number_not_in_service", "msisdn", str(key), holder, state, other)


def sims(connection: Connection, _at: datetime) -> Iterator[Found]:
    """SIMs in use that nobody holds, and SIMs held that are not in use."""
    s, h = m.SimCard, m.NumberHolding
    same = and_(h.key == cast(s.imsi, BigInteger), *_now("imsi"))
    for iccid, holder in connection.execute(
        select(s.iccid, s.subscription_id)
        .outerjoin(h, same)
        .where(s.state == "in_use", h.holding_id.is_(None))
        .order_by(s.iccid)
    ):
        yield Found(
            code="sim_without_holder", subject_kind="iccid", subject_key=iccid,
            subscription_id=holder, expected="a holder", found="none",
        )  # fmt: skip
    for key, holder, iccid, state, other in connection.execute(
        select(h.key, h.subscription_id, s.iccid, s.state, s.subscription_id)
        .outerjoin(s, s.imsi == cast(h.key, String))
        .where(*_now("imsi"), _another(s, h, "in_use"))
        .order_by(h.key)
    ):
        card = (iccid, state, other)
        # an IMSI's leading zeros are not in the holding's integer
        if iccid is None and imsi_text(key) != str(key):
            card = _card_of(connection, imsi_text(key))
        if card[1:] != ("in_use", holder):
            name = card[0] or imsi_text(key)
            yield _held("held_sim_not_in_use", "iccid", name, holder, card[1], card[2])


def reservations(connection: Connection, at: datetime) -> Iterator[Found]:
    """Reservations of ended orders, and resources reserved without or against one."""
    r, o, n, s = ResourceReservation, m.ProductOrder, m.Msisdn, m.SimCard
    live = and_(r.state == "inProgress", r.until > at)
    for reservation_id, ref, state in connection.execute(
        select(r.reservation_id, o.order_ref, o.state)
        .join(o, o.order_id == r.order_id)
        .where(live, o.state.in_(_ENDED))
        .order_by(r.reservation_id)
    ):
        yield Found(
            code="reservation_of_ended_order", subject_kind="reservation",
            subject_key=str(reservation_id),
            expected="released", found=f"held by order {ref}, {state}",
        )  # fmt: skip
    for kind, table, name, link in (
        ("msisdn", n, n.number, r.number),
        ("iccid", s, s.iccid, r.iccid),
    ):
        reserved = and_(table.state == "reserved", table.until > at)
        for (key,) in connection.execute(
            select(name)
            .outerjoin(r, and_(link == name, live))
            .where(reserved, r.reservation_id.is_(None))
            .order_by(name)
        ):
            yield Found(
                code="reserved_without_reservation", subject_kind=kind, subject_key=key,
                expected="a reservation", found="none",
            )  # fmt: skip
        for key, state in connection.execute(
            select(name, table.state)
            .join(r, link == name)
            .where(live, table.state != "reserved")
            .order_by(name)
        ):
            yield Found(
                code="reservation_not_reserved", subject_kind=kind, subject_key=key,
                expected="reserved", found=state,
            )  # fmt: skip


def cards_and_handsets(connection: Connection, at: datetime) -> Iterator[Found]:
    """Prepaid cards in use on SIMs that are not, and handsets sold that are for sale."""
    c, s, d, h = PrepaidCard, m.SimCard, Handset, HandsetHolding
    for card, state in connection.execute(
        select(c.card_no, s.state)
        .join(s, s.iccid == c.iccid)
        .where(
            c.state == "active", or_(c.expires_at.is_(None), c.expires_at > at), s.state != "in_use"
        )
        .order_by(c.card_no)
    ):
        yield Found(
            code="prepaid_card_differs", subject_kind="prepaid_card", subject_key=card,
            expected="a SIM in use", found=state,
        )  # fmt: skip
    for imei, holder, state in connection.execute(
        select(d.imei, h.subscription_id, d.state)
        .join(h, h.imei == d.imei)
        .where(h.valid_to.is_(None), d.state.in_(("available", "reserved")))
        .order_by(d.imei)
    ):
        yield Found(
            code="handset_differs", subject_kind="imei", subject_key=imei,
            subscription_id=holder, expected="unavailable", found=state,
        )  # fmt: skip


CHECKS: tuple[Check, ...] = (numbers, sims, reservations, cards_and_handsets)


def _card_of(connection: Connection, imsi: str) -> tuple[Any, Any, Any]:
    s = m.SimCard
    row = connection.execute(
        select(s.iccid, s.state, s.subscription_id).where(s.imsi == imsi)
    ).one_or_none()
    return (None, None, None) if row is None else (row[0], row[1], row[2])


def _now(kind: str) -> tuple[Any, ...]:
    h = m.NumberHolding
    return h.key_kind == kind, h.superseded_at.is_(None), h.valid_to.is_(None)


def _another(resource: Any, holding: Any, state: str) -> Any:
    return or_(
        resource.state.is_(None),
        resource.state != state,
        resource.subscription_id.is_(None),
        resource.subscription_id != holding.subscription_id,
    )


def _held(
    code: str, kind: str, key: str, holder: int, state: str | None, other: int | None
) -> Found:
    held = "in_service" if kind == "msisdn" else "in_use"
    there = "not in stock" if state is None else f"{state}, subscription {other or 'none'}"
    return Found(
        code=code, subject_kind=kind, subject_key=key, subscription_id=holder,
        expected=f"{held}, subscription {holder}", found=there,
    )  # fmt: skip
