"""The incidents of the window: numbers and SIMs change, people move, pay late or leave.

Here: who meets with what, when, and the identifiers given out for it. Not here:
what follows from it (`lives.py`). An ordinary subscription meets with at most
one kind of incident, so that no order waits for one that is recorded late.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mingdan.simulator import identities
from mingdan.simulator.campaigns import Campaign
from mingdan.simulator.lives import Change, Kind, Lives, close
from mingdan.simulator.personas import persona
from mingdan.simulator.roster import Ints, Roster
from mingdan.simulator.spec import DAY, HOUR, World

# Shares of the subscribers that meet with it in 35 days.
CLOSED = 0.012
NUMBER_CHANGED = 0.004
SIM_SWAPPED = 0.006
PHONE_LOST = 0.002
TRANSFERRED = 0.0025
PAUSED = 0.003
LATE_PAYERS = 0.01
DEBTORS = 0.003
BILLED = 0.04
HANDSETS = 0.02
PROTECTED = 0.0005


class _Plan:
    """Changes noted so far, and the identifiers and subscriptions still free."""

    def __init__(self, world: World, roster: Roster) -> None:
        self.world = world
        self.roster = roster
        self.rng = world.rng("incidents")
        self.changes: list[Change] = []
        self.parties = int(roster.party.max()) + 1
        spare = 40 + world.subscribers // 20
        self.first_numbers, numbers = _issue(world, roster, spare)
        imsis = identities.imsis(world.rng("imsis"), roster.size + spare)
        self.first_imsis = imsis[: roster.size]
        self.numbers: list[int] = numbers.tolist()
        self.imsis: list[int] = imsis[roster.size :].tolist()
        settled = (roster.archetype == 0) & (roster.opened < world.begin - 200 * DAY)
        alone = np.bincount(roster.party)[roster.party] == 1
        self._free: list[int] = self.rng.permutation(
            np.flatnonzero(settled & alone & (roster.persona == persona("ordinary")))
        ).tolist()

    def one(self) -> int:
        """A subscription nothing else happens to."""
        return self._free.pop()

    def some(self, share: float) -> list[int]:
        """`share` of the subscribers per 35 days, at least one."""
        count = max(1, round(self.world.subscribers * share * self.world.days / 35))
        return [self.one() for _ in range(min(count, len(self._free) - 1))]

    def some_time(self, first: float = 0.0, last: float | None = None) -> int:
        """In office hours of a day between the window's days `first` and `last`."""
        stop = self.world.days - 1 if last is None else last
        day = int(self.rng.uniform(first, max(first + 0.5, stop)))
        return self.world.start(day) + int(self.rng.integers(9 * HOUR, 20 * HOUR))

    def after(self, at: int, least: float, most: float) -> int:
        """An instant `least` to `most` days after `at`."""
        return at + int(self.rng.uniform(least, most) * DAY)

    def note(
        self, line: int, at: int, kind: Kind, value: int = -1, reason: str = "", until: int = 0
    ) -> None:
        self.changes.append(Change(line, at, kind, value, reason, until))


def plan(world: World, roster: Roster, campaigns: Iterable[Campaign]) -> Lives:
    """The lives of all subscriptions of the roster."""
    notes = _Plan(world, roster)
    opened = roster.opened.copy()
    _reissued_numbers(notes, opened)
    for line in notes.some(CLOSED):
        notes.note(line, notes.some_time(), "terminate")
    for line in notes.some(NUMBER_CHANGED):
        notes.note(line, notes.some_time(), "number", notes.numbers.pop())
    for line in notes.some(SIM_SWAPPED):
        notes.note(line, notes.some_time(), "swap", notes.imsis.pop())
    for line in notes.some(PHONE_LOST):
        lost = notes.some_time()
        notes.note(line, lost, "suspend", reason="lost")
        notes.note(line, notes.after(lost, 0.1, 2), "replace", notes.imsis.pop())
    for line in notes.some(TRANSFERRED):
        notes.note(line, notes.some_time(), "transfer", notes.parties)
        notes.parties += 1
    for line in notes.some(PAUSED):
        left = notes.some_time()
        notes.note(line, left, "suspend", reason="customer_request")
        notes.note(line, notes.after(left, 2, 12), "resume", reason="customer_request")
    for line in notes.some(HANDSETS):
        notes.note(line, notes.some_time(), "handset")
    _bills(notes)
    _protections(notes)
    _campaigns(notes, campaigns)
    return close(
        world,
        roster,
        opened=opened,
        numbers=notes.first_numbers,
        imsis=notes.first_imsis,
        changes=notes.changes,
        parties=notes.parties,
    )


