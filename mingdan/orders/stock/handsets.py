"""Handsets: 购买 (buy) and 换机身 (swap), each an order of its own (TMF622).

Here: the two requests, their checks and effects, in one transaction each. Not
here: handsets in stock (`imports.py`, `states.py`), their prices (`offers`) and
the till (`money`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal

from sqlalchemy import Connection, select

from mingdan.identifiers import mask_number
from mingdan.orders import checks
from mingdan.orders import model as m
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import allow
from mingdan.orders.batch import ORDER_PATH
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle.progress import log
from mingdan.orders.money import tills
from mingdan.orders.offers.prices import Charge, quote
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.stock import buyers, numbering, reservations
from mingdan.orders.stock.buyers import Buyer
from mingdan.orders.stock.model import Handset, HandsetHolding
from mingdan.orders.store import OrderStore
from mingdan.reference import load


@dataclass(frozen=True, kw_only=True)
class BuyHandset:
    """购买: a handset out of stock, to a subscription in service.

    `amount_fen` is what the customer paid; it must be what is due. `order_ref`
    makes it idempotent. `reservation_id`: it was held for this customer.
    """

    order_ref: str
    subscription_ref: str
    imei: str
    amount_fen: int
    method: str = "cash"
    channel: str = "counter"
    reservation_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class SwapHandset(BuyHandset):
    """换机身: another handset for one the subscription has; the old one is handed back."""

    old_imei: str
    old_is: Literal["returned", "damaged"] = "returned"


@dataclass(frozen=True)
class HandsetOrder:
    """A completed order of a handset, numbers masked; amounts in fen."""

    order_id: int
    order_ref: str
    order_type: str
    subscription_ref: str
    imei: str
    model: str
    charges: tuple[Charge, ...]
    due_fen: int
    receipt: str | None
    repeated: bool


class HandsetDesk:
    """The sale of handsets of one open store.

    Every call is one transaction at `at` (aware; the caller's clock) by `actor`;
    a refusal raises `Refused` and changes nothing. All raise Busy if another
    writer holds the store, and Refused with the gate's codes.
    """

    def __init__(self, store: OrderStore) -> None:
        self._database = store.database

    def price(
        self, subscription_ref: str, imei: str, *, swap: bool = False, actor: Actor, at: datetime
    ) -> tuple[Charge, ...]:
        """What buying (or swapping to) this handset costs this subscription at `at`.

        Refuses unknown_subscription, handset_not_in_stock, no_price.
        """
        at, order_type = checks.instant("at", at), "SWAP_DEVICE" if swap else "BUY_DEVICE"
        with self._database.reading() as connection:
            allow(connection, actor=actor, business=order_type, at=at)
            buyer = buyers.buyer(connection, subscription_ref, at)
            model = reservations.handset(connection, numbering.card(imei)).model
            return _charges(connection, buyer, order_type, model, at)

    def buy(self, request: BuyHandset, *, actor: Actor, at: datetime) -> HandsetOrder:
        """购买. The same `order_ref` again is answered as before.

        Order: acknowledged, inProgress, completed at once. Handset: available or
        reserved for it → unavailable, held by the subscription from `at` on. The
        money goes into the till and is settled to the subscription's account.

        Refuses unknown_subscription, not_in_service, subscription_terminated,
        handset_not_in_stock, handset_unavailable, handset_reserved, no_price,
        amount_not_due, order_ref_reused, invalid_value.
        """
        return self._sell("BUY_DEVICE", request, actor, at)

    def swap(self, request: SwapHandset, *, actor: Actor, at: datetime) -> HandsetOrder:
        """换机身. Like `buy`; the old handset comes back as `old_is`.

        Refuses also handset_not_held.
        """
        checks.one_of("old_is", request.old_is, frozenset({"returned", "damaged"}))
        return self._sell("SWAP_DEVICE", request, actor, at)

    def held_by(self, subscription_ref: str, *, actor: Actor, at: datetime) -> list[dict[str, Any]]:
        """Handsets a subscription has or had, oldest first, masked."""
        at = checks.instant("at", at)
        with self._database.reading() as connection:
            allow(connection, actor=actor, business="INQUIRY", at=at)
            return buyers.handsets(connection, subscription_ref)

    def _sell(
        self, order_type: str, request: BuyHandset, actor: Actor, at: datetime
    ) -> HandsetOrder:
        at, ref = checks.instant("at", at), checks.words("order_ref", request.order_ref)
        imei = numbering.card(request.imei)
        old = numbering.card(request.old_imei) if isinstance(request, SwapHandset) else None
        with self._writing(request, imei, old) as connection:
            allow(connection, actor=actor, business=order_type, at=at)
            again = _before(connection, ref, order_type, _digest(request))
            if again is not None:
                return again
            buyer = buyers.buyer(connection, request.subscription_ref, at)
            at = max(at, buyer.changed_at)
            journal = Journal(connection, at, str(actor))
            row = _free(connection, imei, request.reservation_id, at)
            if old is not None:
                buyers.take_back(journal, buyer, old, _old_is(request), at)
            charges = _charges(connection, buyer, order_type, row.model, at)
            order_id = _order(journal, order_type, request, buyer, imei, old, charges)
            receipt = _pay(journal, request, buyer, order_id, charges, at)
            _hand_over(journal, imei, row, request.reservation_id, buyer, order_id, at)
            return HandsetOrder(
                order_id, ref, order_type, buyer.ref, mask_number(imei), row.model, charges,
                sum(charge.amount_fen for charge in charges), receipt, repeated=False,
            )  # fmt: skip

    @contextmanager
    def _writing(self, request: BuyHandset, imei: str, old: str | None) -> Iterator[Connection]:
        ref = checks.words("subscription_ref", request.subscription_ref)
        customers = [f"orders:{request.order_ref}", f"subscriptions:{ref}"]
        with self._database.writing() as connection:
            self._database.lock(connection, "customers", customers)
            imeis = [f"imeis:{each}" for each in (imei, old) if each is not None]
            self._database.lock(connection, "resources", imeis)
            yield connection


def _free(connection: Connection, imei: str, reservation_id: int | None, at: datetime) -> Any:
    """The handset, if it may be sold now to whom the reservation is for."""
    row, shown = reservations.handset(connection, imei), mask_number(imei)
    if row.state == "reserved" and row.until is not None and at < row.until:
        if reservations.of_handset(connection, imei) != reservation_id:
            raise Refused("handset_reserved", imei=shown, until=row.until)
    elif row.state not in ("available", "reserved"):
        raise Refused("handset_unavailable", imei=shown, state=row.usage or row.state)
    return row


def _charges(
    connection: Connection, buyer: Buyer, order_type: str, model: str, at: datetime
) -> tuple[Charge, ...]:
    """The handset's own price and the fees of the business; other models' prices left out."""
    quoted = quote(connection, product_code=buyer.product_code, order_type=order_type, at=at)
    models = load.by("handset_model", "code").keys() - {model}
    charges = tuple(charge for charge in quoted if charge.code not in models)
    if not any(charge.code == model for charge in charges):
        raise Refused("no_price", model=model)
    return charges


def _order(
    journal: Journal,
    order_type: str,
    request: BuyHandset,
    buyer: Buyer,
    imei: str,
    old: str | None,
    charges: tuple[Charge, ...],
) -> int:
    order_id: int = journal.insert(
        m.ProductOrder,
        order_ref=request.order_ref,
        order_type=order_type,
        state=machine("order").walk(None, *ORDER_PATH),
        channel=checks.words("channel", request.channel),
        subscription_id=buyer.subscription_id,
        party_id=buyer.party_id,
        order_date=journal.at,
        completion_date=journal.at,
        recorded_at=journal.at,
        request_digest=_digest(request),
    )
    journal.insert(
        m.ProductOrderItem,
        order_id=order_id,
        item_no=1,
        action=load.by("order_type", "code")[order_type]["action"],
        state="completed",
        product_id=buyer.product_id,
        characteristic={
            "productSerialNumber": [old, imei],
            "charges": [asdict(charge) for charge in charges],
        },
    )
    log(journal, order_id, order_type, buyer.subscription_id, buyer.party_id, ORDER_PATH)
    return order_id


def _pay(
    journal: Journal,
    request: BuyHandset,
    buyer: Buyer,
    order_id: int,
    charges: tuple[Charge, ...],
    at: datetime,
) -> str:
    due = sum(charge.amount_fen for charge in charges)
    if checks.amount("amount_fen", request.amount_fen) != due:
        raise Refused("amount_not_due", due_fen=due, amount_fen=request.amount_fen)
    receipt = tills.take_for_order(
        journal,
        order_id=order_id,
        amount_fen=due,
        correlator=request.order_ref,
        method=request.method,
        at=at,
        payer_party_id=buyer.party_id,
    )
    tills.settle_order(journal, order_id=order_id, account_id=buyer.account_id, at=at)
    return receipt


def _hand_over(
    journal: Journal,
    imei: str,
    row: Any,
    reservation_id: int | None,
    buyer: Buyer,
    order_id: int,
    at: datetime,
) -> None:
    journal.update(
        Handset,
        imei,
        state=machine("handset").walk(row.state, "unavailable"),
        usage=None,
        until=None,
        changed_at=max(at, row.changed_at),
    )
    journal.insert(
        HandsetHolding,
        imei=imei,
        subscription_id=buyer.subscription_id,
        order_id=order_id,
        valid_from=at,
        valid_to=None,
    )
    if reservation_id is not None and reservations.of_handset(journal.connection, imei) is not None:
        reservations.complete(journal, reservation_id, at=at)


def _before(connection: Connection, ref: str, order_type: str, digest: str) -> HandsetOrder | None:
    """What this order came to when it was handed in before."""
    o, i, s, h = m.ProductOrder, m.ProductOrderItem, m.Subscription, Handset
    row = connection.execute(
        select(o.order_id, o.order_type, o.request_digest, i.characteristic, s.subscription_ref)
        .join(i, i.order_id == o.order_id, isouter=True)
        .join(s, s.subscription_id == o.subscription_id, isouter=True)
        .where(o.order_ref == ref)
    ).first()
    if row is None:
        return None
    if row.order_type != order_type or row.request_digest != digest:
        raise Refused("order_ref_reused", order_ref=ref)
    imei = row.characteristic["productSerialNumber"][1]
    model = connection.execute(select(h.model).where(h.imei == imei)).scalar_one()
    charges = tuple(Charge(**each) for each in row.characteristic["charges"])
    receipts = tills.of_order(connection, row.order_id)
    return HandsetOrder(
        row.order_id, ref, order_type, row.subscription_ref, mask_number(imei), model, charges,
        sum(charge.amount_fen for charge in charges),
        receipts[0].receipt_no if receipts else None, repeated=True,
    )  # fmt: skip


def _old_is(request: BuyHandset) -> str:
    return request.old_is if isinstance(request, SwapHandset) else "returned"


def _digest(request: BuyHandset) -> str:
    return blake2b(repr(request).encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()
