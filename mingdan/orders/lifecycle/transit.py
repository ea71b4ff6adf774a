"""Orders on their way that keep others of the same subscription out.

Here: looking for one. Not here: which kinds are exclusive (`reference/order_lifecycle.csv`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from mingdan.orders import model as m
from mingdan.orders.finding import Among, Query, find
from mingdan.orders.lifecycle.kinds import kind
from mingdan.orders.lifecycle.model import StagedOrder
from mingdan.orders.refusals import Refused


def alone(connection: Connection, subscription_ref: str, at: datetime) -> None:
    """Return if no exclusive order of the subscription is on its way at `at`.

    Raises Refused: order_in_transit.
    """
    judge(find(connection, on_their_way, [subscription_ref]), subscription_ref, at)


def judge(found: Sequence[Any], subscription_ref: str, at: datetime) -> None:
    """`alone`, from the rows of `on_their_way`."""
    for order_ref, order_type, until in found:
        if at < until and kind(order_type).exclusive:
            raise Refused(
                "order_in_transit", subscription_ref=subscription_ref, order_ref=order_ref
            )


def on_their_way(among: Among) -> Query:
    o, s = m.ProductOrder, StagedOrder
    return (
        select(o.order_ref, o.order_type, s.until)
        .join(s, s.order_id == o.order_id)
        .where(s.closed_at.is_(None), among(s.subscription_ref))
    )
