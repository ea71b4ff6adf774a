"""售卡: a prepaid card, or vouchers of a batch, over the counter.

Here: what may be sold. Not here: the money and the states they come to
(`lifecycle/counter_sales.py`), redeeming a voucher (`money`). The buyer is nobody
in particular: such an order has neither customer nor subscription.
"""

from __future__ import annotations

from mingdan.identifiers import mask_number
from mingdan.orders import checks
from mingdan.orders.batch import Batch, Work
from mingdan.orders.commands import ReturnCards, SellCard, SellVouchers
from mingdan.orders.refusals import Refused
from mingdan.orders.stock import numbering

MOST_AT_ONCE = 10_000


def sell_card(batch: Batch, work: Work, command: SellCard) -> None:
    """售卡: a prepaid card at its face value.

    Refused if it is not in stock, sold or held by another order, or past its last
    day of sale.
    """
    counter = batch.on_record.counter
    card_no = numbering.card(command.card_no)
    card, shown = counter.cards.get(card_no), mask_number(card_no)
    if card is None:
        raise Refused("card_not_in_stock", card=shown)
    if card.state != "in_stock":
        raise Refused("card_unavailable", card=shown, state=card.state)
    held = {str(each.get("card_no")).upper() for each in counter.others(work.order_id, work.at)}
    if card_no in held:
        raise Refused("card_unavailable", card=shown, state="reserved")
    if work.at >= card.sell_by:
        raise Refused("card_expired", card=shown, at=card.sell_by)
    content = {"card_no": card_no, "faceValue": card.face_value_fen}
    batch.complete(work, "PREPAID_CARD_SALE", subscription=None, party=None, characteristic=content)


def sell_vouchers(batch: Batch, work: Work, command: SellVouchers) -> None:
    """充值卡: vouchers of a batch, at their face value or less.

    Refused if there are not so many left beside those other orders hold, or the
    batch is past its time.
    """
    counter = batch.on_record.counter
    price = checks.amount("price_fen", command.price_fen)
    count = command.quantity
    if type(count) is not int or not 0 < count <= MOST_AT_ONCE:
        raise Refused("invalid_value", field="quantity", problem=f"is not 1 to {MOST_AT_ONCE:,}")
    ref = checks.words("batch_ref", command.batch_ref)
    vouchers = counter.vouchers.get(ref)
    if vouchers is None:
        raise Refused("unknown_voucher_batch", batch_ref=ref)
    if price > vouchers.face_value_fen:
        raise Refused("invalid_value", field="price_fen", problem="is above the face value")
    if work.at >= vouchers.expires_at:
        raise Refused("voucher_expired", serial=ref, at=vouchers.expires_at)
    others = counter.others(work.order_id, work.at)
    left = vouchers.available - sum(
        each["quantity"] for each in others if each.get("batch_ref") == ref
    )
    if left < count:
        raise Refused("voucher_stock", available=max(0, left), batch_ref=ref)
    content = {"batch": ref, "quantity": count, "price": price}
    batch.complete(work, "VOUCHER_SALE", subscription=None, party=None, characteristic=content)


def return_cards(batch: Batch, work: Work, command: ReturnCards) -> None:
    """退卡: what a sale handed over comes back; which may, `counter_sales.py` says."""
    content = {"sale": command.sale_ref}
    batch.complete(work, "RETURN_CARDS", subscription=None, party=None, characteristic=content)
