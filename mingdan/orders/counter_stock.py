"""Cards and vouchers a batch of commands sells over the counter, in memory.

Here: the records and how they are read. Not here: the checks
(`businesses/cards.py`), the states of a card (`stock/cards.py`) and of a voucher
(`money/voucher_sales.py`).

What an order on its way will sell is held by the order itself, as its place under
the cap is: while it is neither closed nor past its time nobody else gets it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from mingdan.orders.finding import Among, Query
from mingdan.orders.lifecycle.model import StagedOrder
from mingdan.orders.money.model import Voucher, VoucherBatch
from mingdan.orders.stock.model import PrepaidCard

SELLING = ("sell_card", "sell_vouchers")
"""Commands, as in JSON lines, whose staged orders hold something here."""


@dataclass(frozen=True, slots=True)
class Card:
    """A prepaid card: its state, face value in fen and last day of sale."""

    card_no: str
    state: str
    face_value_fen: int
    sell_by: datetime


@dataclass(frozen=True, slots=True)
class Vouchers:
    """A batch of vouchers and how many of it may be sold."""

    batch_ref: str
    face_value_fen: int
    expires_at: datetime
    available: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """What an order on its way will sell, and until when it holds it."""

    order_id: int
    until: datetime
    request: dict[str, Any]


class CounterStock:
    """Cards by number, batches by reference, and the orders on their way for them."""

    def __init__(self) -> None:
        self.cards: dict[str, Card] = {}
        self.vouchers: dict[str, Vouchers] = {}
        self.waiting: list[Waiting] = []

    def read(
        self, rows: Callable[..., Any], card_nos: Iterable[str], batches: Iterable[str]
    ) -> None:
        """Read these with `rows`, as the working set reads everything."""
        for row in rows(_cards, card_nos):
            self.cards[row[0]] = Card(*row)
        for row in rows(_vouchers, batches):
            self.vouchers[row[0]] = Vouchers(*row)
        for order_id, until, request in rows(_waiting, SELLING):
            content = json.loads(request) if isinstance(request, str) else request
            self.waiting.append(Waiting(order_id, until, content))

    def others(self, order_id: int, at: datetime) -> list[dict[str, Any]]:
        """What other orders than this hold at `at`."""
        return [
            each.request for each in self.waiting if each.order_id != order_id and at < each.until
        ]


def _cards(among: Among) -> Query:
    p = PrepaidCard
    return select(p.card_no, p.state, p.face_value_fen, p.sell_by).where(among(p.card_no))


def _vouchers(among: Among) -> Query:
    b, v = VoucherBatch, Voucher
    free = (
        select(func.count())
        .select_from(v)
        .where(v.batch_id == b.batch_id, v.state == "available")
        .scalar_subquery()
    )
    return select(b.batch_ref, b.face_value_fen, b.expires_at, free).where(among(b.batch_ref))


def _waiting(among: Among) -> Query:
    s = StagedOrder
    return select(s.order_id, s.until, s.request).where(among(s.command), s.closed_at.is_(None))
