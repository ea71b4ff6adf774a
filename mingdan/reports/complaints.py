"""Complaints (投诉): the file of a day, line by line.

Here: reading `complaints.csv`, and what a line of it means. Not here: complaints
taken down by our own desks (`tickets.py`), whose number it was (`binding.py`)
and what complaints are worth (`assertions.py`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from functools import partial

from mingdan.calendar import day_start, known_at, naive_utc
from mingdan.errors import InputRefused, LakeError, MissingInput
from mingdan.landed import NotPlain, check_inside, there
from mingdan.reports import fields
from mingdan.reports.delivered import (
    Delivered,
    Flaw,
    Record,
    Unreadable,
    read,
    set_apart,
    set_aside,
)
from mingdan.reports.policy import Policy
from mingdan.settings import Settings

SOURCE = "complaints"
HEADER = (
    "complaint_id",
    "channel",
    "category",
    "received_at",
    "occurred_at",
    "reported_number",
    "reporter_number",
)
_HARMLESS = ("duplicate_id", "already_received", "withdrawn", "older_version")


def complaints_of(
    settings: Settings,
    day: date,
    policy: Policy,
    earlier: Collection[str],
    withdrawn: Collection[str] = (),
) -> Delivered:
    """The complaints delivered on `day`; ids in `earlier` were taken before.

    Those in `withdrawn` are tickets of ours that were taken back after the file was made.

    Raises MissingInput if the file is required and absent, InputRefused if it
    is not the file agreed on or too much of it is bad: a night without its
    complaints would look like one without cause for complaint.
    """
    path = settings.landing / "reports" / SOURCE / day.isoformat() / "complaints.csv"
    delivered = Delivered(file=str(path.relative_to(settings.landing)), source=SOURCE)
    if not there(path):
        if SOURCE in settings.required_reports:
            raise MissingInput(f"complaints of {day} have not arrived: {path} does not exist")
        return delivered
    try:
        check_inside(path, settings.landing)
        read(path, delivered, HEADER, policy.caps, partial(parse, day=day, policy=policy))
    except Unreadable as error:
        raise InputRefused(f"{path}: {error.reason}; expected {','.join(HEADER)}") from error
    except NotPlain as error:
        raise InputRefused(f"{path} is not read: {error.strerror}") from error
    except OSError as error:
        raise LakeError(f"cannot read {path}: {error}") from error
    set_apart(delivered, "complaint_id")
    for ids, reason in ((withdrawn, "withdrawn"), (earlier, "already_received")):
        gone = {row.line: reason for row in delivered.good if row.record["complaint_id"] in ids}
        set_aside(delivered, gone, "complaint_id")
    if too_many_bad(delivered, policy, settings):
        raise InputRefused(
            f"{path}: {len(delivered.bad)} of {delivered.received} lines are bad, more than "
            f"{settings.bad_rows_limit:.0%}; first: line {delivered.bad[0].line} "
            f"({delivered.bad[0].reason})"
        )
    return delivered


def too_many_bad(delivered: Delivered, policy: Policy, settings: Settings) -> bool:
    """Whether the file as a whole cannot be trusted. Some lines are nobody's fault."""
    bad = sum(row.reason not in _HARMLESS for row in delivered.bad)
    return bad >= policy.caps.min_bad_rows and bad > settings.bad_rows_limit * delivered.received


def parse(values: dict[str, str], *, day: date, policy: Policy) -> Record:
    """A complaint by its columns, as of the night of `day`. Raises Flaw."""
    rules = policy.complaints
    received = fields.instant(values["received_at"], "received_at")
    occurred = fields.instant(values["occurred_at"], "occurred_at")
    if received > naive_utc(known_at(day)):
        raise Flaw("future_time", "received_at")
    if received < naive_utc(day_start(day - timedelta(days=rules.max_age_days))):
        raise Flaw("too_old", "received_at")
    if occurred > received:
        raise Flaw("future_time", "occurred_at")
    if received - occurred > timedelta(days=rules.max_age_days):
        raise Flaw("too_old", "occurred_at")
    reported = fields.any_number(values["reported_number"], "reported_number")
    withheld = values["reporter_number"] == ""
    reporter = None if withheld else fields.any_number(values["reporter_number"], "reporter_number")
    if reporter == reported:
        raise Flaw("self_report", "reporter_number")
    return {
        "complaint_id": fields.code(values["complaint_id"], "complaint_id"),
        "channel": fields.one_of(values["channel"], rules.channels, "channel", "unknown_channel"),
        "category": fields.one_of(
            values["category"], tuple(rules.categories), "category", "unknown_category"
        ),
        "received_at": received,
        "occurred_at": occurred,
        "number": reported,
        "reporter": reporter,
        "held_at": occurred,
    }
