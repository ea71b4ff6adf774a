"""Which rows of `account_membership` count: what was arranged and not called off since.

Here: that condition, as known now or at an earlier instant. Not here: arranging a
change and calling it off (`businesses/sharing.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists
from sqlalchemy.orm import aliased

from mingdan.orders.money.model import AccountMembership


def counts(known_at: datetime | None = None) -> tuple[ColumnElement[bool], ...]:
    """Of one subscription and `valid_from` the row recorded last, if it has an account.

    `known_at`: as the store believed then; by default, as it does now.
    """
    a: Any = AccountMembership
    later: Any = aliased(AccountMembership)
    known = () if known_at is None else (a.recorded_at <= known_at,)
    known_later = () if known_at is None else (later.recorded_at <= known_at,)
    recorded_since = exists().where(
        later.subscription_id == a.subscription_id,
        later.valid_from == a.valid_from,
        later.recorded_at > a.recorded_at,
        *known_later,
    )
    return (*known, a.account_id.is_not(None), ~recorded_since)
