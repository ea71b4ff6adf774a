"""Sales over the counter (售卡) at completion: what was sold, and its money.

Here: the effects of `SellCard` and `SellVouchers`, once they are paid, and taking
a sale back. Not here: their checks (`businesses/cards.py`).
"""

from __future__ import annotations

from sqlalchemy import select

from mingdan.orders import commands as c
from mingdan.orders import model as m
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle.attempts import Attempt
from mingdan.orders.lifecycle.views import Record
from mingdan.orders.money import reversals, tills, voucher_sales
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


def take_back(journal: Journal, record: Record) -> None:
    """What a sale handed over comes back unused, and its price the way it was paid.

    A prepaid card is in stock again, vouchers are void. Raises Refused:
    card_unavailable (in use), voucher_state (redeemed).
    """
    receipts = tills.of_order(journal.connection, record.order_id)
    if record.order_type == "VOUCHER_SALE":
        for receipt in receipts:
            voucher_sales.void_sold(journal, receipt.receipt_no)
        return
    i = m.ProductOrderItem
    done = journal.connection.execute(
        select(i.characteristic).where(i.order_id == record.order_id)
    ).scalar_one()
    cards.take_back(journal, done["card_no"], at=journal.at)
    fen = sum(receipt.amount_fen for receipt in receipts)
    reversals.out_of_revenue(journal, record.order_id, fen)
