"""Usage and order rows written straight into a lake, for tests of guiding and features.

Here: a record with defaults, and the tables a night finds before it guides. Not
here: what a test expects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from mingdan.calendar import day_bounds, day_start, naive_utc
from mingdan.lake import Lake
from mingdan.orders.tables import (
    NUMBER_HOLDINGS,
    ORDER_EVENTS,
    SUBSCRIPTION_HOLDINGS,
    SUBSCRIPTIONS,
)
from mingdan.reports.tables import COMPLAINTS
from mingdan.tables import Table
from mingdan.usage.tables import USAGE, USAGE_FILES

Row = dict[str, Any]


def at(day: date, second: float = 0) -> datetime:
    """An instant of a business day as the lake holds it: naive UTC, to the microsecond."""
    return naive_utc(day_start(day)) + timedelta(microseconds=round(second * 1_000_000))


def event_day(row: Row) -> date:
    """The business day of a record."""
    return (row["event_at"] + timedelta(hours=8)).date()  # type: ignore[no-any-return]


def record(record_id: int, event_at: datetime, **given: Any) -> Row:
    """One usage record: a message sent, unless told otherwise."""
    row: Row = dict.fromkeys(USAGE.names)
    row |= {
        "record_id": record_id,
        "source": "smsc",
        "usage_type": "sms",
        "direction": "out",
        "event_at": event_at,
        "utc_offset_min": 480,
        "self_held": False,
        "source_file": "smsc/file",
        "source_line": record_id,
    }
    unknown = given.keys() - row.keys()
    assert not unknown, unknown
    return row | given


def put(lake: Lake, table: Table, day: date, rows: Iterable[Mapping[str, Any]]) -> None:
    """Replace a day of an unbucketed table; absent columns are null."""
    full = [{name: row.get(name) for name in table.names} for row in rows]
    lake.write(table, day, pl.DataFrame(full, schema=lake.schema(table), orient="row"))


def put_usage(lake: Lake, rows: Iterable[Row], delivered: date) -> list[date]:
    """Write usage by event day, every day whole, and the ledger of `delivered`."""
    by_day: dict[date, list[Row]] = {delivered: []}
    for row in rows:
        by_day.setdefault(event_day(row), []).append(row | {"delivered": delivered})
    for day, found in by_day.items():
        put(lake, USAGE, day, found)
    ledger = {"file": f"smsc/{delivered}", "event_days": ",".join(map(str, sorted(by_day)))}
    put(lake, USAGE_FILES, delivered, [ledger])
    return sorted(by_day)


def put_orders(
    lake: Lake,
    day: date,
    numbers: Sequence[tuple[str, int, int, datetime, datetime | None]] = (),
    parties: Sequence[tuple[int, int, datetime, datetime | None]] = (),
    subscriptions: Sequence[Row] = (),
    events: Sequence[tuple[str, datetime]] = (),
    complaints: Sequence[Row] = (),
) -> None:
    """The order snapshot and complaints of a night.

    `numbers`: kind, key, subscription, from, to; `parties`: subscription, party,
    from, to; `events`: order type and when it took effect.
    """
    known = naive_utc(datetime(2026, 1, 1, tzinfo=UTC))
    names = ("key_kind", "key", "subscription_id", "valid_from", "valid_to")
    rows = [dict(zip(names, holding, strict=True)) for holding in numbers]
    put(lake, NUMBER_HOLDINGS, day, (row | {"recorded_at": known} for row in rows))
    names = ("subscription_id", "party_id", "valid_from", "valid_to")
    rows = [dict(zip(names, holding, strict=True)) for holding in parties]
    put(lake, SUBSCRIPTION_HOLDINGS, day, (row | {"recorded_at": known} for row in rows))
    put(lake, SUBSCRIPTIONS, day, subscriptions)
    put(lake, COMPLAINTS, day, complaints)
    put(
        lake,
        ORDER_EVENTS,
        day,
        (
            {
                "seq": seq,
                "event_type": "ProductOrderStateChangeEvent",
                "order_type": order_type,
                "effective_at": effective_at,
                "recorded_at": naive_utc(day_bounds(day)[1]),
            }
            for seq, (order_type, effective_at) in enumerate(events)
        ),
    )
