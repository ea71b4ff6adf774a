"""Whom a question is about: a subscription found by what a person would type.

Here: subscription key, number or external reference to subscription and party,
as the night of a day knew them. Not here: what is then said of them
(`explain.py`) and looking up the present (`orders`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from mingdan.calendar import day_bounds, naive_utc
from mingdan.errors import InputRefused
from mingdan.features.tables import FEATURES
from mingdan.identifiers import digits, mask_number, mask_typed, parse_msisdn
from mingdan.lake import Lake
from mingdan.orders.tables import NUMBER_HOLDINGS, SUBSCRIPTION_HOLDINGS, SUBSCRIPTIONS


@dataclass(frozen=True)
class Holder:
    """A subscription and who held it at the end of a day; numbers masked."""

    subscription_id: int
    party_id: int
    number: str | None
    held_since: datetime | None
    status: str | None
    subscriptions: tuple[int, ...]
    """All subscriptions of that party."""


def find(lake: Lake, name: str, day: date) -> Holder:
    """The subscription `name` means at the end of `day`: its key, number or reference.

    A number that changed hands means whoever held it then. Raises InputRefused
    if the night of `day` knew no such subscription.
    """
    at = naive_utc(day_bounds(day)[1])
    subscription = _by_key(lake, name, day) or _by_number(lake, name, day, at)
    if subscription is None:
        raise InputRefused(
            f"no subscription {mask_typed(name)} on {day}: neither a subscription key, a number "
            "held that day, nor an external reference"
        )
    known = lake.scan(SUBSCRIPTIONS, [day])
    row = _first(known.filter(pl.col("subscription_id") == subscription))
    if row is None:
        return Holder(subscription, subscription, None, None, None, (subscription,))
    party = row["party_id"]
    holding = _first(
        lake.scan(SUBSCRIPTION_HOLDINGS, [day])
        .filter(pl.col("subscription_id") == subscription, pl.col("valid_from") < at)
        .sort("valid_from", descending=True)
    )
    number = _first(
        _held(lake, day, at).filter(pl.col("subscription_id") == subscription).sort("valid_from")
    )
    others = known.filter(pl.col("party_id") == party).select("subscription_id").collect()
    return Holder(
        subscription_id=subscription,
        party_id=party,
        number=mask_number(str(number["key"])) if number else None,
        held_since=holding["valid_from"] if holding else None,
        status=row["status"],
        subscriptions=tuple(sorted(others["subscription_id"].to_list())),
    )


def _by_key(lake: Lake, name: str, day: date) -> int | None:
    known = lake.scan(SUBSCRIPTIONS, [day])
    row = _first(known.filter(pl.col("external_id") == name))
    if row is not None:
        return int(row["subscription_id"])
    if not (name.isascii() and name.isdigit()) or int(name) >= 2**63:
        return None
    key = pl.col("subscription_id") == int(name)
    used = lake.scan(FEATURES, [day])
    return int(name) if any(_first(rows.filter(key)) for rows in (known, used)) else None


def _by_number(lake: Lake, name: str, day: date, at: datetime) -> int | None:
    try:
        number = int(parse_msisdn(name))
    except ValueError:
        plain = digits(name).removeprefix("+")
        if not (plain.isascii() and plain.isdigit() and len(plain) <= 18):
            return None
        number = int(plain)
    row = _first(_held(lake, day, at).filter(pl.col("key") == number))
    return None if row is None else int(row["subscription_id"])


def _held(lake: Lake, day: date, at: datetime) -> pl.LazyFrame:
    return lake.scan(NUMBER_HOLDINGS, [day]).filter(
        pl.col("key_kind") == "msisdn",
        pl.col("valid_from") < at,
        pl.col("valid_to").is_null() | (pl.col("valid_to") >= at),
    )


def _first(rows: pl.LazyFrame) -> dict[str, Any] | None:
    found = rows.head(1).collect()
    return found.row(0, named=True) if found.height else None
