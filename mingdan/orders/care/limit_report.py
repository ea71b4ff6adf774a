"""Kept and broken service time limits of a day, by business and interface.

Here: counting clocks (`clocks.py`) over a day's cases. Not here: single flows.

A limit counts once, on the day it was decided: kept on the day the work was
done, broken on the day the time ran out, whether or not the work was done since.
So the report of a day that is over never changes, and days add up.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from mingdan.calendar import day_bounds
from mingdan.orders import checks
from mingdan.orders.care import cases
from mingdan.orders.care.clocks import Clock, Limit, clocks
from mingdan.orders.store import OrderStore

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class LimitLine:
    """One limit for one business at one interface on one day. Times in seconds.

    `kept` and `broken` were decided that day; `mean_s` and `worst_s` are of the
    work done (`done`) that day, without the time its clock stood still.
    """

    flow: str
    business: str
    interface: str
    limit: Limit
    kept: int
    broken: int
    done: int
    mean_s: float | None
    worst_s: float | None

    @property
    def average_kept(self) -> bool | None:
        """Whether the mean is within the limit's average; None if there is no such rule."""
        if self.limit.average_s is None or self.mean_s is None:
            return None
        return self.mean_s <= self.limit.average_s


@dataclass
class _Tally:
    limit: Limit
    kept: int = 0
    broken: int = 0
    spent: list[float] = field(default_factory=list)


def limit_report(store: OrderStore, day: date, *, at: datetime) -> tuple[LimitLine, ...]:
    """The lines of `day` (Asia/Shanghai), as far as it had gone at `at`."""
    first, end = day_bounds(day)
    until = min(end, checks.instant("at", at) + _INSTANT)
    tallies: dict[tuple[str, str, str, str], _Tally] = {}
    with store.database.reading() as connection:
        for case in cases.touched(connection, first, until):
            for clock in clocks(case.flow, case.kinds, case.channel, case.steps, until):
                key = (case.flow, case.business, case.interface, clock.limit.code)
                _count(tallies, key, clock, first, until)
    return tuple(_line(key, tallies[key]) for key in sorted(tallies))


def totals(lines: tuple[LimitLine, ...]) -> dict[str, tuple[int, int]]:
    """Kept and broken over all businesses and interfaces, by limit code."""
    found: defaultdict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for line in lines:
        kept, broken = found[line.limit.code]
        found[line.limit.code] = (kept + line.kept, broken + line.broken)
    return dict(found)


def _count(
    tallies: dict[tuple[str, str, str, str], _Tally],
    key: tuple[str, str, str, str],
    clock: Clock,
    first: datetime,
    until: datetime,
) -> None:
    done = clock.ended_at is not None and first <= clock.ended_at < until
    kept = clock.verdict == "kept" and done
    due = clock.due_at
    broken = clock.verdict == "broken" and due is not None and first <= due < until
    finished = done and clock.verdict in ("kept", "broken")
    if not (kept or broken or finished):
        return
    tally = tallies.setdefault(key, _Tally(clock.limit))
    tally.kept += kept
    tally.broken += broken
    if finished:
        tally.spent.append(clock.spent.total_seconds())


def _line(key: tuple[str, str, str, str], tally: _Tally) -> LimitLine:
    flow, business, interface, _ = key
    spent = tally.spent
    return LimitLine(
        flow=flow,
        business=business,
        interface=interface,
        limit=tally.limit,
        kept=tally.kept,
        broken=tally.broken,
        done=len(spent),
        mean_s=round(sum(spent) / len(spent), 3) if spent else None,
        worst_s=max(spent, default=None),
    )
