"""The till: money for an order, held apart until the order is completed or cancelled.

Here: taking, settling, giving back, in the caller's transaction. Not here: what
an order costs (`offers/prices.py`) and its steps (`lifecycle`). The caller holds
the order, so that no two settle it at once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from mingdan.orders import model as m
from mingdan.orders.batch import TillRows
from mingdan.orders.journal import Journal
from mingdan.orders.money import ledger, receipts
from mingdan.orders.money.model import Receipt
from mingdan.orders.money.receipts import Issued
from mingdan.orders.refusals import Refused
from mingdan.reference import load


def take_for_order(
    journal: Journal,
    *,
    order_id: int,
    amount_fen: int,
    correlator: str,
    method: str,
    at: datetime,
    payer_party_id: int | None = None,
    currency: str = receipts.CURRENCY,
) -> str:
    """Take money for an order; returns the receipt's number.

    Idempotent by `correlator`. Raises Refused: invalid_value,
    currency_not_accepted, correlator_reused (for other money), order_money_closed
    (the order's money was settled or given back).
    """
    fen = receipts.money(amount_fen, currency)
    correlator, method = receipts.correlator(correlator), receipts.method(method)
    same = {"purpose": "order", "order_id": order_id, "amount_fen": fen, "method": method}
    for each in _near(journal.connection, order_id, correlator):
        if each.correlator == correlator:
            return receipts.agree(each, **same).receipt_no
        if each.state != "held":
            raise Refused("order_money_closed")
    issued = receipts.issue(
        journal,
        correlator=correlator,
        purpose="order",
        state="held",
        amount_fen=fen,
        method=method,
        at=at,
        order_id=order_id,
        payer_party_id=payer_party_id,
    )
    if issued is None:
        return receipts.agree(receipts.find(journal.connection, correlator), **same).receipt_no
    legs = [("cash", 0, -fen), ("order", order_id, fen)]
    ref = f"take/{issued.receipt_no}"
    ledger.book(journal, ref, "take", legs, at=at, order_id=order_id)
    return issued.receipt_no


def enter_settled(
    rows: TillRows,
    *,
    order_id: int,
    account_id: int,
    amount_fen: int,
    charged_fen: int,
    correlator: str,
    at: datetime,
) -> str:
    """Note what money taken for an order completed at once becomes, to be written with the order.

    With `take_settled` the same as `take_for_order` and `settle_order` of a new
    order, and told by the order's own log. Returns the number that the receipt
    will have. Raises Refused: invalid_value.
    """
    fen = receipts.money(amount_fen, receipts.CURRENCY)
    correlator = receipts.correlator(correlator)
    if not 0 <= charged_fen <= fen:
        raise Refused("invalid_value", field="charged_fen", problem="was not taken for the order")
    rows.payments.append((account_id, order_id, fen, at, at))
    if charged_fen:
        rows.bills.append((account_id, order_id, charged_fen, at, at, at))
    taken = [("cash", 0, -fen), ("order", order_id, fen)]
    receipt_no = receipts.number(correlator, at)
    books = {
        f"take/{receipt_no}": ("take", taken),
        f"settle/{order_id}": ("settle", _settled(order_id, account_id, fen, charged_fen)),
    }
    rows.entries += ledger.entries(books)
    rows.transactions += ledger.transactions(books, order_id=order_id, at=at, recorded_at=at)
    return receipt_no


def take_settled(
    journal: Journal,
    *,
    order_id: int,
    account_id: int,
    amount_fen: int,
    correlator: str,
    method: str,
    at: datetime,
) -> None:
    """Issue the receipt of what `enter_settled` noted: the last thing of its `gathering`.

    Raises Refused: invalid_value, correlator_reused; then nothing may be committed.
    """
    issued = receipts.issue(
        journal,
        correlator=correlator,
        purpose="order",
        state="done",
        amount_fen=amount_fen,
        method=receipts.method(method),
        at=at,
        order_id=order_id,
        account_id=account_id,
        last=True,
    )
    if issued is None:
        raise Refused("correlator_reused", correlator=correlator)


def held(connection: Connection, order_id: int) -> int:
    """Fen taken for an order and neither settled nor given back."""
    return sum(each.amount_fen for each in of_order(connection, order_id) if each.state == "held")


def settle_order(
    journal: Journal,
    *,
    order_id: int,
    account_id: int,
    at: datetime,
    charged_fen: int | None = None,
) -> None:
    """The order's charges become the account's facts: one payment, and one bill paid by it.

    `charged_fen`: what the order cost, by default all that was taken; what was
    taken above it stays on the account. Nothing held: nothing happens. Raises
    Refused(invalid_value) if less was taken than charged.
    """
    taken = [each for each in of_order(journal.connection, order_id) if each.state == "held"]
    total = sum(each.amount_fen for each in taken)
    charged = total if charged_fen is None else charged_fen
    if not 0 <= charged <= total:
        raise Refused("invalid_value", field="charged_fen", problem="was not taken for the order")
    if not total:
        return
    numbers = [each.receipt_no for each in taken]
    journal.update_many(Receipt, numbers, state="done", account_id=account_id)
    _facts(journal, order_id, account_id, total, charged, at)
    legs = _settled(order_id, account_id, total, charged)
    ledger.book(journal, f"settle/{order_id}", "settle", legs, at=at, order_id=order_id)


def settle_sale(journal: Journal, *, order_id: int, legs: list[ledger.Leg]) -> None:
    """The money held for a sale over the counter leaves the till for `legs`, all of it.

    There is no account: nobody in particular bought it.
    """
    taken = [each for each in of_order(journal.connection, order_id) if each.state == "held"]
    journal.update_many(Receipt, [each.receipt_no for each in taken], state="done")
    out = ("order", order_id, -sum(each.amount_fen for each in taken))
    ledger.book(journal, f"sale/{order_id}", "sale", [out, *legs], at=journal.at, order_id=order_id)


def _facts(
    journal: Journal, order_id: int, account_id: int, total: int, charged: int, at: datetime
) -> None:
    fact: dict[str, Any] = {
        "account_id": account_id,
        "order_id": order_id,
        "recorded_at": journal.at,
    }
    journal.insert(m.Payment, **fact, amount_fen=total, paid_at=at)
    if charged:
        journal.insert(m.CustomerBill, **fact, amount_fen=charged, billed_at=at, due_at=at)


def _settled(order_id: int, account_id: int, total: int, charged: int) -> list[ledger.Leg]:
    return [
        ("order", order_id, -total),
        ("customer", account_id, total - charged),
        ("revenue", 0, charged),
    ]


def give_back_for_order(journal: Journal, *, order_id: int, at: datetime) -> int:
    """Give back all that is held for an order, each part the way it came; returns fen.

    After it was settled, `refund` is the way: this gives back nothing then.
    """
    taken = [each for each in of_order(journal.connection, order_id) if each.state == "held"]
    for each in taken:
        _give_back(journal, each, order_id, at)
    return sum(each.amount_fen for each in taken)


def of_order(connection: Connection, order_id: int) -> list[Issued]:
    """Receipts of the money taken for an order, in the order of taking."""
    rows = connection.execute(
        select(Receipt.__table__)
        .where(Receipt.order_id == order_id, Receipt.purpose == "order")
        .order_by(Receipt.issued_at, Receipt.receipt_no)
    )
    return [Issued(*row) for row in rows]


def _near(connection: Connection, order_id: int, correlator: str) -> list[Issued]:
    """The receipt of a correlator first, then those of the order."""
    rows = connection.execute(
        select(Receipt.__table__)
        .where(
            (Receipt.correlator == correlator)
            | ((Receipt.order_id == order_id) & (Receipt.purpose == "order"))
        )
        .order_by((Receipt.correlator == correlator).desc())
    )
    return [Issued(*row) for row in rows]


def _give_back(journal: Journal, taken: Issued, order_id: int, at: datetime) -> None:
    journal.update(Receipt, taken.receipt_no, state="returned")
    back = receipts.issue(
        journal,
        correlator=receipts.internal("back", taken.receipt_no),
        purpose="order_refund",
        state="done",
        amount_fen=-taken.amount_fen,
        method=load.by("payment_method", "method")[taken.method]["given_back_as"],
        at=at,
        order_id=order_id,
        payer_party_id=taken.payer_party_id,
        returns=taken.receipt_no,
    )
    if back is None:
        raise LookupError(f"receipt {taken.receipt_no} was given back before")
    legs = [("order", order_id, -taken.amount_fen), ("cash", 0, taken.amount_fen)]
    ref = f"back/{taken.receipt_no}"
    ledger.book(journal, ref, "back", legs, at=at, order_id=order_id)
