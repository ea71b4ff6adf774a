"""States an operator sets by hand: blocking, retiring, scrapping, stock-taking.

Here: which steps a person may order, as data beside each machine. Not here:
steps that follow from orders (`businesses`) and reservations.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from mingdan.identifiers import mask_number
from mingdan.orders.database import lock
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.stock.model import HandsetHolding
from mingdan.orders.stock.records import KINDS, effective, refuse_unknown
from mingdan.reference import load

LOCKS = {"number": "numbers", "sim": "iccids", "prepaid_card": "card_no", "handset": "imeis"}


def set_by_hand(journal: Journal, kind: str, key: str, state: str, *, at: datetime) -> None:
    """Bring a resource to a state of `stock_step.csv`, from the state it is in by the clock.

    A handset's state may be named by its usage (`damaged`, `inShop`). Refuses
    state_step, and what it refuses for an unknown resource.
    """
    lock(journal.connection, "resources", [f"{LOCKS[kind]}:{key}"])
    model, column, entity = KINDS[kind]
    until: Any = getattr(model, "until", None)
    columns = [model.state, model.changed_at, *([] if until is None else [until])]
    row = journal.connection.execute(select(*columns).where(column == key)).one_or_none()
    if row is None:
        raise refuse_unknown(kind, key)
    if kind == "handset" and _sold(journal, key):
        raise Refused("state_step", what=mask_number(key), state="sold", wanted=str(state)[:40])
    usage = load.by("handset_usage", "usage").get(state) if kind == "handset" else None
    wanted = state if usage is None else usage["state"]
    now = effective(entity, row.state, None if until is None else row.until, at)
    path = [] if now == row.state else [now]
    known = machine(entity).next
    allowed = (entity, now, wanted) in _steps() and wanted in known.get(now, ())
    if not (allowed or (usage is not None and wanted == now)):
        raise Refused("state_step", what=mask_number(key), state=now, wanted=str(state)[:40])
    reached = machine(entity).walk(row.state, *path, *([] if wanted == now else [wanted]))
    changes: dict[str, Any] = {"state": reached, "changed_at": max(at, row.changed_at)}
    if until is not None:
        changes["until"] = None
    if kind == "handset":
        changes["usage"] = None if usage is None else state
    journal.update(model, key, **changes)


def _sold(journal: Journal, imei: str) -> bool:
    held = HandsetHolding
    found = select(held.holding_id).where(held.imei == imei, held.valid_to.is_(None))
    return journal.connection.execute(found).first() is not None


def _steps() -> set[tuple[str, str, str]]:
    return {(row["entity"], row["state"], row["next"]) for row in load.rows("stock_step")}
