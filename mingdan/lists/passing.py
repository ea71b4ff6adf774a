"""Whether anything may pass to a partner now: one answer, asked before anything leaves.

Here: the agreement (`partners.toml`) and the order store together. Not here: what then
leaves (`release.py`) and how (`envelope/`). The order store is imported when it is asked:
who signs roots offline has it not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from mingdan.calendar import business_day
from mingdan.reports.partners import Partner
from mingdan.settings import Settings

if TYPE_CHECKING:
    from mingdan.orders.store import OrderStore


@contextmanager
def order_store(settings: Settings) -> Iterator[OrderStore | None]:
    """The installation's order store; None where there never was one."""
    file = settings.order_file
    if file is not None and not file.exists():
        yield None
        return
    from mingdan.orders.store import OrderStore

    with OrderStore.open(settings.database) as store:
        yield store


def hindrance(
    settings: Settings, partner: Partner, now: datetime, store: OrderStore | None = None
) -> str | None:
    """Why nothing may pass to `partner` at `now` (aware), as a reason code; None if it may.

    `store` is the order store if it is open already.
    """
    return partner.hindrance(business_day(now)) or at_order_side(settings, partner, now, store)


def at_order_side(
    settings: Settings, partner: Partner, now: datetime, store: OrderStore | None = None
) -> str | None:
    """The order store's part of it; the night asks the agreement of its own day beside.

    What cannot be asked is refused: an installation whose order store is gone lets nothing out.
    """
    if store is not None:
        return _said(partner, now, store)
    with order_store(settings) as opened:
        if opened is not None:
            return _said(partner, now, opened)
    if (settings.lake / "lake.json").exists():
        return "order_store_missing"
    return "disclosure_not_approved" if partner.agreement.disclosure == "clear" else None


def _said(partner: Partner, now: datetime, store: OrderStore) -> str | None:
    from mingdan.reports.order_side import UNREGISTERED, clear_leave, order_side

    clear = partner.agreement.disclosure == "clear"
    said = order_side(store, partner, now)
    # Who exchanges lists by file alone need not be registered there, unless in the clear.
    if said is not None and (clear or said != UNREGISTERED):
        return said
    if clear and clear_leave(store, partner, now) is None:
        return "disclosure_not_approved"
    return None
