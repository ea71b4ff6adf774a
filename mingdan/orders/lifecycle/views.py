"""How an order stands: what its sender and the counter may see of it.

Here: the view and the one query it is made of. Not here: steps (`progress.py`).
A view holds nothing that was entered about a person.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, func, select

from mingdan.orders import model as m
from mingdan.orders.finding import Among, Maker, Query, find_all
from mingdan.orders.lifecycle.model import Archive, StagedOrder
from mingdan.orders.lookups import local
from mingdan.orders.offers.prices import Charge
from mingdan.orders.refusals import Refused

Record = Row[Any]
"""An order's rows side by side: `product_order`, and `staged_order`, `archive` if it has them."""


@dataclass(frozen=True, kw_only=True)
class OrderView:
    """An order as it stands. Amounts are fen, instants UTC.

    `state` is TMF622's, `product_status` TMF637's of the product an opening
    makes. `due_fen` is what completion costs, `paid_fen` what was paid of it,
    `given_back_fen` what was returned of that. From `reserved_until` on an order
    not completed is dead. `repeated`: this call changed nothing, it was done before.
    """

    order_id: int
    order_ref: str
    order_type: str
    state: str
    channel: str
    charges: tuple[Charge, ...]
    due_fen: int
    paid_fen: int
    given_back_fen: int
    receipt: str | None
    reserved_until: datetime | None
    subscription_ref: str | None
    subscription_id: int | None
    party_id: int | None
    product_status: str | None
    reasons: tuple[str, ...]
    placed_at: datetime
    provisioned_at: datetime | None
    completed_at: datetime | None
    closed_at: datetime | None
    repeated: bool = False

    def plain(self) -> dict[str, Any]:
        """As JSON shows it; instants are local text."""
        return {
            name: local(value) if isinstance(value, datetime) else value
            for name, value in asdict(self).items()
        }


def by_ref(connection: Connection, order_ref: str) -> Record | None:
    """The order of this reference, bulk orders too."""
    return _read(connection, m.ProductOrder.order_ref == order_ref)


def by_key(connection: Connection, interface_no: str, key: str) -> Record | None:
    """The order an interface placed under an idempotency key."""
    for rows in find_all(connection, asked_by_key(key), interface_no=interface_no):
        for (order_id,) in rows:
            return by_id(connection, order_id)
    return None


def asked_by_key(key: str | None) -> tuple[tuple[Maker, set[str]], ...]:
    """What must be found (with `interface_no`) for the order of an idempotency key: its `by_id`."""
    keys = set() if key is None else {key}
    return (_staged_under, keys), (_archived_under, keys)


def _staged_under(among: Among) -> Query:
    s = StagedOrder
    ours = s.interface_no == bindparam("interface_no")
    return select(s.order_id).where(ours, among(s.idempotency_key))


def _archived_under(among: Among) -> Query:
    a = Archive
    ours = a.interface_no == bindparam("interface_no")
    return select(a.order_id).where(ours, among(a.idempotency_key))


def by_id(connection: Connection, order_id: int) -> Record | None:
    """The order of this key."""
    return _read(connection, m.ProductOrder.order_id == order_id)


def known(connection: Connection, order_ref: str) -> Record:
    """The order of this reference. Raises Refused (unknown_order)."""
    found = by_ref(connection, order_ref)
    if found is None:
        raise Refused("unknown_order", order_ref=order_ref)
    return found


def on_their_way(
    connection: Connection, *, state: str | None, order_type: str | None, limit: int
) -> list[Record]:
    """Orders accepted and not ended, the longest waiting first."""
    o = m.ProductOrder
    chosen: list[ColumnElement[bool]] = [
        StagedOrder.order_id.is_not(None),
        StagedOrder.closed_at.is_(None),
    ]
    chosen += [] if state is None else [o.state == state]
    chosen += [] if order_type is None else [o.order_type == order_type]
    rows = connection.execute(
        _rows().where(*chosen).order_by(StagedOrder.placed_at, o.order_id).limit(limit)
    )
    return list(rows)


def view(record: Record, *, repeated: bool = False) -> OrderView:
    """The view of an order's rows."""
    charges = tuple(Charge(**each) for each in (record.charges or {}).get("items", ()))
    payments = list((record.payments or {}).values())
    due = record.due_fen or 0
    return OrderView(
        order_id=record.order_id,
        order_ref=record.order_ref,
        order_type=record.order_type,
        state=record.state,
        channel=record.channel,
        charges=charges,
        due_fen=due,
        # An archived order without stage was paid in full at once.
        paid_fen=due if record.paid_fen is None else record.paid_fen,
        given_back_fen=record.given_back_fen or 0,
        receipt=payments[-1]["receipt"] if payments else record.receipt,
        reserved_until=None if record.closed_at else record.until,
        subscription_ref=record.subscription_ref or record.staged_subscription_ref,
        subscription_id=record.subscription_id,
        party_id=record.party_id,
        product_status=record.product_status,
        reasons=tuple(each["reason"] for each in (record.reasons or {}).get("items", ())),
        placed_at=record.order_date,
        provisioned_at=record.provisioned_at,
        completed_at=record.completion_date,
        closed_at=record.closed_at or record.completion_date,
        repeated=repeated,
    )


def _read(connection: Connection, where: ColumnElement[bool]) -> Record | None:
    found: Record | None = connection.execute(_rows().where(where)).one_or_none()
    return found


def _rows() -> Select[*tuple[Any, ...]]:
    o, s, a, x = m.ProductOrder, StagedOrder, Archive, m.Subscription
    return (
        select(
            o.order_id, o.order_ref, o.order_type, o.state, o.channel, o.subscription_id,
            o.party_id, o.order_date, o.completion_date, o.request_digest,
            x.subscription_ref,
            s.subscription_ref.label("staged_subscription_ref"),
            s.command, s.request, s.interface_no, s.accepted_by, s.idempotency_key, s.placed_at,
            s.until, s.closed_at, s.paid_fen, s.given_back_fen, s.payments, s.provisioned_at,
            s.product_status, s.resting_state, s.reasons,
            s.order_id.label("staged_order_id"),
            a.order_id.label("archived_order_id"),
            a.receipt, a.reversed_by,
            _either(s.charges, a.charges).label("charges"),
            _either(s.due_fen, a.due_fen).label("due_fen"),
        )
        .outerjoin(s, s.order_id == o.order_id)
        .outerjoin(a, a.order_id == o.order_id)
        .outerjoin(x, x.subscription_id == o.subscription_id)
    )  # fmt: skip


def _either(staged: Any, archived: Any) -> Any:
    return func.coalesce(staged, archived, type_=staged.type)
