"""Speed and values against bandicoot, on the indicators both have.

    git clone https://github.com/computationalprivacy/bandicoot
    python -m benchmarks.bandicoot bandicoot --users 10000

Here: four weeks of heavy-tailed users, bandicoot's own code over them a user
at a time, and our partials and features over the same records. PATH is a
checkout of bandicoot (its release on PyPI divides two indicators by another
number). Not here: its hand-made users (`tests/features/test_bandicoot.py`).
CPU seconds of the whole process. bandicoot reads a file for each user, the only
input it documents, and again is given its records in memory; ours reads its lake,
for the whole month from nothing, and for the last night alone: tomorrow bandicoot
reads the month again. Conversations end at midnight with us: here nobody writes at
night.
"""

from __future__ import annotations

import argparse
import inspect
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.features import settings
from mingdan.calendar import day_start, naive_utc
from mingdan.features.partials import build as build_partials
from mingdan.features.rolling import build as build_features
from mingdan.features.tables import FEATURES
from mingdan.guiding.guide import guide
from mingdan.lake import Lake
from mingdan.night import Night
from mingdan.usage.tables import USAGE, USAGE_FILES
from tests.guiding.rows import put_orders

LAST = date(2026, 11, 8)
DAYS = 28
MORNING, EVENING = 3_600, 79_200
"""No conversation across midnight, which we would count twice."""
BOTH = ("call", "text")


def world(users: int) -> pl.DataFrame:
    """Records with unique seconds a user: who, day, second, kind, direction, contact, place."""
    dice = np.random.default_rng(11)
    counts = np.clip(dice.lognormal(4.3, 0.8, users), 2, 3000).astype(int)
    who = np.repeat(np.arange(users), counts)
    total = len(who)
    day = dice.integers(0, DAYS, total)
    second = dice.integers(MORNING, EVENING - 900, total)
    contact = (dice.pareto(0.9, total) * 2).astype(int) % 60
    # half of them follow the one before, to or from the same contact, within ten minutes
    follows = (dice.random(total) < 0.5) & (np.roll(who, 1) == who)
    for place in np.flatnonzero(follows):
        day[place], contact[place] = day[place - 1], contact[place - 1]
        second[place] = min(second[place - 1] + dice.integers(5, 600), EVENING)
    home = who % 500
    frame = pl.DataFrame(
        {
            "who": who,
            "day": day,
            "second": second,
            "call": dice.random(total) < 0.4,
            "out": dice.random(total) < 0.5,
            "contact": contact,
            "duration": dice.exponential(90, total).astype(int),
            "cell": np.where(dice.random(total) < 0.6, home, home + dice.integers(1, 6, total)),
        }
    )
    return frame.unique(["who", "day", "second"], keep="first").sort("who", "day", "second")


def _lend_what_python_lost() -> None:
    """Two functions that bandicoot is loaded with and that Python 3.11 took away."""

    def argspec(function: Any) -> tuple[Any, ...]:
        return inspect.getfullargspec(function)[:4]

    def written(
        args: Any, varargs: Any, varkw: Any, defaults: Any, formatvalue: Any = "={!r}".format
    ) -> str:
        plain = len(args) - len(defaults or ())
        named = zip(args[plain:], defaults or (), strict=True)
        parts = [*args[:plain], *(f"{name}{formatvalue(value)}" for name, value in named)]
        parts += [f"*{varargs}"] * bool(varargs) + [f"**{varkw}"] * bool(varkw)
        return f"({', '.join(parts)})"

    for name, lent in (("getargspec", argspec), ("formatargspec", written)):
        if not hasattr(inspect, name):
            setattr(inspect, name, lent)


def reading(folder: Path, frame: pl.DataFrame) -> float:
    """CPU seconds of bandicoot's reading the users' files; `theirs` has loaded it."""
    import bandicoot

    midnight = pl.lit(naive_utc(day_start(LAST - timedelta(days=DAYS - 1))) + timedelta(hours=8))
    happened = midnight + pl.duration(days="day", seconds="second")
    texts = frame.select(
        "who",
        interaction=pl.when("call").then(pl.lit("call")).otherwise(pl.lit("text")),
        direction=pl.when("out").then(pl.lit("out")).otherwise(pl.lit("in")),
        correspondent_id="contact",
        datetime=happened.dt.strftime("%Y-%m-%d %H:%M:%S"),
        call_duration=pl.when("call").then("duration"),
        antenna_id="cell",
    )
    people = []
    for (who,), rows in texts.group_by("who", maintain_order=True):
        rows.drop("who").write_csv(folder / f"{who}.csv")
        people.append(str(who))
    used = time.process_time()
    for who in people:
        bandicoot.read_csv(who, str(folder), describe=False, warnings=False)
    return time.process_time() - used


