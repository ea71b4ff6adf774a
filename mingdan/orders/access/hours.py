"""Hours of the week at which something may be done, as text.

Here: reading `1-5 08:30-18:00; 6,7 09:00-12:00,14:00-17:00` (days 1 is Monday,
times of Asia/Shanghai, ends excluded), `always` and `never`. Not here: who has
which hours (`rules.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from mingdan.calendar import BUSINESS_ZONE
from mingdan.orders.refusals import Refused

_WEEK = range(1, 8)
_DAYS = re.compile(r"([1-7])(?:-([1-7]))?")
_SPAN = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")
_MIDNIGHT = 24 * 60
LONGEST = 200
"""Characters of such a text."""


@dataclass(frozen=True)
class Hours:
    """Minutes of each day of the week, as `(first, end)`; `text` says the same."""

    text: str
    days: tuple[tuple[tuple[int, int], ...], ...]

    def cover(self, at: datetime) -> bool:
        """Whether `at` (aware) is within them, by the clock of Asia/Shanghai."""
        local = at.astimezone(BUSINESS_ZONE)
        minute = local.hour * 60 + local.minute
        return any(first <= minute < end for first, end in self.days[local.isoweekday() - 1])

    @property
    def never(self) -> bool:
        return not any(self.days)


@lru_cache(maxsize=1024)
def parse(text: str) -> Hours:
    """The hours `text` stands for. Raises Refused (invalid_value) if it is not of that form."""
    if text == "always":
        return Hours(text, (((0, _MIDNIGHT),),) * 7)
    if text == "never":
        return Hours(text, ((),) * 7)
    if len(text) > LONGEST:
        raise Refused("invalid_value", field="hours", problem="too long")
    spans: dict[int, list[tuple[int, int]]] = {day: [] for day in _WEEK}
    for part in text.split(";"):
        days, _, times = part.strip().partition(" ")
        found = [_span(each) for each in times.split(",")]
        for day in _days(days):
            spans[day].extend(found)
    return Hours(text, tuple(tuple(sorted(spans[day])) for day in _WEEK))


def _days(text: str) -> list[int]:
    days: list[int] = []
    for part in text.split(","):
        match = _DAYS.fullmatch(part)
        if match is None:
            raise _wrong()
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise _wrong()
        days.extend(range(first, last + 1))
    return days


def _span(text: str) -> tuple[int, int]:
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise _wrong()
    first, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if not first < end <= _MIDNIGHT:
        raise _wrong()
    return first, end


def _wrong() -> Refused:
    return Refused(
        "invalid_value", field="hours", problem="not like '1-5 08:30-18:00; 6,7 09:00-12:00'"
    )
