"""What is on record of one resource, and every change of it, masked for people's eyes.

Here: reading a number, SIM, card or handset, its history from the journal and
from the orders that held it, and how many there are. Not here: changing them.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, case, func, select

from mingdan.identifiers import mask_number
from mingdan.orders import model as m
from mingdan.orders.journal_model import EntityEvent
from mingdan.orders.lookups import local
from mingdan.orders.refusals import Refused
from mingdan.orders.stock import numbering, segments
from mingdan.orders.stock.model import (
    Handset,
    HandsetHolding,
    NumberSegment,
    PrepaidCard,
    ResourceReservation,
)

KINDS: dict[str, tuple[Any, Any, str]] = {
    "number": (m.Msisdn, m.Msisdn.number, "msisdn"),
    "sim": (m.SimCard, m.SimCard.iccid, "sim"),
    "prepaid_card": (PrepaidCard, PrepaidCard.card_no, "prepaid_card"),
    "handset": (Handset, Handset.imei, "handset"),
}
"""Kind -> its table, key and state machine."""
CARD = "card"
"""A SIM or a prepaid card, whichever it is (`kind_of`)."""
_UNKNOWN = {
    "number": ("number_not_in_stock", "number"),
    "sim": ("sim_not_in_stock", "iccid"),
    "prepaid_card": ("card_not_in_stock", "card"),
    "handset": ("handset_not_in_stock", "imei"),
}
_FREE = {"msisdn": "available", "sim": "in_stock", "handset": "available"}
_MASKED = frozenset({"number", "iccid", "imsi", "imei", "card_no"})


def effective(entity: str, state: str, until: datetime | None, at: datetime) -> str:
    """The state by the clock: a rest or reservation that has run out is over."""
    if state in ("reserved", "aging") and until is not None and at >= until:
        return _FREE[entity]
    return state


def refuse_unknown(kind: str, key: str) -> Refused:
    """The refusal of a resource nobody knows."""
    code, name = _UNKNOWN[kind]
    return Refused(code, **{name: mask_number(key)})


def kind_of(connection: Connection, kind: str, key: str) -> str:
    """The kind itself; of a `CARD` what stock knows by this name, or else what it looks like."""
    if kind != CARD:
        return kind
    for each in ("sim", "prepaid_card"):
        _, column, _ = KINDS[each]
        if connection.execute(select(column).where(column == key)).first() is not None:
            return each
    return "sim" if key.startswith("89") else "prepaid_card"


def show(connection: Connection, kind: str, key: str, at: datetime) -> dict[str, Any]:
    """One resource as it stands at `at`. Refuses one nobody knows."""
    model, column, entity = KINDS[kind]
    row = connection.execute(select(model.__table__).where(column == key)).mappings().one_or_none()
    if row is None:
        raise refuse_unknown(kind, key)
    state = effective(entity, row["state"], row.get("until"), at)
    expires_at = row.get("expires_at")
    if state == "active" and expires_at is not None and at >= expires_at:
        state = "expired"
    shown = {name: _shown(name, value) for name, value in row.items()} | {"state": state}
    if state != row["state"]:
        shown["until"] = None
    if kind == "number":
        shown["segment"] = _segment(connection, key)
    held = _live(connection, kind, key, at)
    if held is not None:
        shown["reservation_id"] = held
    if kind == "handset":
        h = HandsetHolding
        shown["subscription_id"] = connection.execute(
            select(h.subscription_id).where(h.imei == key, h.valid_to.is_(None))
        ).scalar_one_or_none()
    return shown


def reservation(connection: Connection, key: int, at: datetime) -> dict[str, Any]:
    """One reservation, masked; `live` says whether it holds anything at `at`.

    Refuses unknown_reservation.
    """
    table = ResourceReservation.__table__
    row = (
        connection.execute(select(table).where(ResourceReservation.reservation_id == key))
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise Refused("unknown_reservation", reservation=key)
    shown = {name: _shown(name, value) for name, value in row.items()}
    return shown | {"live": row["state"] == "inProgress" and at < row["until"]}


def history(connection: Connection, kind: str, key: str) -> list[dict[str, Any]]:
    """Changes by stock (from the journal) and by orders (from the holdings), oldest first."""
    model, _, _ = KINDS[kind]
    e = EntityEvent
    images = connection.execute(
        select(e.event_type, e.image, e.actor, e.recorded_at)
        .where(e.entity == model.__tablename__, e.entity_key == json.dumps([key]))
        .order_by(e.seq)
    )
    found: list[tuple[datetime, dict[str, Any]]] = []
    for row in images:
        entry = {"at": local(row.recorded_at), "event": row.event_type, "by": row.actor}
        entry |= {
            name: _from_image(row.image.get(name))
            for name in ("state", "usage", "until", "expires_at", "group_code")
            if row.image.get(name) is not None
        }
        found.append((row.recorded_at, entry))
    found += _held(connection, kind, key)
    return [entry for _, entry in sorted(found, key=lambda each: each[0])]


def _held(connection: Connection, kind: str, key: str) -> list[tuple[datetime, dict[str, Any]]]:
    """When which subscription took it and gave it up, and by which orders."""
    if kind == "handset":
        return _handset_held(connection, key)
    if kind not in ("number", "sim"):
        return []
    imsi = select(m.SimCard.imsi).where(m.SimCard.iccid == key)
    digits = key if kind == "number" else connection.execute(imsi).scalar_one()
    h, o = m.NumberHolding, m.ProductOrder
    rows = connection.execute(
        select(
            h.subscription_id, h.valid_from, h.valid_to, h.superseded_at, o.order_type, o.order_ref
        )
        .join(o, o.order_id == h.order_id)
        .where(h.key_kind == ("msisdn" if kind == "number" else "imsi"), h.key == int(digits))
        .order_by(h.recorded_at, h.holding_id)
    )
    versions: dict[tuple[int, datetime], list[Any]] = {}
    for row in rows:
        versions.setdefault((row.subscription_id, row.valid_from), []).append(row)
    found = []
    for (subscription_id, valid_from), rows_of in versions.items():
        # The first version was written by the order that took it, the last believed one by
        # the order that ended it; without one, a late order took the holding back.
        believed = next((row for row in rows_of if row.superseded_at is None), None)
        found.append((valid_from, _entry("held", subscription_id, valid_from, rows_of[0])))
        if believed is None or believed.valid_to is not None:
            end = valid_from if believed is None else believed.valid_to
            by = believed or rows_of[-1]
            found.append((end, _entry("given up", subscription_id, end, by)))
    return found


def _handset_held(connection: Connection, imei: str) -> list[tuple[datetime, dict[str, Any]]]:
    d, o = HandsetHolding, m.ProductOrder
    rows = connection.execute(
        select(d.subscription_id, d.valid_from, o.order_type, o.order_ref)
        .join(o, o.order_id == d.order_id)
        .where(d.imei == imei)
    )
    return [
        (row.valid_from, _entry("held", row.subscription_id, row.valid_from, row)) for row in rows
    ]


def _entry(event: str, subscription_id: int, at: datetime, row: Any) -> dict[str, Any]:
    return {
        "at": local(at),
        "event": event,
        "subscription_id": subscription_id,
        "order_type": row.order_type,
        "order_ref": row.order_ref,
    }


def overview(connection: Connection, at: datetime) -> list[dict[str, Any]]:
    """Counts by kind of resource and state at `at`; reads all of stock."""
    found = []
    for kind, (model, _, entity) in KINDS.items():
        state = model.state
        if hasattr(model, "until"):
            over = state.in_(("reserved", "aging")) & (model.until <= at)
            state = case((over, _FREE[entity]), else_=state)
        rows = connection.execute(
            select(state.label("state"), func.count().label("count")).group_by(state)
        )
        found += [{"kind": kind, "state": row.state, "count": row[1]} for row in rows]
    return sorted(found, key=lambda each: (each["kind"], each["state"]))


def _segment(connection: Connection, number: str) -> str | None:
    s = NumberSegment
    prefix = numbering.national(number)[: -segments.TAIL]
    row = connection.execute(select(s.prefix, s.state).where(s.prefix == prefix)).one_or_none()
    return None if row is None else f"{row.prefix} ({row.state})"


def _live(connection: Connection, kind: str, key: str, at: datetime) -> int | None:
    r = ResourceReservation
    column = {"number": r.number, "sim": r.iccid, "handset": r.imei}.get(kind)
    if column is None:
        return None
    return connection.execute(
        select(r.reservation_id).where(column == key, r.state == "inProgress", r.until > at)
    ).scalar_one_or_none()


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return local(value)
    return mask_number(value) if name in _MASKED and value is not None else value


def _from_image(value: Any) -> Any:
    """An instant in an image is ISO text in UTC."""
    if isinstance(value, str) and value[:4].isdigit() and "T" in value:
        return local(datetime.fromisoformat(value).astimezone(UTC))
    return value
