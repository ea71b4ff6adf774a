"""The handsets a batch of commands works on, in memory.

Here: the records, how they are read and written. Not here: who may have which
(`businesses/handsets.py`) and handsets in stock (`stock`). They are changed now
and then, and rebuilt from the journal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from mingdan.orders.finding import Among, Query
from mingdan.orders.journal import Journal
from mingdan.orders.stock.model import Handset, HandsetHolding


@dataclass(slots=True)
class Device:
    """A handset; `was`: its state on record."""

    imei: str
    model: str
    state: str
    usage: str | None
    until: datetime | None
    changed_at: datetime
    was: str
    changed: bool = False


@dataclass(slots=True, eq=False)
class Held:
    """That a subscription had a handset during `[valid_from, valid_to)`."""

    imei: str
    subscription_id: int
    order_id: int
    valid_from: datetime
    valid_to: datetime | None
    row_id: int | None = None


class Devices:
    """Handsets by IMEI, and who has and had them."""

    def __init__(self) -> None:
        self.known: dict[str, Device] = {}
        self.held: dict[str, list[Held]] = defaultdict(list)
        self.begun: list[Held] = []
        self.ended: list[Held] = []
        """Stored holdings that end."""

    def read(self, rows: Callable[..., Any], imeis: Iterable[str]) -> None:
        """Read these handsets with `rows`, as the working set reads everything."""
        for imei, model, state, usage, until, changed_at in rows(_handsets, imeis):
            self.known[imei] = Device(imei, model, state, usage, until, changed_at, state)
        for row_id, imei, subscription_id, order_id, start, end in rows(_holdings, self.known):
            self.held[imei].append(Held(imei, subscription_id, order_id, start, end, row_id))

    def holder(self, imei: str) -> Held | None:
        """Who has the handset, if anybody."""
        return next((held for held in self.held[imei] if held.valid_to is None), None)

    def begin(self, imei: str, subscription_id: int, order_id: int, at: datetime) -> None:
        """From `at` on the subscription has it."""
        held = Held(imei, subscription_id, order_id, at, None)
        self.held[imei].append(held)
        self.begun.append(held)

    def end(self, held: Held, at: datetime) -> None:
        """The holding ends at `at`."""
        held.valid_to = at
        if held.row_id is not None:
            self.ended.append(held)

    def write(self, connection: Connection) -> None:
        """Write what changed."""
        changed = [device for device in self.known.values() if device.changed]
        if not changed:
            return
        journal = Journal(connection, max(device.changed_at for device in changed), "orders")
        for held in self.ended:
            journal.update(HandsetHolding, held.row_id, valid_to=held.valid_to)
        for device in changed:
            moved = {} if device.state == device.was else {"state": device.state}
            journal.update(
                Handset,
                device.imei,
                **moved,
                usage=device.usage,
                until=device.until,
                changed_at=device.changed_at,
            )
        for held in self.begun:
            journal.insert(
                HandsetHolding,
                imei=held.imei,
                subscription_id=held.subscription_id,
                order_id=held.order_id,
                valid_from=held.valid_from,
                valid_to=held.valid_to,
            )


def _handsets(among: Among) -> Query:
    h = Handset
    return select(h.imei, h.model, h.state, h.usage, h.until, h.changed_at).where(among(h.imei))


def _holdings(among: Among) -> Query:
    h = HandsetHolding
    return select(
        h.holding_id, h.imei, h.subscription_id, h.order_id, h.valid_from, h.valid_to
    ).where(among(h.imei))
