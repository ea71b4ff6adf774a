"""What all live reports assert of whom as of a night.

Here: complaints and partners' entries turned into assertions about parties,
with the evidence each rests on, beside what people decided (`members.py`). Not
here: what becomes of an assertion (`classes`). A subject of no party of ours is
nobody we could classify.

A party's complaints speak through the subscriptions complained of most: one
angry call about a second number does not put that number beside the first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import duckdb
import polars as pl

from mingdan.calendar import day_start, known_at, naive_utc
from mingdan.engine import define_view, statement, used
from mingdan.night import Night
from mingdan.orders.tables import APPEALS, NUMBER_HOLDINGS, SUBSCRIPTION_HOLDINGS, SUBSCRIPTIONS
from mingdan.reports.members import by_hand
from mingdan.reports.partners import Partner
from mingdan.reports.policy import Policy
from mingdan.reports.tables import (
    COMPLAINTS,
    COMPLAINTS_WITHDRAWN,
    PARTNER_ENTRIES,
    REPORT_ASSERTIONS,
)
from mingdan.tables import Table

Row = dict[str, Any]
TICKETS_NAMED = 10
"""Tickets an assertion's evidence names at most, the newest."""


def assertions(
    connection: duckdb.DuckDBPyConnection,
    night: Night,
    day: date,
    policy: Policy,
    partners: Mapping[str, Partner],
) -> pl.DataFrame:
    """The rows of `report_assertions` for `day`, from what the lake holds up to it."""
    rules = policy.complaints
    first = day - timedelta(days=rules.window_days - 1)
    parameters = {
        "pepper": night.pepper.hex(),
        "known_at": naive_utc(known_at(day)),
        "window_from": naive_utc(day_start(first - timedelta(days=rules.max_age_days))),
        "recent_from": day - timedelta(days=rules.recent_days - 1),
        "exempt_sender_kinds": list(rules.exempt_sender_kinds),
        "category_reasons": [f"{name}:{reason}" for name, reason in rules.categories.items()],
    }
    complained = _held(night, COMPLAINTS, first, day)
    listed = _held(night, PARTNER_ENTRIES, date.min, day)
    rows: list[Row] = []
    for table, days in (
        (NUMBER_HOLDINGS, [day]),
        (SUBSCRIPTION_HOLDINGS, [day]),
        (SUBSCRIPTIONS, [day]),
        (APPEALS, [day]),
        (COMPLAINTS, complained),
        (COMPLAINTS_WITHDRAWN, [day]),
        (PARTNER_ENTRIES, listed),
    ):
        define_view(connection, table.name, table, night.lake.files(table, days))
    for days, name, speak in (
        (complained, "reports/complaint_strength", _complaints),
        (listed, "reports/live_entries", _entries),
    ):
        if not days:
            continue
        text = statement(name)
        found = connection.sql(text, params=used(text, parameters)).pl()
        rows += speak(found.to_dicts(), policy, partners)
    rows += by_hand(night, day)
    return pl.DataFrame(rows, schema=night.lake.schema(REPORT_ASSERTIONS))


def live_entries(night: Night, day: date, partner: str) -> set[str]:
    """Ids the partner vouched for before `day`, did not take back and that have not run out."""
    before = _held(night, PARTNER_ENTRIES, date.min, day - timedelta(days=1))
    latest = (
        night.lake.scan(PARTNER_ENTRIES, before)
        .filter(pl.col("partner") == partner)
        .sort("date")
        .group_by("entry_id")
        .agg(pl.col("action").last(), pl.col("valid_until").last())
        .filter(pl.col("action") == "add", pl.col("valid_until") > naive_utc(known_at(day)))
    )
    return set(latest.select("entry_id").collect()["entry_id"])


def _held(night: Night, table: Table, first: date, last: date) -> list[date]:
    """Days with rows: hundreds of empty files would cost more than all the others."""
    return [day for day, rows in night.lake.rows_by_day(table, first, last).items() if rows]


def _complaints(
    found: list[Row], policy: Policy, _partners: Mapping[str, Partner]
) -> Iterator[Row]:
    rules = policy.complaints
    spoken = [
        row
        | {
            "reason": reason,
            "score": rules.score(recent=row["recent"], window=row["complainants"]),
        }
        for row in found
        if (reason := rules.categories.get(row["category"], ""))
    ]
    for (party, reason), group in _grouped(spoken, "party_id", "reason"):
        score = max(row["score"] for row in group)
        strongest = [row for row in group if row["score"] == score]
        if score == 0:
            continue
        channels = {name for row in strongest for name in row["channels"].split("+")}
        yield {
            "subject_type": "party",
            "subject_id": party,
            "class_code": "blacklist",
            "reason_code": reason,
            "source": "complaint",
            "source_ref": "+".join(sorted(channels)),
            "level": rules.level,
            "score": score,
            "observed_at": max(row["observed_at"] for row in strongest),
            "valid_to": None,
            "evidence": _json(
                {
                    "complainants_30d": max(row["complainants"] for row in strongest),
                    "complainants_7d": max(row["recent"] for row in strongest),
                    "complaints_30d": sum(row["complaints"] for row in strongest),
                    "complained_of": _ids(strongest),
                    "subscriptions": _ids(strongest) if score >= rules.names_from else [],
                }
                | _tickets(strongest)
            ),
        }


def _entries(found: list[Row], policy: Policy, partners: Mapping[str, Partner]) -> Iterator[Row]:
    rules = policy.partners
    known = []
    for row in found:
        if row["partner"] not in partners:
            continue
        kind = partners[row["partner"]].kind
        legal = rules.legal.made_by(kind, row["legal_basis"])
        row["reason"] = rules.legal.reason if legal else row["category"]
        row["level"] = rules.legal.level if legal else rules.level
        row["score"] = rules.legal.score if legal else rules.score.get(kind, 0)
        refuted = row["appealed_at"] is not None and row["appealed_at"] >= row["observed_at"]
        if legal or not refuted:
            known.append(row)
    for (party, reason), group in _grouped(known, "party_id", "reason"):
        words = list(_grouped(group, "partner"))
        joint = len(words) >= rules.joint.sources and reason != rules.legal.reason
        for (code,), own in words:
            yield {
                "subject_type": "party",
                "subject_id": party,
                "class_code": "blacklist",
                "reason_code": reason,
                "source": "partner",
                "source_ref": code,
                "level": rules.joint.level if joint else own[0]["level"],
                "score": max(own[0]["score"], rules.joint.score if joint else 0),
                "observed_at": max(row["observed_at"] for row in own),
                "valid_to": max(row["valid_until"] for row in own),
                "evidence": _json(
                    {
                        "entries": len(own),
                        "legal_bases": sorted({row["legal_basis"] for row in own}),
                        "partners": len(words),
                        "subscriptions": _ids(own),
                    }
                ),
            }


def _grouped(rows: list[Row], *names: str) -> Iterator[tuple[tuple[Any, ...], list[Row]]]:
    def key(row: Row) -> tuple[Any, ...]:
        return tuple(row[name] for name in names)

    for values, group in groupby(sorted(rows, key=key), key):
        yield values, list(group)


def _ids(rows: Iterable[Row]) -> list[int]:
    return sorted({row["subscription_id"] for row in rows})


def _tickets(rows: Iterable[Row]) -> dict[str, object]:
    """The newest tickets among the complaints, so that one can be looked up; none, no entry."""
    found = sorted({ref for row in rows for ref in row["tickets"]}, key=lambda r: (len(r), r))
    return {"tickets": found[-TICKETS_NAMED:]} if found else {}


def _json(values: dict[str, object]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"))
