"""What an order costs: the price list's charges of its business and product.

Here: choosing them for one order. Not here: the list itself (`offers/prices.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from mingdan.orders import commands as c
from mingdan.orders.lifecycle.attempts import Attempt
from mingdan.orders.offers.prices import Charge, of_model, quote
from mingdan.orders.stock import numbering


def charges(
    connection: Connection, tried: Attempt, at: datetime, found: Sequence[Sequence[Any]] | None
) -> tuple[Charge, ...]:
    """The charges of an order at `at`; of a business of a party alone, none.

    `found`: as of `prices.quote`.

    Raises Refused: no_price (a handset's model without one), unknown_product.
    """
    code, command = tried.product_code, tried.command
    if isinstance(command, c.SellCard):
        card = tried.batch.on_record.counter.cards[numbering.card(command.card_no)]
        return (Charge("face_value", card.face_value_fen, "prepaid card", "预付费卡"),)
    if isinstance(command, c.SellVouchers):
        fen = command.price_fen * command.quantity
        return (Charge("vouchers", fen, "vouchers", "充值卡"),)
    if code is None:
        return ()
    quoted = quote(connection, product_code=code, order_type=tried.order_type, at=at, found=found)
    if not isinstance(command, c.BuyDevice | c.SwapDevice):
        return quoted
    device = tried.batch.on_record.devices.known[numbering.card(command.imei)]
    return of_model(quoted, device.model)
