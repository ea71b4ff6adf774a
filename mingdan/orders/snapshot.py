"""The night's step `orders`: the store as it was known, into the lake.

Here: the tables of `tables.py` for one day. Not here: how the store is
read (`reading.py`).
"""

from __future__ import annotations

from datetime import date, timedelta

from mingdan.calendar import day_bounds, known_at
from mingdan.errors import MissingInput
from mingdan.night import Night, Report
from mingdan.orders import tables

WINDOW_DAYS = 30
"""The longest feature window; guiding needs holders back to its beginning, and late days."""
SLACK_DAYS = 8


def _must_be_the_store(night: Night, day: date) -> None:
    """Refuse a store that lacks what an earlier night knew.

    A store that was lost, or brought back from an older copy, would look like
    customers who left: labels would be cleared and entries taken back for no reason.
    """
    for held in reversed([each for each in night.lake.days(tables.ORDER_EVENTS) if each <= day]):
        frame = night.lake.scan(tables.ORDER_EVENTS, [held]).select("seq", "order_id")
        newest = frame.sort("seq").last().collect()
        if newest.is_empty():
            continue
        path = night.settings.order_file
        if path is not None and not path.exists():
            raise MissingInput(f"the order store {path} is missing: bring it back and run again")
        seq, order_id = newest.row(0)
        if not night.orders.has_event(seq, order_id):
            raise MissingInput(
                f"the order store lacks event {seq}, known by the night of {held}: it is not the "
                "one that night read, or an older copy. Bring back the newest and run again"
            )
        return


def snapshot(night: Night, day: date) -> Report:
    """Write the day's order tables as known at `known_at(day)`.

    Holdings that reach into the last 45 days (30-day window, late days and a
    week), subscriptions that were not terminated before, all protections and upheld appeals, and
    the events recorded since the night before. Raises MissingInput if the store
    lacks what an earlier night knew. The same day again gives the
    same bytes, whatever was ordered in the meantime.
    """
    instant = known_at(day)
    back = max(WINDOW_DAYS + night.settings.late_days + SLACK_DAYS, 45)
    since = day_bounds(day - timedelta(days=back))[0]
    _must_be_the_store(night, day)
    store = night.orders
    # An order recorded before `instant` may still be on its way into the database.
    store.settle()
    frames = {
        tables.ORDER_EVENTS: store.order_events(known_at(day - timedelta(days=1)), instant),
        tables.NUMBER_HOLDINGS: store.number_holdings(instant, since=since),
        tables.SUBSCRIPTION_HOLDINGS: store.subscription_holdings(instant, since=since),
        tables.SUBSCRIPTIONS: store.subscriptions(instant, day, pepper=night.pepper, since=since),
        tables.PROTECTIONS: store.protections(instant),
        tables.APPEALS: store.appeals(instant),
    }
    partitions = tuple(night.lake.write(table, day, frame) for table, frame in frames.items())
    statuses = frames[tables.SUBSCRIPTIONS]["status"]
    return Report(
        partitions,
        {
            "order events": frames[tables.ORDER_EVENTS].height,
            "number holdings": frames[tables.NUMBER_HOLDINGS].height,
            "subscriptions in service": int((statuses != "terminated").sum()),
            "suspended": int((statuses == "suspended").sum()),
            "protections": frames[tables.PROTECTIONS].height,
            "appeals upheld": frames[tables.APPEALS].height,
        },
    )
