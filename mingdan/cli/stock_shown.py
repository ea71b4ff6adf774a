"""Showing one resource at the command line: what `number`, `sim` and `handset` share.

Here: the calls and tables of show, history and state. Not here: the records
(`mingdan.orders.stock.records`), which are masked already.
"""

from __future__ import annotations

from typing import Any

from mingdan.cli.counter import store_at
from mingdan.cli.staff import actor, answering, moment, print_json, print_table
from mingdan.orders.stock.desk import StockDesk

_TOLD = ("at", "event", "state", "usage", "until", "subscription_id", "order_type", "by")


def print_record(title: str, record: dict[str, Any], as_json: bool) -> None:
    """One record, a row a field."""
    if as_json:
        print_json(record)
        return
    rows = [(name.replace("_", " "), value) for name, value in record.items()]
    print_table(title, ("what", "value"), rows)


def show_one(
    kind: str,
    name: str,
    who: str,
    role: str,
    interface: str | None,
    at: str | None,
    as_json: bool,
) -> None:
    """The resource as it stands."""
    with answering(as_json), store_at(None) as store:
        record = StockDesk(store).show(kind, name, actor=actor(who, role, interface), at=moment(at))
    print_record(kind.replace("_", " ").capitalize(), record, as_json)


def history_of(
    kind: str,
    name: str,
    who: str,
    role: str,
    interface: str | None,
    at: str | None,
    as_json: bool,
) -> None:
    """Its changes, oldest first."""
    with answering(as_json), store_at(None) as store:
        told = StockDesk(store).history(
            kind, name, actor=actor(who, role, interface), at=moment(at)
        )
    if as_json:
        print_json(told)
        return
    heads = [head for head in _TOLD if any(head in each for each in told)]
    rows = [[each.get(head) for head in heads] for each in told]
    print_table("History", [head.replace("_", " ") for head in heads], rows)


def set_state(
    kind: str,
    name: str,
    to: str,
    who: str,
    role: str,
    interface: str | None,
    at: str | None,
    as_json: bool,
) -> None:
    """Another state, by hand."""
    with answering(as_json), store_at(None) as store:
        record = StockDesk(store).set_state(
            kind, name, to, actor=actor(who, role, interface), at=moment(at)
        )
    print_record(kind.replace("_", " ").capitalize(), record, as_json)
