"""What ends with something else: with a partner its interfaces, with an interface its keys.

Here: those ends, within the transaction of whoever ends the first. Not here:
who may (`partners.py`, `interfaces.py`). Nothing ends before it began.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from mingdan.orders.access import model as m
from mingdan.orders.journal import Journal


def interfaces_of(journal: Journal, partner_id: int, *, reason: str) -> None:
    """Close every interface number of a partner."""
    n = m.InterfaceNumber
    found = journal.connection.execute(
        select(n.interface_id).where(n.partner_id == partner_id).order_by(n.interface_id)
    )
    for interface_id in found.scalars().all():
        interface(journal, interface_id, reason=reason)


def interface(journal: Journal, interface_id: int, *, reason: str) -> bool:
    """Close an interface number and revoke its keys; False if it was not open."""
    p, k = m.InterfacePeriod, m.ApiKey
    keys = journal.connection.execute(
        select(k.key_id)
        .where(k.interface_id == interface_id, k.revoked_at.is_(None))
        .order_by(k.key_id)
    )
    for key_id in keys.scalars().all():
        journal.update(k, key_id, revoked_at=journal.at, reason=reason)
    period = journal.connection.execute(
        select(p.period_id, p.valid_from).where(
            p.interface_id == interface_id, p.valid_to.is_(None)
        )
    ).one_or_none()
    if period is None:
        return False
    end = max(journal.at, period.valid_from)
    journal.update(p, period.period_id, valid_to=end, reason=reason)
    return True


def agreements_of(journal: Journal, partner_id: int) -> None:
    """End every approved agreement of a partner that has not ended."""
    a = m.PartnerAgreement
    found = journal.connection.execute(
        select(a.__table__)
        .where(
            a.partner_id == partner_id,
            a.status.in_(("approved", "inProcess")),
            a.valid_to > journal.at,
        )
        .order_by(a.agreement_id)
    )
    for row in found.all():
        agreement(journal, row)


def agreement(journal: Journal, row: Row[Any]) -> None:
    """End one agreement now; one that has not begun never will."""
    end = max(journal.at, row.valid_from)
    journal.update(m.PartnerAgreement, row.agreement_id, valid_to=end, changed_at=journal.at)
