"""Billing cycles: when the next one begins.

Here: only that. Not here: what changes with it (`businesses/offers.py`) and
what is billed (`money`).
"""

from __future__ import annotations

from datetime import date, datetime

from mingdan.calendar import business_day, day_start
from mingdan.errors import InputRefused
from mingdan.orders.policy import Policy


def next_cycle(policy: Policy, at: datetime) -> datetime:
    """The first instant of the first billing cycle after `at`, in UTC.

    Cycles begin at 00:00 Asia/Shanghai on the policy's `billing_cycle_day`; one
    that begins at `at` itself has begun. Raises InputRefused if the policy's day
    is none that every month has (1 to 28).
    """
    first = int(policy.at("billing_cycle_day", at))
    if not 1 <= first <= 28:
        raise InputRefused(f"order policy: billing_cycle_day is 1 to 28, not {first}")
    today = business_day(at)
    this_month = today.replace(day=first)
    if today < this_month:
        return day_start(this_month)
    year, month = divmod(today.year * 12 + today.month, 12)
    return day_start(date(year, month + 1, first))
