"""SIM cards and prepaid cards in use: what a card can do, and when its time runs.

Here: STK, capacity, and a prepaid card's sale, first use and validity. Not here:
taking cards into stock (`imports.py`), vouchers (`money/vouchers.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, select

from mingdan.identifiers import mask_number
from mingdan.orders import model as m
from mingdan.orders.database import lock
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.stock.model import PrepaidCard

_P = PrepaidCard
Card = Row[tuple[str, str, int, int, datetime, datetime | None]]


@dataclass(frozen=True)
class Sim:
    """What stock knows of a SIM; empty for a card that only an order brought in."""

    iccid: str
    capacity_k: int | None
    stk: bool | None


def sim_of(connection: Connection, subscription_id: int) -> Sim | None:
    """The SIM a subscription uses now; None if it has none."""
    s = m.SimCard
    row = connection.execute(
        select(s.iccid, s.capacity_k, s.stk).where(
            s.subscription_id == subscription_id, s.state == "in_use"
        )
    ).one_or_none()
    return None if row is None else Sim(row.iccid, row.capacity_k, row.stk)


def sell(journal: Journal, card_no: str, *, at: datetime) -> int:
    """A prepaid card over the counter; returns its face value in fen.

    Refuses card_not_in_stock, card_unavailable (sold, void, ...), card_expired
    (past its last day of sale).
    """
    card = _locked(journal, card_no)
    if card.state != "in_stock":
        raise Refused("card_unavailable", card=mask_number(card_no), state=card.state)
    if at >= card.sell_by:
        raise Refused("card_expired", card=mask_number(card_no), at=card.sell_by)
    state = machine("prepaid_card").walk(card.state, "sold")
    journal.update(_P, card_no, state=state, changed_at=at)
    return int(card.face_value_fen)


def take_back(journal: Journal, card_no: str, *, at: datetime) -> None:
    """A sold prepaid card that was not used is in stock again.

    Refuses card_not_in_stock, card_unavailable (in use, withdrawn).
    """
    card = _locked(journal, card_no)
    if card.state != "sold":
        raise Refused("card_unavailable", card=mask_number(card_no), state=card.state)
    state = machine("prepaid_card").walk(card.state, "in_stock")
    journal.update(_P, card_no, state=state, changed_at=at)


def activate(journal: Journal, card_no: str, *, at: datetime) -> datetime:
    """First use of a sold prepaid card; returns when its validity ends.

    Refuses card_not_in_stock, card_unavailable (not sold, in use already, void).
    """
    card = _locked(journal, card_no)
    if card.state != "sold":
        raise Refused("card_unavailable", card=mask_number(card_no), state=card.state)
    expires_at: datetime = at + timedelta(days=card.validity_days)
    journal.update(
        _P,
        card_no,
        state=machine("prepaid_card").walk(card.state, "active"),
        activated_at=at,
        expires_at=expires_at,
        changed_at=at,
    )
    return expires_at


def valid(connection: Connection, card_no: str, at: datetime) -> bool:
    """Whether a prepaid card is in use and its validity lasts at `at`."""
    row = connection.execute(
        select(_P.state, _P.expires_at).where(_P.card_no == card_no)
    ).one_or_none()
    return row is not None and row.state == "active" and row.expires_at > at


def used(journal: Journal, iccid: str, *, at: datetime) -> None:
    """A SIM came into service: a sold prepaid card that carries it is in use from now on."""
    card_no = journal.connection.execute(
        select(_P.card_no).where(_P.iccid == iccid, _P.state == "sold")
    ).scalar_one_or_none()
    if card_no is not None:
        activate(journal, card_no, at=at)


def refuse_spent(connection: Connection, iccid: str, at: datetime) -> None:
    """Refuses a SIM whose prepaid card is spent: card_unavailable, card_expired."""
    row = connection.execute(
        select(_P.card_no, _P.state, _P.sell_by).where(_P.iccid == iccid)
    ).one_or_none()
    if row is None:
        return
    if row.state not in ("in_stock", "sold"):
        raise Refused("card_unavailable", card=mask_number(row.card_no), state=row.state)
    if row.state == "in_stock" and at >= row.sell_by:
        raise Refused("card_expired", card=mask_number(row.card_no), at=row.sell_by)


def _locked(journal: Journal, card_no: str) -> Row[*tuple[object, ...]]:
    lock(journal.connection, "resources", [f"card_no:{card_no}"])
    row = journal.connection.execute(
        select(_P.state, _P.face_value_fen, _P.validity_days, _P.sell_by).where(
            _P.card_no == card_no
        )
    ).one_or_none()
    if row is None:
        raise Refused("card_not_in_stock", card=mask_number(card_no))
    return row