def _issue(world: World, roster: Roster, spare: int) -> tuple[Ints, Ints]:
    """First numbers of the roster, and spare ones."""
    rng = world.rng("numbers")
    none = np.empty(0, dtype=np.int64)
    blocks = identities.segments(rng, identities.OWN_PREFIXES, max(3, roster.size // 800), none)
    pool = identities.own_numbers(rng, blocks, roster.size + spare)
    first = pool[: roster.size].copy()
    things = np.flatnonzero(roster.persona == persona("m2m"))
    ports = np.flatnonzero(roster.persona == persona("service_port"))
    # 13-digit numbers of the Internet of things (物联网), and 11-digit ports
    first[things] = 86 * 10**13 + 1440 * 10**9 + 10_000_000 + _distinct(rng, things.size)
    first[ports] = 10_690_000_000 + _distinct(rng, ports.size)
    return first, pool[roster.size :]


def _distinct(rng: np.random.Generator, count: int) -> Ints:
    return np.arange(count) * 37 + rng.integers(0, 37, count) + 1_000


def _reissued_numbers(notes: _Plan, opened: Ints) -> None:
    """Numbers given up early in the window are issued again to new people."""
    wait = min(8.0, notes.world.days * 0.25)
    for heir in np.flatnonzero(notes.roster.heir).tolist():
        former = notes.one()
        left = notes.some_time(0, notes.world.days * 0.6)
        opened[heir] = notes.after(left, 0.25 * wait, wait)
        notes.first_numbers[heir] = notes.first_numbers[former]
        notes.note(former, left, "terminate")


def _bills(notes: _Plan) -> None:
    """Bills: paid in time, paid after a suspension, or never paid."""
    rng = notes.rng
    for line in notes.some(BILLED):
        due, fee = notes.some_time(), int(rng.integers(30, 200)) * 100
        notes.note(line, due - 20 * DAY, "charge", fee, until=due)
        notes.note(line, notes.after(due, -15, -1), "pay", fee)
    for line in notes.some(LATE_PAYERS):
        due, fee = notes.some_time(-10, notes.world.days - 3), int(rng.integers(30, 200)) * 100
        stopped = notes.after(due, 2, 6)
        notes.note(line, due - 20 * DAY, "charge", fee, until=due)
        notes.note(line, stopped, "suspend", reason="arrears")
        if rng.random() < 0.7:
            notes.note(line, notes.after(stopped, 1, 8), "pay", fee)
    for line in notes.some(DEBTORS):
        due = notes.world.begin - int(rng.integers(40, 80)) * DAY
        for month in reversed(range(int(rng.integers(1, 4)))):
            late, fee = due - month * 30 * DAY, int(rng.integers(60, 400)) * 100
            notes.note(line, late - 20 * DAY, "charge", fee, until=late)
        notes.note(line, due + 5 * DAY, "suspend", reason="arrears")


def _protections(notes: _Plan) -> None:
    """红名单: heads of associations who text many, and some who hardly text at all."""
    until, at = notes.world.end + 300 * DAY, notes.world.begin - 40 * DAY
    for line in notes.roster.of("vip_sender").tolist():
        notes.note(line, at, "protect", 1, "spam", until)
    for place, line in enumerate(notes.some(PROTECTED)):
        # one in five was never approved by a second person: it has no effect
        approved = int(place % 5 != 4)
        scope = ("credit", "all", "credit", "spam")[place % 4]
        notes.note(line, at + place, "protect", approved, scope, until)


def _campaigns(notes: _Plan, campaigns: Iterable[Campaign]) -> None:
    """How some get hold of an old account, and what the operator's desk does about some."""
    rng, world = notes.rng, notes.world
    ended = set(notes.roster.returns.tolist())
    for campaign in campaigns:
        line = campaign.subscription
        if campaign.archetype == "turned_bad" and rng.random() < 0.3:
            before = world.start(campaign.days[0]) - int(rng.integers(4, 12)) * HOUR
            notes.note(line, before, "swap", notes.imsis.pop())
        if campaign.ended_at < world.end:
            calls = campaign.archetype in ("one_ring", "call_bomber")
            notes.note(line, campaign.ended_at, "suspend", reason="fraud" if calls else "spam")
            if line in ended or rng.random() < 0.5:
                notes.note(line, campaign.ended_at + 2 * HOUR, "terminate")
