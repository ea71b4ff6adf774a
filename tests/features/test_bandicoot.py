"""Values made by hand by others: bandicoot's users A and B (MIT, see the folder's licence).

Where our feature is bandicoot's, it has the value made by hand, to the three
or four decimals it was made with; `at_hand` says which is which. What bandicoot knows
and we do not: its indicators of recharges, which are not usage.
"""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mingdan.calendar import BUSINESS_ZONE, naive_utc
from tests.features.grow import open_night, result, run
from tests.guiding.rows import Row, event_day, record

SAMPLES = Path(__file__).parent / "bandicoot"


def read(user: str) -> list[Row]:
    """A user's records, as if their local times were ours."""
    rows = []
    with (SAMPLES / f"{user}.csv").open(encoding="ascii") as file:
        for number, line in enumerate(csv.DictReader(file)):
            local = datetime.fromisoformat(line["datetime"]).replace(tzinfo=BUSINESS_ZONE)
            rows.append(
                record(
                    number,
                    naive_utc(local),
                    usage_type="sms" if line["interaction"] == "text" else "voice",
                    direction=line["direction"],
                    served_msisdn=1,
                    other_party=8613800138000 + ord(line["correspondent_id"]),
                    other_kind="mobile",
                    cell=int(line["antenna_id"]),
                    duration_s=int(line["call_duration"]) if line["call_duration"] else None,
                    self_held=True,
                )
            )
    return rows


Given = dict[str, Any]


def at_hand(by_hand: Given) -> dict[str, float]:
    """The hand-made values under our names; std only where it was made."""

    def split(name: str, kind: str) -> Any:
        return by_hand.get(name, {}).get(kind)

    values: dict[str, float | None] = {
        "active_days": split("active_days", "callandtext"),
        "call_seconds_pareto": split("percent_pareto_durations", "call"),
        "initiated_call_share": split("percent_initiated_interactions", "call"),
        "initiated_conversation_share": split("percent_initiated_conversations", "callandtext"),
        "text_response_rate": split("response_rate_text", "callandtext"),
        "cells": by_hand["number_of_antennas"],
        "cell_entropy": by_hand["entropy_of_antennas"],
        "frequent_cells": by_hand["frequent_antennas"],
        "home_share": by_hand["percent_at_home"],
    }
    for kind in ("text", "call"):
        values |= {
            f"{kind}_contacts": split("number_of_contacts", kind),
            f"{kind}_entropy": split("entropy_of_contacts", kind),
            f"{kind}_pareto": split("percent_pareto_interactions", kind),
            f"{kind}_balance": split("balance_of_contacts", kind)["mean"],
            f"nocturnal_{kind}_share": split("percent_nocturnal", kind),
        }
        for ours, theirs in (
            (f"{kind}s_per_contact", split("interactions_per_contact", kind)),
            (f"{kind}_gap", split("interevent_time", kind)),
        ):
            values |= {f"{ours}_{what}": value for what, value in theirs.items()}
    for ours, theirs in (
        ("call_seconds", split("call_duration", "call")),
        ("text_response_delay", split("response_delay_text", "callandtext")),
    ):
        values |= {f"{ours}_{what}": value for what, value in (theirs or {}).items()}
    return {f"{name}_30d": value for name, value in values.items() if value is not None}


@pytest.mark.parametrize(("user", "indicators"), [("A", 31), ("B", 23)])
def test_features_have_the_values_made_by_hand(user: str, indicators: int, tmp_path: Path) -> None:
    rows = read(user)
    day = max(map(event_day, rows))
    night = open_night(tmp_path, 1)
    run(night, rows, day)
    ours = result(night, day)[1]
    by_hand: Given = {
        name: value["allweek"]["allday"]
        for name, value in json.loads((SAMPLES / f"{user}.json").read_text("ascii")).items()
    }
    expected = at_hand(by_hand)
    assert len(expected) == indicators
    assert {name: ours[name] for name in expected} == pytest.approx(expected, abs=5e-4)
    texts = ours["sms_out_30d"] + ours["sms_in_30d"]
    calls = ours["calls_out_30d"] + ours["calls_in_30d"]
    assert {"call": calls, "text": texts} == by_hand["number_of_interactions"]
