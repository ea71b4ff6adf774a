"""Complaints our own desks took down (工单), beside those that come as files.

Here: which tickets of the order store a night counts, each once. Not here: what
a complaint's words mean (`complaints.py`) and the tickets' lives
(`mingdan.orders.care`).

A night takes what was recorded by its `known_at`, stands, and was not counted
by another night; what is recorded late is counted by the next night. Once a
later night has run, a past one repeats the tickets it took.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl

from mingdan.calendar import known_at
from mingdan.night import Night
from mingdan.orders.care.complaint_facts import KnownComplaint, standing, taken_back
from mingdan.reports.complaints import parse
from mingdan.reports.delivered import Bad, Delivered, Flaw, Good, set_aside
from mingdan.reports.policy import Policy
from mingdan.reports.tables import COMPLAINTS

SOURCE = "tickets"
FILE = "order store: tickets"
"""What stands where other reports name their file."""
KEPT_DAYS = 75
"""How far back a ticket may have been recorded whose complaint can still count."""


def withdrawn_by(night: Night, day: date) -> list[str]:
    """References of complaint tickets rejected or cancelled by the night of `day`."""
    return taken_back(night.orders, _before(day, KEPT_DAYS), known_at(day))


def tickets_of(night: Night, day: date, policy: Policy, file: Delivered) -> Delivered:
    """The complaint tickets the night of `day` counts, beside the complaints of `file`.

    A ticket that also stands in the file, word for word, is the file's; where the
    file has other words under a ticket's reference, the ticket counts and the line
    is set aside.
    """
    delivered = Delivered(file=FILE, source=SOURCE)
    written = {row.record["complaint_id"]: row for row in file.good}
    conflicts: dict[int, str] = {}
    since = _before(day, policy.complaints.window_days)
    elsewhere, own = _taken(night, day, policy.complaints.window_days)
    for known in standing(night.orders, since, known_at(day)):
        ref = known.line["complaint_id"]
        if ref in elsewhere or (own is not None and ref not in own):
            continue
        raw = ",".join(known.line.values()).encode("ascii")
        try:
            record = parse(known.line, day=day, policy=policy)
        except Flaw as flaw:
            if _new(known, day):
                delivered.received += 1
                delivered.bad.append(Bad(known.ticket_id, flaw.reason, flaw.column, raw))
            continue
        line = written.get(ref)
        if line is not None and line.record == record:
            continue
        if line is not None:
            conflicts[line.line] = "conflict"
        delivered.received += 1
        delivered.good.append(Good(known.ticket_id, record, raw))
    set_aside(file, conflicts, "complaint_id")
    return delivered


def _taken(night: Night, day: date, window: int) -> tuple[set[str], set[str] | None]:
    """Complaints that other nights counted; and of this night, where it is settled already."""
    first, last = day - timedelta(days=window), max(night.lake.days(COMPLAINTS), default=day)
    held = night.lake.rows_by_day(COMPLAINTS, first, max(day, last))
    rows = night.lake.scan(COMPLAINTS, [each for each, count in held.items() if count])
    ids = rows.select("complaint_id", mine=pl.col("date") == day).collect()
    elsewhere = set(ids.filter(~pl.col("mine"))["complaint_id"])
    settled = day in held and last > day
    return elsewhere, set(ids.filter("mine")["complaint_id"]) if settled else None


def _new(known: KnownComplaint, day: date) -> bool:
    """Whether this night is the first to see it: what is at fault is said once."""
    return known.recorded_at > _before(day, 1)


def _before(day: date, nights: int) -> datetime:
    return known_at(day - timedelta(days=nights))