def theirs(path: Path, frame: pl.DataFrame) -> tuple[dict[int, dict[str, Any]], float]:
    """bandicoot's values per user under our names, and its CPU seconds."""
    _lend_what_python_lost()
    sys.path.insert(0, str(path))
    import bandicoot
    from bandicoot.core import Position, Record

    midnight = naive_utc(day_start(LAST - timedelta(days=DAYS - 1))) + timedelta(hours=8)
    users = {
        int(who): [
            Record(
                "call" if call else "text",
                "out" if out else "in",
                str(contact),
                midnight + timedelta(days=day, seconds=second),
                duration if call else None,
                Position(antenna=cell),
            )
            for _, day, second, call, out, contact, duration, cell in rows.iter_rows()
        ]
        for (who,), rows in frame.group_by("who", maintain_order=True)
    }
    one, of = bandicoot.individual, {"groupby": None}
    place = bandicoot.spatial
    found = {}
    used = time.process_time()
    for who, records in users.items():
        user, _ = bandicoot.io.load(str(who), records, {}, warnings=False)

        def ask(indicator: Any, user: Any = user) -> Any:
            return indicator(user, **of)["allweek"]["allday"]

        values = {
            "active_days": ask(one.active_days)["callandtext"],
            "call_seconds_pareto": ask(one.percent_pareto_durations)["call"],
            "initiated_call_share": ask(one.percent_initiated_interactions)["call"],
            "initiated_conversation_share": ask(one.percent_initiated_conversations)["callandtext"],
            "text_response_rate": ask(one.response_rate_text)["callandtext"],
            "cells": ask(place.number_of_antennas),
            "cell_entropy": ask(place.entropy_of_antennas),
            "frequent_cells": ask(place.frequent_antennas),
            "home_share": ask(place.percent_at_home),
        }
        pairs = (
            ("{}_contacts", one.number_of_contacts, ()),
            ("{}_entropy", one.entropy_of_contacts, ()),
            ("{}_pareto", one.percent_pareto_interactions, ()),
            ("nocturnal_{}_share", one.percent_nocturnal, ()),
            ("{}_balance", one.balance_of_contacts, ("mean",)),
            ("{}s_per_contact", one.interactions_per_contact, BOTH),
            ("{}_gap", one.interevent_time, BOTH),
        )
        for name, indicator, what in pairs:
            answer = ask(indicator)
            for kind in BOTH:
                ours, value = name.format(kind), answer[kind]
                if not what:
                    values[ours] = value
                elif what == ("mean",):
                    values[ours] = (value or {}).get("mean")
                else:
                    values |= {
                        f"{ours}_{part}": (value or {}).get(part) for part in ("mean", "std")
                    }
        duration = ask(one.call_duration)["call"]
        delay = ask(one.response_delay_text)["callandtext"]
        for part in ("mean", "std"):
            values[f"call_seconds_{part}"] = (duration or {}).get(part)
            values[f"text_response_delay_{part}"] = (delay or {}).get(part)
        found[who] = values
    return found, time.process_time() - used


def ours(folder: Path, frame: pl.DataFrame) -> tuple[pl.DataFrame, float, float]:
    """Our features of the last day, and the CPU seconds of the month and of the last night."""
    lake = Lake(folder / "lake", buckets=1)
    rows = frame.with_row_index("record_id")
    first = naive_utc(day_start(LAST - timedelta(days=DAYS - 1)))
    usage = pl.DataFrame(schema=lake.schema(USAGE))
    night = Night(settings(str(folder), 2, "1GB"))
    used = tonight = 0.0
    for back in reversed(range(DAYS)):
        day = LAST - timedelta(days=back)
        happened = rows.filter(pl.col("day") == DAYS - 1 - back).select(
            "record_id",
            delivered=pl.lit(day),
            usage_type=pl.when("call").then(pl.lit("voice")).otherwise(pl.lit("sms")),
            direction=pl.when("out").then(pl.lit("out")).otherwise(pl.lit("in")),
            served_msisdn="who",
            other_party=8_613_800_000_000 + pl.col("contact"),
            other_kind=pl.lit("mobile"),
            event_at=pl.lit(first) + pl.duration(days="day", seconds="second"),
            duration_s=pl.when("call").then("duration"),
            cell="cell",
            self_held=pl.lit(True),
        )
        whole = pl.concat([usage, happened.cast({"record_id": pl.Int64})], how="diagonal_relaxed")
        put_orders(lake, day)
        lake.write(USAGE, day, whole)
        lake.write(USAGE_FILES, day, pl.DataFrame(schema=lake.schema(USAGE_FILES)))
        guide(night, day)
        started = time.process_time()
        build_partials(night, day)
        tonight = time.process_time() - started
        used += tonight
    started = time.process_time()
    build_features(night, LAST)
    rolled = time.process_time() - started
    found = lake.scan(FEATURES, [LAST]).sort("subscription_id").collect()
    return found, used + rolled, tonight + rolled


def differing(them: dict[int, dict[str, Any]], us: pl.DataFrame) -> dict[str, int]:
    """How many users differ per indicator; null and bandicoot's 0 for nothing are the same."""
    wrong: dict[str, int] = {}
    for row in us.iter_rows(named=True):
        for name, value in them[row["subscription_id"]].items():
            mine = row[f"{name}_30d"]
            if abs((mine or 0) - (value or 0)) > 1e-6 * max(1, abs(value or 0)):
                wrong[name] = wrong.get(name, 0) + 1
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, help="a checkout of bandicoot")
    parser.add_argument("--users", type=int, default=1000)
    arguments = parser.parse_args()
    frame = world(arguments.users)
    them, their_cpu = theirs(arguments.path, frame)
    with tempfile.TemporaryDirectory(prefix="mingdan-bench-") as folder:
        us, month, tonight = ours(Path(folder), frame)
        read = reading(Path(folder), frame)
    wrong = differing(them, us)
    print(f"{frame.height:,} records of {arguments.users:,} users, {len(them[0])} values each")
    files = their_cpu + read
    for name, cpu in (
        ("bandicoot, from its files", files),
        ("bandicoot, from memory", their_cpu),
        ("Mingdan, a month from nothing", month),
        ("Mingdan, the night", tonight),
    ):
        print(f"{name:<30}{cpu:>8.2f} CPU s{frame.height / cpu:>12,.0f} records per CPU-s")
    print(f"ratio {files / month:.1f} for the month, {files / tonight:.1f} for the night; "
          f"users that differ: {wrong or 'none'}")  # fmt: skip
    # two homes with equally many nights: they take the first met, we the one with more in all
    sys.exit(1 if wrong.keys() - {"home_share"} else 0)


if __name__ == "__main__":
    main()
