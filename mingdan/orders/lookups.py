"""Looking up one subscription for a person: by number, reference or key, masked.

Here: what `mingdan order show` shows. Not here: bulk reading (`reading.py`).
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from mingdan.calendar import BUSINESS_ZONE
from mingdan.errors import InputRefused
from mingdan.identifiers import (
    digits,
    mask_document,
    mask_name,
    mask_number,
    mask_typed,
    parse_msisdn,
)
from mingdan.orders import model as m
from mingdan.orders.money.balances import arrears
from mingdan.orders.offers.reading import features_of, offerings_of
from mingdan.orders.refusals import Refused


class NoSuchSubscription(InputRefused):
    """Nothing is on record under the number, reference or key; `refused` says so by code."""

    def __init__(self, name: str) -> None:
        self.refused = Refused("no_such_subscription", name=mask_typed(name))
        said = self.refused
        super().__init__(f"{said.reason} ({said.code}; {said.reason_zh})")


def subscription_keys(connection: Connection, name: str) -> list[int]:
    """See `OrderStore.subscription_keys`."""
    h, number = m.NumberHolding, _number(name)
    found: list[int] = []
    if number is not None:
        rows = connection.execute(
            select(h.subscription_id)
            .where(h.key_kind == "msisdn", h.key == number, h.superseded_at.is_(None))
            .order_by(h.valid_from.desc(), h.subscription_id)
        ).scalars()
        found = list(dict.fromkeys(rows))
    return found or [subscription_key(connection, name)]


def numbers_ever(connection: Connection, subscription_id: int) -> list[int]:
    """See `OrderStore.numbers_ever`."""
    h = m.NumberHolding
    rows = connection.execute(
        select(h.key)
        .where(h.key_kind == "msisdn", h.subscription_id == subscription_id)
        .order_by(h.valid_from, h.recorded_at, h.key)
    ).scalars()
    return list(dict.fromkeys(rows))


def _number(name: str) -> int | None:
    """A number as typed; None where it cannot be one."""
    number = digits(name)
    with suppress(ValueError):
        number = parse_msisdn(name)
    plain = number.isascii() and number.isdigit() and len(number) <= 18
    return int(number) if plain else None


def subscription_key(connection: Connection, name: str) -> int:
    """See `OrderStore.subscription_key`."""
    number = _number(name)
    h, s = m.NumberHolding, m.Subscription
    found = None
    if number is not None:
        found = connection.execute(
            select(h.subscription_id).where(
                h.key_kind == "msisdn",
                h.key == number,
                h.superseded_at.is_(None),
                h.valid_to.is_(None),
            )
        ).scalar()
    if found is None:
        found = connection.execute(
            select(s.subscription_id).where(s.subscription_ref == name)
        ).scalar()
    if found is None and number is not None:
        found = connection.execute(
            select(s.subscription_id).where(s.subscription_id == number)
        ).scalar()
    if found is None:
        raise NoSuchSubscription(name)
    return found


def subscription_ref(connection: Connection, name: str) -> str:
    """See `OrderStore.subscription_ref`."""
    s = m.Subscription
    key = subscription_key(connection, name)
    return connection.execute(
        select(s.subscription_ref).where(s.subscription_id == key)
    ).scalar_one()


def show(connection: Connection, subscription_id: int, now: datetime) -> dict[str, Any]:
    """See `OrderStore.show`. Instants are local text; raises InputRefused if unknown."""
    s, p, party = m.Subscription, m.Product, m.Party
    h, o, b, po = m.NumberHolding, m.SubscriptionHolding, m.SubscriptionBlock, m.ProductOrder
    row = connection.execute(
        select(s.subscription_ref, s.activated_at, s.terminated_at,
               p.offering_code, p.status)
        .join(p, p.subscription_id == s.subscription_id)
        .where(s.subscription_id == subscription_id)
    ).one_or_none()  # fmt: skip
    if row is None:
        raise InputRefused(f"no subscription {subscription_id}")

    # What it opened with is in `product`; what it has by now, among the offers.
    offerings = offerings_of(connection, subscription_id, at=now, known_at=now)
    current = offerings[0].code if offerings else row.offering_code
    to_come = [each for each in offerings if each.since > now]
    held = features_of(connection, subscription_id, at=now, known_at=now)

    def believed(table: Any, *columns: Any) -> Any:
        return connection.execute(
            select(*columns, table.valid_from, table.valid_to)
            .where(table.subscription_id == subscription_id, table.superseded_at.is_(None))
            .order_by(table.valid_from, *columns)
        )

    holders = connection.execute(
        select(party.party_id, party.name, party.document_type, party.document_number,
               o.valid_from, o.valid_to)
        .join(party, party.party_id == o.party_id)
        .where(o.subscription_id == subscription_id, o.superseded_at.is_(None))
        .order_by(o.valid_from)
    )  # fmt: skip
    orders = connection.execute(
        select(po.order_ref, po.order_type, po.state, po.channel, po.completion_date,
               po.recorded_at)
        .where(po.subscription_id == subscription_id)
        .order_by(po.completion_date, po.order_id)
    )  # fmt: skip
    return {
        "subscription_id": subscription_id,
        "subscription_ref": row.subscription_ref,
        "product": current,
        "product_to_come": [{"product": each.code, "from": local(each.since)} for each in to_come],
        "features": [each.code for each in held],
        "status": row.status,
        "activated_at": local(row.activated_at),
        "terminated_at": local(row.terminated_at),
        "arrears_fen": arrears(connection, subscription_id, now),
        "numbers": [
            {"kind": r.key_kind, "number": mask_number(str(r.key)), **_interval(r)}
            for r in believed(h, h.key_kind, h.key)
        ],
        "holders": [
            {
                "party_id": r.party_id,
                "name": mask_name(r.name),
                "document": f"{r.document_type} {mask_document(r.document_number)}",
                **_interval(r),
            }
            for r in holders
        ],
        "blocks": [
            {"reason": r.reason, "direction": r.direction, **_interval(r)}
            for r in believed(b, b.reason, b.direction)
        ],
        "orders": [
            {
                "order_ref": r.order_ref,
                "order_type": r.order_type,
                "state": r.state,
                "channel": r.channel,
                "at": local(r.completion_date),
                "recorded_at": local(r.recorded_at),
            }
            for r in orders
        ],
    }


def local(instant: datetime | None) -> str | None:
    """An instant for people: Asia/Shanghai, to the second."""
    return None if instant is None else instant.astimezone(BUSINESS_ZONE).isoformat(" ", "seconds")


def _interval(row: Any) -> dict[str, str | None]:
    return {"from": local(row.valid_from), "to": local(row.valid_to)}
