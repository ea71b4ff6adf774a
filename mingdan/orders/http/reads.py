"""What the service reads beside the desk: whose an order is, its content, lists.

Here: reading only. Not here: the answers' form (`answers.py`) and who may ask
(`product_orders.py`). What identifies a person leaves this module masked unless
it is asked for in clear.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select, union

from mingdan.identifiers import mask_document, mask_name, mask_number
from mingdan.orders import checks
from mingdan.orders import model as m
from mingdan.orders.access import rules
from mingdan.orders.access.actor import Actor
from mingdan.orders.http.answers import Characteristic, Item, Party
from mingdan.orders.lifecycle import views
from mingdan.orders.lifecycle.model import Archive, StagedOrder
from mingdan.orders.lifecycle.views import OrderView
from mingdan.orders.refusals import Refused

_MASKS: dict[str, Callable[[str], str]] = {
    "msisdn": mask_number,
    "imsi": mask_number,
    "iccid": mask_number,
    "imei": mask_number,
    "old_imei": mask_number,
    "productSerialNumber": mask_number,
    "card_no": mask_number,
    "voucher": mask_number,
}
_NOT_SHOWN = frozenset(
    {"order_ref", "at", "recorded_at", "channel", "party", "relatedParty", "values"}
)


@dataclass(frozen=True)
class Content:
    """What an order asked for and of whom; `subjects` for the access log."""

    parties: list[Party]
    items: list[Item]
    subjects: tuple[str, ...]


def order(connection: Connection, actor: Actor, order_ref: str) -> OrderView:
    """An order this caller may see: a partner its own, our own people every one.

    Raises Refused: unknown_order, also for another's.
    """
    owner, _, name = order_ref.partition(":")
    if actor.role == rules.PARTNER_ROLE and (
        not name or owner not in rules.same_owner(connection, actor.interface_no)
    ):
        raise Refused("unknown_order", order_ref=order_ref)
    return views.view(views.known(connection, order_ref))


def orders(
    connection: Connection, actor: Actor, *, state: str | None, offset: int, limit: int
) -> list[OrderView]:
    """The orders of the caller's interface numbers, the newest first."""
    numbers = rules.same_owner(connection, actor.interface_no)
    o = m.ProductOrder
    own = union(
        *(
            select(table.order_id).where(table.interface_no.in_(numbers))
            for table in (StagedOrder, Archive)
        )
    ).subquery()
    chosen = select(o.order_ref).join(own, own.c.order_id == o.order_id)
    if state is not None:
        chosen = chosen.where(o.state == state)
    refs = connection.execute(chosen.order_by(o.order_id.desc()).offset(offset).limit(limit))
    return [views.view(views.known(connection, ref)) for ref in refs.scalars().all()]


def opened_by(connection: Connection, actor: Actor, subscription_ref: str) -> bool:
    """Whether a subscription was opened through an interface of the caller's owner."""
    ref = checks.words("product.id", subscription_ref)
    opened = _opened(connection, actor).where(m.Subscription.subscription_ref == ref)
    return connection.execute(opened).first() is not None


def opened_for(connection: Connection, actor: Actor, party_ref: str) -> bool:
    """Whether a customer holds a subscription that was opened so."""
    h, p = m.SubscriptionHolding, m.Party
    opened = (
        _opened(connection, actor)
        .join(h, h.subscription_id == m.Subscription.subscription_id)
        .join(p, p.party_id == h.party_id)
        .where(
            p.party_ref == checks.words("relatedParty.id", party_ref),
            h.superseded_at.is_(None),
            h.valid_to.is_(None),
        )
    )
    return connection.execute(opened).first() is not None


def _opened(connection: Connection, actor: Actor) -> Select[Any]:
    """Subscriptions opened through an interface of the caller's owner."""
    numbers = rules.same_owner(connection, actor.interface_no)
    o, x, a = m.ProductOrder, m.Subscription, Archive
    return (
        select(x.subscription_id)
        .join(o, o.subscription_id == x.subscription_id)
        .join(a, a.order_id == o.order_id)
        .where(o.order_type == "OPEN", a.interface_no.in_(numbers))
    )


def content(connection: Connection, view: OrderView, *, clear: bool) -> Content:
    """What an order asked for: as entered while it is open, as done once it is completed."""
    s, o = StagedOrder, m.ProductOrder
    row = connection.execute(
        select(o.order_id, o.party_id, s.request, s.closed_at)
        .outerjoin(s, s.order_id == o.order_id)
        .where(o.order_ref == view.order_ref)
    ).one()
    subjects = [f"order:{row.order_id}"]
    if row.party_id is not None:
        subjects.append(f"party:{row.party_id}")
    if row.request and row.closed_at is None:
        entered = row.request.get("party")
        parties = [_party(entered, clear=clear)] if entered else []
        items = [_item("1", "asked", row.request, clear=clear)]
    else:
        parties = _parties(connection, row.party_id, clear=clear)
        items = _items(connection, row.order_id, clear=clear)
    return Content(parties, items, tuple(subjects))


def _parties(connection: Connection, party_id: int | None, *, clear: bool) -> list[Party]:
    p = m.Party
    rows = connection.execute(
        select(p.name, p.document_type, p.document_number).where(p.party_id == party_id)
    )
    return [_party(row._mapping, clear=clear) for row in rows]


def _party(values: Any, *, clear: bool) -> Party:
    name, number = values["name"], values["document_number"]
    return Party(
        name=name if clear else mask_name(name),
        identification_type=values["document_type"],
        identification_id=number if clear else mask_document(number),
    )


def _items(connection: Connection, order_id: int, *, clear: bool) -> list[Item]:
    i = m.ProductOrderItem
    rows = connection.execute(
        select(i.item_no, i.action, i.characteristic)
        .where(i.order_id == order_id)
        .order_by(i.item_no)
    )
    return [_item(str(r.item_no), r.action, r.characteristic, clear=clear) for r in rows]


def _item(number: str, action: str, values: dict[str, Any], *, clear: bool) -> Item:
    shown = [
        Characteristic(name=name, value=value if clear else _masked(name, value))
        for name, value in values.items()
        if name not in _NOT_SHOWN and value is not None
    ]
    return Item(id=number, action=action, product_characteristic=shown)


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_masked(name, each) for each in value]
    mask = _MASKS.get(name)
    return mask(str(value)) if mask is not None and value is not None else value
