"""What to simulate: size, window, seed; and the random streams drawn from it.

Here: the one specification of a world and its clock. Not here: who lives in it
(`roster.py`) and what they do. Instants inside the simulator are whole seconds
since 1970-01-01 UTC (`int`); Asia/Shanghai has had no clock changes since 1991,
so a business day is 86,400 of them.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import numpy as np

from mingdan.calendar import BUSINESS_ZONE, day_start, last_business_day
from mingdan.errors import WrongUsage

DAY = 86_400
HOUR = 3_600
NEVER = 1 << 33
"""An instant after every other one (in the year 2242)."""


@dataclass(frozen=True, kw_only=True)
class World:
    """A synthetic operator: equal values give equal bytes of every file.

    `subscribers` is the number of subscriptions in service when the window
    begins (malicious ones and newcomers are added to it). Raises WrongUsage if
    the world is too small to hold every kind of subscriber.
    """

    subscribers: int = 20_000
    days: int = 35
    seed: int = 7
    last_day: date = field(default_factory=last_business_day)
    partner: str = "police_demo"
    """Code of the partner whose list is delivered (not the one a release goes to)."""
    faults: bool = True
    """Whether files carry late, repeated, broken and misattributed records."""

    def __post_init__(self) -> None:
        if self.subscribers < 100:
            raise WrongUsage(f"a world needs at least 100 subscribers, not {self.subscribers}")
        if self.days < 5:
            raise WrongUsage(f"a world needs at least 5 days, not {self.days}")
        if self.seed < 0:
            raise WrongUsage(f"a seed is 0 or more, not {self.seed}")

    @property
    def first_day(self) -> date:
        return self.last_day - timedelta(days=self.days - 1)

    @property
    def begin(self) -> int:
        """First instant of the window."""
        return int(day_start(self.first_day).timestamp())

    @property
    def end(self) -> int:
        """First instant after the window."""
        return self.begin + self.days * DAY

    def start(self, index: int) -> int:
        """First instant of the window's day `index` (0 = first)."""
        return self.begin + index * DAY

    def day(self, index: int) -> date:
        return self.first_day + timedelta(days=index)

    def rng(self, *stream: str | int) -> np.random.Generator:
        """The random stream of that name; streams do not disturb one another."""
        words = [zlib.crc32(str(part).encode()) for part in stream]
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, *words])))

    def share(self, part: float, least: int = 1) -> int:
        """`part` of the subscribers, at least `least` of them."""
        return max(least, round(self.subscribers * part))


def instant(second: int) -> datetime:
    """A simulator instant as an aware `datetime` in Asia/Shanghai."""
    return datetime.fromtimestamp(int(second), tz=BUSINESS_ZONE)
