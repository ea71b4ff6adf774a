"""The rows of plain openings, table by table, made as columns.

Here: the same rows as `businesses/opening.py` leaves for one that brings a new party,
number and SIM. Not here: which openings are plain (`plain.py`) and writing (`flush.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

import msgspec

from mingdan.orders.batch import path_of
from mingdan.orders.bulk import ticks_of
from mingdan.orders.keys import Keys
from mingdan.orders.openings import Openings
from mingdan.orders.states import machine

_ENCODER = msgspec.json.Encoder()


@dataclass(slots=True)
class PlainRows:
    """Values of new rows by table, one after the other, instants as microseconds since 1970."""

    flat: dict[str, list[Any]] = field(default_factory=dict)
    events: list[Any] = field(default_factory=list)
    """As `flat`, without payloads."""

    def add(self, table: str, *columns: Any) -> None:
        self.flat.setdefault(table, []).extend(chain.from_iterable(zip(*columns, strict=False)))


@dataclass(frozen=True, slots=True)
class Given:
    """The keys some openings got, in their order."""

    orders: list[int]
    subscriptions: list[int]
    parties: list[int]


def write_down(rows: PlainRows, found: Openings, keys: Keys) -> Given:
    """Add the rows of `found` with new keys, given out as to one opening after the other."""
    count = len(found)
    orders = keys.take("product_order", count)
    parties = keys.take("party", count)
    subscriptions = keys.take("subscription", count)
    accounts = keys.take("billing_account", count)
    products = keys.take("product", count)
    at = ticks_of([work.at for work in found.works])
    known = ticks_of([work.recorded_at for work in found.works])
    none = repeat(None)
    active = repeat(machine("product").walk(None, "created", "pendingActive", "active"))
    in_service = repeat(machine("msisdn").walk("available", "reserved", "in_service"))
    in_use = repeat(machine("sim").walk("in_stock", "reserved", "in_use"))
    action, state, events = path_of("OPEN", None)

    rows.add("party", parties, found.parties, found.party_types, found.names,
             found.document_types, found.document_numbers, found.contacts, known)  # fmt: skip
    rows.add("billing_account", accounts, at)
    rows.add("subscription", subscriptions, found.subscriptions, accounts, at, known, none, none,
             known)  # fmt: skip
    rows.add("product", products, subscriptions, found.products, active, at, none)
    rows.add("msisdn", found.numbers, in_service, none, subscriptions, known)
    rows.add("sim_card", found.iccids, found.imsis, in_use, none, subscriptions, known)
    rows.add("product_order", orders, found.orders, repeat("OPEN"), repeat(state),
             [work.channel for work in found.works], subscriptions, parties, at, at, known,
             [work.digest for work in found.works])  # fmt: skip
    rows.add("product_order_item", keys.take("product_order_item", count), orders, repeat(1),
             repeat(action), repeat(state), products, _characteristics(found))  # fmt: skip
    held = zip(map(int, found.numbers), map(int, found.imsis), strict=True)
    rows.add("number_holding", keys.take("number_holding", 2 * count), _twice("msisdn", "imsi"),
             chain.from_iterable(held), _both(subscriptions), _both(orders), _both(at), none,
             _both(known), none)  # fmt: skip
    rows.add("subscription_holding", keys.take("subscription_holding", count), subscriptions,
             parties, orders, at, none, known, none)  # fmt: skip
    _log(rows, events, orders, subscriptions, parties, at, known)
    return Given(orders, subscriptions, parties)


def _log(rows: PlainRows, events: Sequence[tuple[str, str]], *columns: list[int]) -> None:
    """Events of each order, one order after the other."""
    steps = [
        zip(repeat(kind), repeat("OPEN"), columns[0], repeat(reached), *columns[1:], repeat(None))
        for kind, reached in events
    ]
    rows.events.extend(chain.from_iterable(chain.from_iterable(zip(*steps, strict=True))))


def _characteristics(found: Openings) -> list[str]:
    """Of digits and letters only, but for the offering's code."""
    codes = {code: _ENCODER.encode(code).decode() for code in set(found.products)}
    return [
        f'{{"productOffering":{codes[code]},"msisdn":[null,"{number}"],'
        f'"iccid":[null,"{iccid}"],"imsi":[null,"{imsi}"]}}'
        for code, number, iccid, imsi in zip(
            found.products, found.numbers, found.iccids, found.imsis, strict=True
        )
    ]


def _twice(one: str, other: str) -> Any:
    return chain.from_iterable(repeat((one, other)))


def _both(values: list[int]) -> Any:
    return chain.from_iterable(zip(values, values, strict=True))
