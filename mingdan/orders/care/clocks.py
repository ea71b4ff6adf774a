"""Service clocks: how long something took, against the time it may take.

Here: the limits of `reference/service_time_limit.csv` with their first day, and
one clock over a history of states. Not here: whose history it is (`flows.py`,
`tickets.py`).

A clock starts when a history enters one of the limit's `from_states`, stands
still in its `stops_in` (usually while the customer has to answer), and ends in
one of its `to_states`. A ticket that opens again starts another clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Literal

from mingdan.calendar import day_start
from mingdan.orders.states import machine
from mingdan.reference import load

Flow = Literal["order", "ticket", "visit"]
Verdict = Literal["kept", "broken", "running", "stopped", "given_up"]
_ANY = "*"


@dataclass(frozen=True)
class Step:
    """A state entered at an instant."""

    state: str
    at: datetime


@dataclass(frozen=True)
class Limit:
    """How long one thing may take, from a day on. Seconds."""

    code: str
    name_zh: str
    flow: str
    business: frozenset[str]
    channel: str
    from_states: frozenset[str]
    to_states: frozenset[str]
    stops_in: frozenset[str]
    limit_s: int
    average_s: int | None
    valid_from: date
    source: str

    def covers(self, business: frozenset[str], channel: str) -> bool:
        """Whether it is about this business (or kind of business) on this channel."""
        mine = _ANY in self.business or bool(self.business & business)
        return mine and self.channel in (_ANY, channel)


@dataclass(frozen=True)
class Clock:
    """One clock and what it shows at the end of the history; instants aware."""

    limit: Limit
    started_at: datetime
    ended_at: datetime | None
    spent: timedelta
    """Without the time it stood still."""
    due_at: datetime | None
    """When the limit was or will be used up; None while it stands still before that."""
    verdict: Verdict


def limits(flow: str) -> tuple[Limit, ...]:
    """Every limit of a flow, of all times."""
    return tuple(limit for limit in _all() if limit.flow == flow)


def longest(flow: str) -> timedelta:
    """The longest limit of a flow."""
    return timedelta(seconds=max(limit.limit_s for limit in limits(flow)))


def clocks(
    flow: str,
    business: Iterable[str],
    channel: str,
    history: Iterable[Step],
    now: datetime,
) -> list[Clock]:
    """Every clock that ran over `history` (in order of time) until `now`.

    Of a limit with several rows, the one in force when the clock started counts.
    """
    steps = [step for step in history if step.at <= now]
    kinds = frozenset(business)
    found: list[Clock] = []
    for versions in _by_code(flow).values():
        versions = [limit for limit in versions if limit.covers(kinds, channel)]
        if versions:
            found += run(versions, steps, now)
    return sorted(found, key=lambda clock: (clock.started_at, clock.limit.code))


def run(versions: list[Limit], steps: list[Step], now: datetime) -> Iterator[Clock]:
    """The clocks of one limit, one after the other; `versions` are its rows over time."""
    limit, started = versions[0], None
    spent, due = timedelta(), None
    last = _end_of(steps, now)
    for step, following in pairwise([*steps, last]):
        if started is None:
            if step.state not in limit.from_states:
                continue
            chosen = _in_force(versions, step.at)
            if chosen is None:
                continue
            limit, started, spent, due = chosen, step.at, timedelta(), None
        elif step.state in limit.to_states or step.state in _final(limit.flow):
            reached = step.state in limit.to_states
            yield _ended(limit, started, step.at, spent, due, reached=reached)
            started = None
            continue
        if step.state not in limit.stops_in:
            left = timedelta(seconds=limit.limit_s) - spent
            spent += following.at - step.at
            if due is None and following.at - step.at > left:
                due = step.at + left
    if started is not None:
        yield _open(limit, started, spent, due, steps[-1], now)


def _ended(
    limit: Limit,
    started: datetime,
    ended: datetime,
    spent: timedelta,
    due: datetime | None,
    *,
    reached: bool,
) -> Clock:
    verdict: Verdict = "broken" if due is not None else "kept" if reached else "given_up"
    return Clock(limit, started, ended, spent, due, verdict)


def _open(
    limit: Limit,
    started: datetime,
    spent: timedelta,
    due: datetime | None,
    last: Step,
    now: datetime,
) -> Clock:
    if due is not None:
        return Clock(limit, started, None, spent, due, "broken")
    if last.state in limit.stops_in:
        return Clock(limit, started, None, spent, None, "stopped")
    left = timedelta(seconds=limit.limit_s) - spent
    return Clock(limit, started, None, spent, now + left, "running")


def _end_of(steps: list[Step], now: datetime) -> Step:
    return Step("", max([now, *(step.at for step in steps)]))


def _in_force(versions: list[Limit], at: datetime) -> Limit | None:
    """The newest row that had begun; before the first, none."""
    begun = [limit for limit in versions if day_start(limit.valid_from) <= at]
    return max(begun, key=lambda limit: limit.valid_from, default=None)


@cache
def _final(flow: str) -> frozenset[str]:
    return machine(flow).final


@cache
def _by_code(flow: str) -> dict[str, list[Limit]]:
    found: dict[str, list[Limit]] = {}
    for limit in limits(flow):
        found.setdefault(limit.code, []).append(limit)
    return found


@cache
def _all() -> tuple[Limit, ...]:
    return tuple(
        Limit(
            code=row["code"],
            name_zh=row["name_zh"],
            flow=row["flow"],
            business=frozenset(row["business"].split()),
            channel=row["channel"],
            from_states=frozenset(row["from_states"].split()),
            to_states=frozenset(row["to_states"].split()),
            stops_in=frozenset(row["stops_in"].split()),
            limit_s=int(row["limit_s"]),
            average_s=int(row["average_s"]) if row["average_s"] else None,
            valid_from=date.fromisoformat(row["valid_from"]),
            source=row["source"],
        )
        for row in load.rows("service_time_limit")
    )
