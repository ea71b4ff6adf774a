"""The features of habits (who, how evenly, how answered, where), in plain loops.

Here: the slow, obvious reading of the catalogue's meanings that the SQL must
equal; each takes the rows it is about. Not here: the rest (`reference.py`).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from itertools import pairwise
from statistics import pstdev
from typing import Any

from tests.guiding.rows import Row, at, event_day

Values = dict[str, Any]
HOUR = 3600
NIGHT_ENDS, NIGHT_BEGINS = 7 * HOUR, 19 * HOUR
ECI = 2**28


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def second_of_day(row: Row) -> int:
    return math.floor((row["event_at"] - at(event_day(row))).total_seconds())


def mean(values: list[int]) -> float | None:
    return ratio(sum(values), len(values))


def deviation(values: list[int]) -> float | None:
    return pstdev(values) if values else None


def entropy(counts: Iterable[int]) -> float | None:
    counts = list(counts)
    whole = sum(counts)
    return -sum(n / whole * math.log(n / whole) for n in counts) + 0.0 if counts else None


def how_many_make_four_fifths(counts: Iterable[int]) -> int:
    largest_first = sorted(counts, reverse=True)
    missing = math.ceil(sum(largest_first) * 4 / 5)
    taken = 0
    while missing > 0:
        missing -= largest_first[taken]
        taken += 1
    return taken


def contacts(kind: str, rows: list[Row]) -> Values:
    """Of all messages, or of all calls, either way: with whom and how evenly."""
    known = [row for row in rows if row["other_party"] is not None]
    each = Counter(row["other_party"] for row in known)
    seconds: Counter[int] = Counter()
    sent: Counter[int] = Counter()
    for row in known:
        seconds[row["other_party"]] += row["duration_s"] or 0
        sent[row["other_party"]] += row["direction"] == "out"
    talked = sum(seconds.values())
    return {
        f"{kind}_contacts": len(each),
        f"{kind}s_per_contact_mean": mean(list(each.values())),
        f"{kind}s_per_contact_std": deviation(list(each.values())),
        f"{kind}_entropy": entropy(each.values()),
        f"{kind}_pareto": ratio(how_many_make_four_fifths(each.values()), len(each)),
        f"{kind}_seconds_pareto": ratio(how_many_make_four_fifths(seconds.values()), len(each))
        if talked
        else None,
        f"{kind}_balance": ratio(sum(n / len(known) for n in sent.values()), len(each)),
        f"nocturnal_{kind}_share": ratio(
            sum(not NIGHT_ENDS < second_of_day(row) < NIGHT_BEGINS for row in rows), len(rows)
        ),
    }


def gaps(kind: str, rows: list[Row], first: date) -> Values:
    """From one message (or call) to the next, midnights included."""
    at_second = sorted((event_day(row) - first).days * 86_400 + second_of_day(row) for row in rows)
    found = [after - before for before, after in pairwise(at_second)]
    return {f"{kind}_gap_mean": mean(found), f"{kind}_gap_std": deviation(found)}


def conversations(acts: list[Row]) -> Values:
    """Who began them, whether it answered, and how soon."""
    talks: dict[tuple[date, int], list[Row]] = defaultdict(list)
    for row in sorted(acts, key=lambda row: (row["event_at"], row["record_id"])):
        if row["other_party"] is not None:
            talks[event_day(row), row["other_party"]].append(row)
    found: list[list[Row]] = []
    for rows in talks.values():
        open_one: list[Row] = []
        last: int | None = None
        for row in rows:
            now = second_of_day(row)
            if row["usage_type"] != "sms" or (last is not None and now - last >= HOUR):
                found.append(open_one)
                open_one = []
            if row["usage_type"] == "sms":
                open_one.append(row)
            last = now
        found.append(open_one)
    found = [talk for talk in found if talk]
    theirs = [talk for talk in found if talk[0]["direction"] == "in"]
    delays = [
        second_of_day(after) - second_of_day(before)
        for talk in found
        for before, after in pairwise(talk)
        if (before["direction"], after["direction"]) == ("in", "out")
    ]
    delays = [delay for delay in delays if delay > 0]
    answered = [talk for talk in theirs if any(row["direction"] == "out" for row in talk)]
    return {
        "initiated_conversation_share": ratio(len(found) - len(theirs), len(found)),
        "text_response_rate": ratio(len(answered), len(theirs)),
        "text_response_delay_mean": mean(delays),
        "text_response_delay_std": deviation(delays),
    }


def places(acts: list[Row], pseudonym: Callable[[int], int]) -> Values:
    """By half hours: the cell of most records, of the first, of the lower number."""
    halves: dict[tuple[date, int], list[Row]] = defaultdict(list)
    for row in acts:
        if row["cell"] is not None:
            halves[event_day(row), second_of_day(row) // 1800].append(row)
    where, nights, areas = Counter[int](), Counter[int](), set()
    for (_, half), rows in halves.items():
        cells = {row["cell"] for row in rows}
        cell = min(
            cells,
            key=lambda cell: (
                -sum(row["cell"] == cell for row in rows),
                min(second_of_day(row) for row in rows if row["cell"] == cell),
                cell % ECI,
            ),
        )
        where[cell] += 1
        nights[cell] += not NIGHT_ENDS <= half * 1800 < NIGHT_BEGINS
        areas |= {row["area"] for row in rows if row["cell"] == cell}
    home = min(where, key=lambda cell: (-nights[cell], -where[cell], pseudonym(cell)), default=None)
    return {
        "cells": len(where),
        "areas": len(areas - {None}),
        "frequent_cells": how_many_make_four_fifths(where.values()),
        "cell_entropy": entropy(where.values()),
        "home_share": ratio(where[home], where.total()) if home and nights[home] else None,
    }


def habits(
    mine: list[Row], acts: list[Row], first: date, pseudonym: Callable[[int], int]
) -> Values:
    """All of them for one window that begins on `first`, without suffix."""
    texts = [row for row in acts if row["usage_type"] == "sms"]
    calls = [row for row in acts if row["usage_type"] == "voice"]
    sent = [row for row in acts if row["direction"] == "out"]
    data = [row for row in mine if row["usage_type"] == "data"]
    durations = [row["duration_s"] for row in calls if row["duration_s"] is not None]
    reached = {row["other_party"] for row in sent} - {None}
    events = Counter(row["other_party"] for row in acts)
    mobiles = {row["other_party"] for row in sent if row["other_kind"] == "mobile"}
    days = Counter(map(event_day, sent))
    spent: Counter[date] = Counter()
    for row in mine:
        spent[event_day(row)] += row["charge_fen"] or 0
    devices = Counter(row["served_imei"] for row in mine if row["served_imei"])
    made = sum(row["direction"] == "out" for row in calls)
    return {
        **contacts("text", texts),
        **contacts("call", calls),
        **gaps("text", texts, first),
        **gaps("call", calls, first),
        **conversations(acts),
        **places(acts, pseudonym),
        "call_seconds_mean": mean(durations),
        "call_seconds_std": deviation(durations),
        "data_sessions": len(data),
        "data_days": len(set(map(event_day, data))),
        "spend_per_day": ratio(spent.total(), len(spent)),
        "top_spend_day_share": ratio(max(spent.values(), default=0), spent.total()),
        "prefix_entropy": entropy(Counter(str(number)[:9] for number in mobiles).values()),
        "initiated_call_share": ratio(made, len(calls)),
        "hours_of_day": len({second_of_day(row) // HOUR for row in sent}),
        "busiest_day_share": ratio(max(days.values(), default=0), len(sent)),
        "weekend_share": ratio(sum(event_day(row).weekday() >= 5 for row in sent), len(sent)),
        "tried_once_share": ratio(sum(events[number] == 1 for number in reached), len(reached)),
        "mobile_share": ratio(len(mobiles), len(reached)),
        "main_device_share": ratio(max(devices.values(), default=0), devices.total()),
        "reached": len(reached),
    }
