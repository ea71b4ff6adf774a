"""The night's step `guided usage`: whose usage was it, at that instant.

Here: which event days are guided again, and the counts that must add up. Not
here: how a record finds its subscription (`sql/guiding/`) and how holdings come
about (`orders`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, timedelta
from functools import partial

import polars as pl

from mingdan.calendar import business_day, day_bounds, day_start, days, naive_utc
from mingdan.engine import Job, Read, Result
from mingdan.errors import LakeError, MissingInput
from mingdan.guiding.tables import GUIDED_USAGE, REJECTED_USAGE
from mingdan.lake import Partition
from mingdan.night import Night, Report
from mingdan.orders.tables import NUMBER_HOLDINGS, ORDER_EVENTS, SUBSCRIPTION_HOLDINGS
from mingdan.usage.days import reopened as usage_reopened
from mingdan.usage.tables import USAGE

HOLDING_STAYS = ("SUSPEND", "RESUME", "BILL", "PAY", "PROTECT")
"""Orders after which every number and subscription is held as before; any other may move it."""
REASONS = ("imsi_msisdn_disagree", "no_holder", "no_party")


def reopened(night: Night, day: date) -> list[date]:
    """Event days the night of `day` guides, in order; `day` itself is the last.

    Days with late usage, and days for which an order became known only now
    (from the day it took effect on), at most `late_days` back and only those
    that hold usage. Raises MissingInput if the night's orders are not in the lake.
    """
    moved = _moved_since(night, day)
    late = set(days(moved, day - timedelta(days=1))) & set(night.lake.days(USAGE))
    return sorted({*usage_reopened(night, day), *late})


def _moved_since(night: Night, day: date) -> date:
    """The first day whose holdings an order known only since last night changed.

    `day` itself if there is none, and never more than `late_days` before it.
    """
    if day not in night.lake.days(ORDER_EVENTS):
        raise MissingInput(f"the order snapshot of {day} is missing: run step order_snapshot first")
    late = night.lake.scan(ORDER_EVENTS, [day]).filter(
        pl.col("effective_at") < naive_utc(day_start(day)),
        ~pl.col("order_type").is_in(HOLDING_STAYS),
    )
    since = late.select(pl.col("effective_at").min()).collect().item()
    if since is None:
        return day
    earliest = day - timedelta(days=night.settings.late_days)
    return max(business_day(since.replace(tzinfo=UTC)), earliest)


def guide(night: Night, day: date) -> Report:
    """Guide the usage of every re-opened day with the holdings known by the night of `day`.

    A night that is run again after later ones guides with what those knew, so that
    what they put right stays right.
    Of a re-opened day only what was not guided before is guided, and what is of a
    SIM, number or subscription that last night knew to be held otherwise; the rows
    are those of the whole day guided again, byte for byte.
    Facts: records, guided, rejected, rejected by reason, recycled (rejected
    before, guided now). Raises MissingInput if usage or the order snapshot is
    not there, LakeError if the counts do not add up or the disk refuses.
    """
    event_days = reopened(night, day)
    for table, needed in (
        (NUMBER_HOLDINGS, [day]),
        (SUBSCRIPTION_HOLDINGS, [day]),
        (USAGE, event_days),
    ):
        missing = sorted(set(needed) - set(night.lake.days(table)))
        if missing:
            raise MissingInput(
                f"{table.name} of {', '.join(map(str, missing))} is missing: "
                f"run the steps of stage {table.stage} for {day} first"
            )
    before_ran = _night_before_ran(night, day)
    facts = {"event days": len(event_days), "records": 0, "guided": 0, "rejected": 0}
    facts |= {f"rejected {reason}": 0 for reason in REASONS} | {"recycled": 0}
    partitions: list[Partition] = []
    with night.engine.connect() as connection:
        for event_day in event_days:
            before = night.lake.scan(REJECTED_USAGE, [event_day]).select("record_id").collect()
            received = night.lake.partition(USAGE, event_day).rows
            start, end = day_bounds(event_day)
            known_on = _last_known(night, event_day, day)
            # tonight's own day is new, but for a night run again: then it is made whole
            holds = before_ran and event_day < day == known_on
            guided, rejected = night.engine.make(
                _job(event_day, known_on, known=[event_day] if holds else []),
                event_day,
                {"day_start": naive_utc(start), "day_end": naive_utc(end)},
                connection=connection,
                check=partial(_add_up, event_day, received),
            )
            after = (
                night.lake.scan(REJECTED_USAGE, [event_day]).select("record_id", "reason").collect()
            )
            facts["records"] += received
            facts["guided"] += guided.rows
            facts["rejected"] += rejected.rows
            for reason, count in after.group_by("reason").len().iter_rows():
                facts[f"rejected {reason}"] += count
            facts["recycled"] += before.join(after, on="record_id", how="anti").height
            partitions += [guided, rejected]
    return Report(tuple(partitions), {**facts})


def _add_up(event_day: date, received: int, made: Mapping[str, int]) -> None:
    guided, rejected = made[GUIDED_USAGE.name], made[REJECTED_USAGE.name]
    if received != guided + rejected:
        raise LakeError(
            f"guiding of {event_day} does not add up: {received} received, {guided} guided, "
            f"{rejected} rejected. Do holdings of one number overlap?"
        )


def _last_known(night: Night, event_day: date, day: date) -> date:
    """The last night that had a say about an event day: `day`, or a later one already there."""
    last = event_day + timedelta(days=night.settings.late_days)
    held = set(night.lake.days(NUMBER_HOLDINGS)) & set(night.lake.days(SUBSCRIPTION_HOLDINGS))
    return max((known for known in held if day < known <= last), default=day)


def _night_before_ran(night: Night, day: date) -> bool:
    """Whether the night before guided its days with all it knew: else it may not be built on."""
    yesterday = day - timedelta(days=1)
    tables = (ORDER_EVENTS, NUMBER_HOLDINGS, SUBSCRIPTION_HOLDINGS, GUIDED_USAGE)
    return all(yesterday in night.lake.days(table) for table in tables)


def _job(event_day: date, day: date, known: list[date]) -> Job:
    """`known`: the event day if what the night before guided of it may stay, else nothing."""
    before = [day - timedelta(days=1)] if known else []
    return Job(
        inputs=[
            Read(USAGE, [event_day]),
            Read(GUIDED_USAGE, known, alias="old_guided"),
            Read(NUMBER_HOLDINGS, [day]),
            Read(SUBSCRIPTION_HOLDINGS, [day]),
            Read(NUMBER_HOLDINGS, before, alias="old_number_holdings"),
            Read(SUBSCRIPTION_HOLDINGS, before, alias="old_subscription_holdings"),
        ],
        shared=[
            Result("steady", "guiding/steady"),
            Result("moved", "guiding/moved"),
            Result("gone", "guiding/gone"),
            Result("quick", "guiding/quick", over=USAGE.name),
            Result("slow", "guiding/slow", over="quick"),
        ],
        outputs=[
            (GUIDED_USAGE, "guiding/guided_usage"),
            (REJECTED_USAGE, "guiding/rejected_usage"),
        ],
    )
