"""Handsets at the counter: what one costs a subscription, and which it has.

Here: reading for people. Not here: 购买 and 换机身, which are orders (`BuyDevice`,
`SwapDevice`) like all others, and handsets in stock (`imports.py`, `states.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from mingdan.orders import checks
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import allow
from mingdan.orders.offers.prices import Charge, of_model, quote
from mingdan.orders.stock import buyers, numbering, reservations
from mingdan.orders.store import OrderStore


class HandsetDesk:
    """Handsets of one open store. All calls raise Refused with the gate's codes."""

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
            quoted = quote(
                connection, product_code=buyer.product_code, order_type=order_type, at=at
            )
            return of_model(quoted, model)

    def held_by(self, subscription_ref: str, *, actor: Actor, at: datetime) -> list[dict[str, Any]]:
        """Handsets a subscription has or had, oldest first, masked."""
        at = checks.instant("at", at)
        with self._database.reading() as connection:
            allow(connection, actor=actor, business="INQUIRY", at=at)
            return buyers.handsets(connection, subscription_ref)
