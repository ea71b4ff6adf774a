"""Sales over the counter (售卡) at completion: what was sold, and its money.

Here: the effects of `SellCard` and `SellVouchers`, once they are paid. Not here:
their checks (`businesses/cards.py`).
"""

from __future__ import annotations

from mingdan.orders import commands as c
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle.attempts import Attempt
from mingdan.orders.money import tills, voucher_sales
from mingdan.orders.stock import cards, numbering


def carry_out(journal: Journal, tried: Attempt) -> None:
    """Hand over what was sold; the money held for the order is settled."""
    order_id, command = tried.work.order_id, tried.command
    if isinstance(command, c.SellCard):
        fen = cards.sell(journal, numbering.card(command.card_no), at=journal.at)
        tills.settle_sale(journal, order_id=order_id, legs=[("revenue", 0, fen)])
    elif isinstance(command, c.SellVouchers):
        receipts = tills.of_order(journal.connection, order_id)
        legs = voucher_sales.sell(journal, command, receipts[-1].receipt_no)
        tills.settle_sale(journal, order_id=order_id, legs=legs)
