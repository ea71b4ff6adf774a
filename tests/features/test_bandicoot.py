"""Values made by hand by others: bandicoot's users A and B (MIT, see the folder's licence).

Where our feature is bandicoot's, it has bandicoot's value; where it is defined
otherwise (the catalogue's `differs`), the parts still add up to it.
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
                    duration_s=int(line["call_duration"]) if line["call_duration"] else None,
                    self_held=True,
                )
            )
    return rows


@pytest.mark.parametrize("user", ["A", "B"])
def test_features_agree_with_values_made_by_hand(user: str, tmp_path: Path) -> None:
    rows = read(user)
    day = max(map(event_day, rows))
    night = open_night(tmp_path, 1)
    run(night, rows, day)
    ours = result(night, day)[1]
    by_hand: dict[str, Any] = {
        name: value["allweek"]["allday"]
        for name, value in json.loads((SAMPLES / f"{user}.json").read_text("ascii")).items()
    }

    texts = ours["sms_out_30d"] + ours["sms_in_30d"]
    calls = ours["calls_out_30d"] + ours["calls_in_30d"]
    seconds = ours["call_seconds_out_30d"] + ours["call_seconds_in_30d"]
    assert {"call": calls, "text": texts} == by_hand["number_of_interactions"]
    assert ours["active_days_30d"] == by_hand["active_days"]["callandtext"]
    assert seconds / calls == by_hand["call_duration"]["call"]["mean"]
    initiated = by_hand["percent_initiated_interactions"]["call"]
    assert ours["calls_out_30d"] / calls == initiated
    assert ours["callees_30d"] <= by_hand["number_of_contacts"]["call"]
    assert ours["recipients_30d"] <= by_hand["number_of_contacts"]["text"]
