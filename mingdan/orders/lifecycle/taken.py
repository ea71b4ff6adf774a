"""An order that is to be taken back (冲正), and what takes it back.

Here: what the makers of the inverse commands are given and give. Not here: the
makers (`inverses.py`, `account_inverses.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy import Connection

from mingdan.orders import commands as c
from mingdan.orders.lifecycle.views import Record
from mingdan.orders.refusals import Refused


@dataclass(frozen=True)
class Inverse:
    """A command, and the number, SIM or handset it may take although it rests."""

    command: c.AnyCommand
    takes_back: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Taken:
    """The order to take back: its rows, its item's content, the new command's frame."""

    connection: Connection
    record: Record
    done: dict[str, Any]
    frame: dict[str, Any]

    def later(self, at: datetime) -> NoReturn:
        """Refuse: something came after the order."""
        raise Refused("later_order", subscription_ref=self.record.subscription_ref, at=at)

    def still(self, row: Any) -> None:
        """Refuse unless `row` (its last two columns: order_id, valid_from) is this order's."""
        if row is None or row[-2] != self.record.order_id:
            self.later(self.frame["at"] if row is None else row[-1])
