"""The way of an order through its states: legal steps only, each with its event.

Here: steps of orders on record, reasons, and giving back all an order held. Not
here: what a step needs (`acceptance.py`, `payment.py`, `completion.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from mingdan.orders import model as m
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle import views
from mingdan.orders.lifecycle.model import StagedOrder
from mingdan.orders.lifecycle.views import Record
from mingdan.orders.money import tills
from mingdan.orders.offers import party_changes
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.stock import reservations

CLOSED = machine("order").final


def no_earlier(record: Record, at: datetime) -> datetime:
    """`at`, or with a clock that lags a little the instant of the order's last step."""
    last: datetime = max(at, record.order_date, record.provisioned_at or at)
    return last


def need(record: Record, at: datetime, wanted: str, *states: str) -> None:
    """Return if the order is in one of `states` and alive at `at`.

    Raises Refused: order_state, order_expired.
    """
    if record.staged_order_id is None or record.state not in states:
        raise Refused("order_state", order_ref=record.order_ref, state=record.state, wanted=wanted)
    if at >= record.until:
        raise Refused("order_expired", order_ref=record.order_ref, until=record.until)


def step(journal: Journal, record: Record, *path: str) -> str:
    """Go through the states of `path`; returns the last.

    Raises ValueError for a step TMF622 does not have: a mistake of the program.
    """
    reached = machine("order").walk(record.state, *path)
    journal.update(m.ProductOrder, record.order_id, state=reached)
    log(journal, record.order_id, record.order_type, record.subscription_id, record.party_id, path)
    return reached


def log(
    journal: Journal,
    order_id: int,
    order_type: str,
    subscription_id: int | None,
    party_id: int | None,
    path: Iterable[str],
) -> None:
    """An event for each state an order came to."""
    rows = [
        {
            "event_type": _EVENT if state != "acknowledged" else "ProductOrderCreateEvent",
            "order_type": order_type,
            "order_id": order_id,
            "state": state,
            "subscription_id": subscription_id,
            "party_id": party_id,
            "effective_at": journal.at,
            "recorded_at": journal.at,
        }
        for state in path
    ]
    journal.connection.execute(insert(m.OrderEvent), rows)


_EVENT = "ProductOrderStateChangeEvent"


def with_reason(record: Record, reason: str, at: datetime) -> dict[str, Any]:
    """The order's reasons with one more."""
    said = {"reason": reason, "at": at.isoformat()}
    return {"items": [*(record.reasons or {}).get("items", ()), said]}


def end(journal: Journal, record: Record, path: tuple[str, ...], reason: str) -> None:
    """End an order that is not completed, without residue.

    Its reservations are released, the money paid is given back, its place under
    the cap is free, and what was entered is taken out.
    """
    at = journal.at
    for key in reservations.of_order(journal.connection, record.order_id):
        reservations.release(journal, key, at=at, reason=f"order {path[-1]}")
    given_back = 0
    if record.paid_fen:
        given_back = tills.give_back_for_order(journal, order_id=record.order_id, at=at)
    step(journal, record, *path)
    if record.order_type.startswith("MODIFY_PARTY"):
        party_changes.give_up(journal, record.order_ref)
    product = record.product_status
    if product is not None:
        product = machine("product").walk(
            product, "aborted" if path[-1] == "failed" else "cancelled"
        )
    journal.update(
        StagedOrder,
        record.order_id,
        **cleared(at),
        given_back_fen=given_back,
        product_status=product,
        resting_state=None,
        reasons=with_reason(record, reason, at),
    )


def cleared(at: datetime) -> dict[str, Any]:
    """What a staged order no longer holds once it is closed."""
    return {
        "request": {},
        "document_type": None,
        "document_number": None,
        "closed_at": at,
    }


def again(connection: Connection, record: Record, *, repeated: bool = False) -> views.OrderView:
    """The order's view after a step."""
    return views.view(views.known(connection, record.order_ref), repeated=repeated)
