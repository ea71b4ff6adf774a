"""The synthetic day: who did what when, in chunks of a million records.

Here: usage records as numpy columns, seeded by day and chunk, so that a world is the same
however much of it is made at a time. Not here: who held which number (`orders.py`).

Activity is lognormal, contacts follow a power law, one subscription in two thousand sends
messages in bulk to whomever it finds, and three in a hundred of all records are theirs. Chunks
are slices of the day, so that they are in order of time one after the other. What in it follows
published shapes is told in docs/simulator.md; here only the load has to be like.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.scale.orders import (
    NUMBER,
    SIM,
    Change,
    change_of,
    changed_at,
    new_number,
    new_sim,
)
from mingdan.calendar import day_start, naive_utc
from mingdan.usage.tables import USAGE

LAST = date(2026, 11, 5)
"""The night that is measured."""
CHUNK = 1_000_000
BULK_EVERY, BULK_SHARE = 2000, 0.03
KINDS = np.array(["sms", "voice", "data"])
SHARES = (0.45, 0.35, 0.2)
_SEED = 20261105
_DEVICE = 86_000_000_000_000
_SPREAD = 0x9E3779B97F4A7C15
"""An odd number: multiplying by it scatters a sequence without ever repeating."""
# share of the day's events in each local hour
_RHYTHM = np.array([8, 5, 3, 2, 2, 3, 8, 22, 45, 60, 66, 64, 62, 55, 55, 58, 60, 63, 66, 68, 66, 56,
                    36, 18], dtype=float)  # fmt: skip

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class World:
    """So many subscriptions and so many records a day."""

    subscriptions: int
    records: int

    def chunks(self, day: date) -> Iterator[pl.DataFrame]:
        """The day's records in order of time: columns of table `usage`, unsorted within a tie."""
        count = -(-self.records // CHUNK)
        for chunk in range(count):
            rows = min(CHUNK, self.records - chunk * CHUNK)
            span = (chunk * CHUNK / self.records, (chunk * CHUNK + rows) / self.records)
            yield self._chunk(day, chunk, rows, span)

    @cached_property
    def _activity(self) -> NDArray[np.float64]:
        """Cumulated share of events by subscription."""
        weight = np.random.default_rng(_SEED).lognormal(0, 1.2, self.subscriptions)
        bulk = np.arange(self.subscriptions) % BULK_EVERY == 7
        if bulk.any():
            weight[bulk] = BULK_SHARE * weight.sum() / bulk.sum()
        return np.cumsum(weight) / weight.sum()

    def _chunk(self, day: date, chunk: int, rows: int, span: tuple[float, float]) -> pl.DataFrame:
        dice = np.random.default_rng([_SEED, day.toordinal(), chunk])
        second = np.sort(_second(dice.uniform(*span, rows)))
        who = np.minimum(
            np.searchsorted(self._activity, dice.random(rows)), self.subscriptions - 1
        ).astype(np.int64)
        bulk = who % BULK_EVERY == 7
        kind = dice.choice(3, rows, p=SHARES)
        kind[bulk] = 0
        outgoing = (kind == 2) | (dice.random(rows) < 0.55) | bulk
        rank = (dice.pareto(0.8, rows) * 1.5).astype(np.int64) % 400
        contact = (who * 7919 + rank * 104_729) % (self.subscriptions * 2)
        contact[bulk] = dice.integers(0, self.subscriptions * 2, int(bulk.sum()))
        reference = dice.integers(0, 65_536, rows)
        _segments(dice, kind, who, contact, outgoing, reference)
        sequence = chunk * CHUNK + np.arange(rows, dtype=np.int64)
        return self._frame(dice, day, sequence, second, who, contact, kind, outgoing, reference)

    def _frame(
        self,
        dice: np.random.Generator,
        day: date,
        sequence: Ints,
        second: NDArray[np.float64],
        who: Ints,
        contact: Ints,
        kind: Ints,
        outgoing: NDArray[np.bool_],
        reference: Ints,
    ) -> pl.DataFrame:
        rows = len(who)
        number, sim = _held(who, second, self.subscriptions, day == LAST)
        number[dice.random(rows) < 0.001] += 10**9  # nobody's
        service = contact % 50 == 0
        talk = (dice.exponential(60, rows)).astype(np.int32)
        started = np.datetime64(naive_utc(day_start(day)), "us")
        frame = pl.DataFrame(
            {
                "record_id": _scattered(sequence + day.toordinal() * 10**10),
                "source": np.array(["smsc", "msc", "ggsn"])[kind],
                "usage_type": KINDS[kind],
                "direction": np.where(outgoing, "out", "in"),
                "served_msisdn": number,
                "served_imsi": sim,
                "served_imei": _DEVICE + who,
                "other_party": np.where(service, 106_900_000_000, NUMBER) + contact,
                "other_kind": np.where(service, "service", "mobile"),
                # sources give whole seconds
                "event_at": started + second.astype(np.int64).astype("timedelta64[s]"),
                "duration_s": talk,
                "bytes": dice.lognormal(12, 2, rows).astype(np.int64),
                "charge_fen": np.array([10, 0, 0], np.int32)[kind]
                + np.where(kind == 1, (talk + 59) // 60 * 15, 0).astype(np.int32),
                "cell": (who * 31 + dice.integers(0, 4, rows)) % 40_000,
                "message_ref": reference,
                "_no_sim": dice.random(rows) < 0.03,
                "_no_number": dice.random(rows) < 0.01,
                "_no_device": dice.random(rows) < 0.02,
                "source_line": (sequence + 2).astype(np.int32),
            }
        )
        return _as_given(frame, day)


def days_before(count: int) -> list[date]:
    """`count` days ending with the day before LAST, in order."""
    return [LAST - timedelta(days=back) for back in range(count, 0, -1)]


def _second(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds since local midnight by which a share of the day's events has happened."""
    hours = np.concatenate([[0.0], np.cumsum(_RHYTHM) / _RHYTHM.sum()])
    return np.minimum(np.interp(share, hours, np.arange(25) * 3600.0), 86_399.0)


def _segments(dice: np.random.Generator, kind: Ints, *columns: NDArray[np.generic]) -> None:
    """Some messages become a further segment of the one before."""
    more = np.zeros(len(kind), dtype=bool)
    more[1:] = (kind[1:] == 0) & (kind[:-1] == 0) & (dice.random(len(kind) - 1) < 0.04)
    at = np.flatnonzero(more)
    for column in columns:
        column[at] = column[at - 1]


def _held(
    who: Ints, second: NDArray[np.float64], subscriptions: int, moving: bool
) -> tuple[Ints, Ints]:
    """Number and SIM each record was made with."""
    number, sim = NUMBER + who, SIM + who
    if moving:
        after = second >= changed_at(who)
        change = change_of(who)
        swapped = after & np.isin(change, [Change.SIM, Change.REISSUED])
        sim[swapped] = new_sim(who[swapped], subscriptions)
        renumbered = after & (change == Change.NUMBER)
        number[renumbered] = new_number(who[renumbered], subscriptions)
    return number, sim


def _scattered(sequence: Ints) -> Ints:
    """60-bit record ids, as digests are."""
    with np.errstate(over="ignore"):
        mixed = sequence.astype(np.uint64) * np.uint64(_SPREAD)
    return (mixed & np.uint64(2**60 - 1)).astype(np.int64)


def _as_given(frame: pl.DataFrame, day: date) -> pl.DataFrame:
    """Null what a kind of usage does not have, constant what all have alike."""
    given_by = {
        "other_party": ["sms", "voice"],
        "other_kind": ["sms", "voice"],
        "duration_s": ["voice", "data"],
        "bytes": ["data"],
        "message_ref": ["sms"],
    }
    absent = {
        "served_imsi": "_no_sim",
        "served_msisdn": "_no_number",
        "served_imei": "_no_device",
    }
    source_file = pl.concat_str("source", pl.lit(f"/{day}/all"))
    return frame.with_columns(
        *(
            pl.when(pl.col("usage_type").is_in(kinds)).then(pl.col(name)).alias(name)
            for name, kinds in given_by.items()
        ),
        # a record has a SIM or a number
        *(
            pl.when(~pl.col(flag) | (pl.col("_no_sim") & (name == "served_msisdn")))
            .then(pl.col(name))
            .alias(name)
            for name, flag in absent.items()
        ),
        delivered=pl.lit(day),
        utc_offset_min=pl.lit(480, pl.Int16),
        area=pl.when(pl.col("usage_type") != "data").then(pl.lit(755, pl.Int32)),
        text_digest=pl.lit(None, pl.Int64),
        self_held=pl.lit(False),
        source_file=source_file,
    ).select(USAGE.names)
