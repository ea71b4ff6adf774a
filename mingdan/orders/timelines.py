"""Bitemporal facts in memory: versions of intervals, cut and superseded.

Here: what it means to end, split or begin an interval at an instant, also one
in the past. Not here: who may hold what (`businesses`) and the tables
(`model.py`: `Spans`).

The store never rewrites what it once believed: a version is superseded at the
instant the better knowledge is recorded, and a new version takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

What = tuple[Any, ...]
"""The columns that say what is held by whom, in the table's order."""


@dataclass(slots=True, eq=False)
class Span:
    """One version: `what` held during `[valid_from, valid_to)`."""

    what: What
    valid_from: datetime
    valid_to: datetime | None
    recorded_at: datetime
    superseded_at: datetime | None
    order_id: int
    row_id: int | None = None
    """None: not stored yet."""

    def holds(self, at: datetime) -> bool:
        return self.valid_from <= at and (self.valid_to is None or at < self.valid_to)

    def meets(self, start: datetime, end: datetime | None) -> bool:
        """Whether it overlaps `[start, end)`."""
        return (self.valid_to is None or start < self.valid_to) and (
            end is None or self.valid_from < end
        )


class Timelines:
    """The versions now believed of one table, found by any of its keys.

    `keys`: for each way to look them up, what makes the key of a version.
    """

    def __init__(self, *keys: Callable[[What], What]) -> None:
        self._keys = keys
        self._found: list[dict[What, list[Span]]] = [{} for _ in keys]
        self._stored: set[int] = set()
        self.begun: list[Span] = []
        """Versions to insert."""
        self.ended: list[Span] = []
        """Stored versions that were superseded."""

    def load(self, spans: Iterable[Span]) -> None:
        """Take in stored versions; one that is there already is left alone."""
        for span in spans:
            if span.row_id is not None and span.row_id not in self._stored:
                self._stored.add(span.row_id)
                self._enter(span)

    def of(self, index: int, *key: object) -> list[Span]:
        """Every interval of a key, in no order."""
        return self._found[index].get(key, [])

    def at(self, index: int, instant: datetime, *key: object) -> Span | None:
        """The interval of a key that holds at `instant`."""
        for span in self._found[index].get(key, ()):
            if span.holds(instant):
                return span
        return None

    def begin(
        self,
        what: What,
        start: datetime,
        end: datetime | None,
        recorded_at: datetime,
        order_id: int,
    ) -> None:
        """Believe from `recorded_at` on that `what` holds during `[start, end)`."""
        span = Span(what, start, end, recorded_at, None, order_id)
        self.begun.append(span)
        self._enter(span)

    def cut(self, span: Span, at: datetime, recorded_at: datetime, order_id: int) -> None:
        """Believe from `recorded_at` on that `span` ended at `at` already.

        Cut at its first instant, it never held.
        """
        span.superseded_at = recorded_at
        for key, found in zip(self._keys, self._found, strict=True):
            found[key(span.what)].remove(span)
        if span.row_id is not None:
            self.ended.append(span)
        if span.valid_from < at:
            self.begin(span.what, span.valid_from, at, recorded_at, order_id)

    def _enter(self, span: Span) -> None:
        for key, found in zip(self._keys, self._found, strict=True):
            found.setdefault(key(span.what), []).append(span)
