"""The rows that a change of a customer's data rests on, and the view of one.

Here: reading them inside the caller's transaction. Not here: who may change
what (`customers.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from mingdan.orders import checks
from mingdan.orders import model as m
from mingdan.orders.offers.model import BillingAccountData, PartyChange, PartyCredential
from mingdan.orders.offers.party_forms import ChangeView
from mingdan.orders.refusals import Refused


def party_of(connection: Connection, party_ref: str) -> Row[Any]:
    """The customer's row. Raises Refused: unknown_party."""
    row = connection.execute(
        select(m.Party.__table__).where(m.Party.party_ref == checks.words("party_ref", party_ref))
    ).one_or_none()
    if row is None:
        raise Refused("unknown_party", party_ref=party_ref)
    return row


def change_row(connection: Connection, request_ref: str) -> Row[Any] | None:
    """A change with its customer's reference, or None."""
    c = PartyChange
    return connection.execute(
        select(c.__table__, m.Party.party_ref)
        .join(m.Party, m.Party.party_id == c.party_id)
        .where(c.request_ref == checks.words("request_ref", request_ref))
    ).one_or_none()


def waiting(connection: Connection, party_id: int, business: str) -> Row[Any] | None:
    """The staged change of a kind, dead or not."""
    c = PartyChange
    return connection.execute(
        select(c.__table__).where(
            c.party_id == party_id, c.business == business, c.state == "acknowledged"
        )
    ).one_or_none()


def credential(connection: Connection, party_id: int) -> Row[Any] | None:
    """What the present password is checked by, or None."""
    c = PartyCredential
    return connection.execute(
        select(c.__table__).where(c.party_id == party_id, c.valid_to.is_(None))
    ).one_or_none()


def account_data(connection: Connection, account_id: int) -> Row[Any] | None:
    """How an account is billed, or None if nothing was ever said."""
    return connection.execute(
        select(BillingAccountData.__table__).where(BillingAccountData.account_id == account_id)
    ).one_or_none()


def numbers_of(connection: Connection, party_id: int, at: datetime) -> Iterator[str]:
    """The numbers of the subscriptions a customer holds now."""
    h, n = m.SubscriptionHolding, m.NumberHolding
    rows = connection.execute(
        select(n.key)
        .join(h, h.subscription_id == n.subscription_id)
        .where(
            h.party_id == party_id,
            h.superseded_at.is_(None),
            n.superseded_at.is_(None),
            n.key_kind == "msisdn",
            or_(n.valid_to.is_(None), n.valid_to > at),
        )
    )
    return (str(key) for key in rows.scalars())


def view(row: Row[Any], at: datetime, *, repeated: bool = False) -> ChangeView:
    """What may be told of a change."""
    return ChangeView(
        request_ref=row.request_ref,
        party_ref=row.party_ref,
        business=row.business,
        state=row.state,
        expired=row.state == "acknowledged" and at >= row.until,
        fields=tuple(sorted(row.content)),
        staged_at=row.staged_at,
        staged_by=row.staged_by,
        until=row.until,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        repeated=repeated,
    )
