"""A few subscribers whose facts a test states, decided night by night.

Here: lake tables written from what a test says, by the columns' contracts. Not
here: any logic of senders or classes: those are the real steps.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from mingdan.calendar import day_bounds, known_at, naive_utc
from mingdan.classes.decide import decide
from mingdan.classes.tables import LABEL_EVENTS, LABELS
from mingdan.features.tables import FEATURES
from mingdan.lake import DataFile, Lake
from mingdan.night import Night, Report
from mingdan.orders.tables import (
    APPEALS,
    NUMBER_HOLDINGS,
    PROTECTIONS,
    SUBSCRIPTION_HOLDINGS,
    SUBSCRIPTIONS,
)
from mingdan.reports.tables import REPORT_ASSERTIONS
from mingdan.senders.flag import flag
from mingdan.settings import Settings
from mingdan.tables import Table
from tests.orders.support import put_store

FIRST = date(2026, 11, 2)
LONG_AGO = datetime(2020, 1, 1)  # noqa: DTZ001 (the lake's form)
QUIET: dict[str, Any] = {
    column.name: 0 if column.type in ("BIGINT", "INTEGER") else None for column in FEATURES.columns
} | {
    "sender_kind": "person",
    "payment_kind": "prepaid",
    "suspended": False,
    "account_age_days": 900,
}
USED = {"sms_out_1d": 4, "active_days_1d": 1, "active_days_30d": 20}
BLAST = {
    "sms_out_1d": 400,
    "recipients_1d": 390,
    "recipients_7d": 390,
    "recipients_30d": 400,
    "busiest_hour_events_1d": 200,
    "messages_per_recipient_1d": 1.03,
    "response_ratio_1d": 0.01,
    "new_recipient_share_1d": 0.99,
    "active_days_1d": 1,
}
"""One night of a burst advertiser."""


@dataclass
class World:
    """An installation in a folder. Subjects not mentioned on a night stay as they were."""

    root: Path
    policy: dict[str, str] = field(default_factory=dict)
    holders: dict[int, int] = field(default_factory=dict)
    facts: dict[int, dict[str, Any]] = field(default_factory=dict)
    holdings: list[dict[str, Any]] = field(default_factory=list)
    protections: list[dict[str, Any]] = field(default_factory=list)
    appeals: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = Settings(data=self.root, pepper="00" * 32, threads=1)
        for name, text in self.policy.items():
            path = self.root / "policy" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        Lake(self.settings.lake, buckets=2)
        put_store(self.settings.data)
        self.night = Night(self.settings)

    def copy(self, root: Path) -> World:
        """The same installation in another folder, to go on from there."""
        shutil.copytree(self.root, root)
        return World(
            root,
            holders=dict(self.holders),
            facts=dict(self.facts),
            holdings=[dict(row) for row in self.holdings],
            protections=list(self.protections),
            appeals=list(self.appeals),
        )

    def person(self, subscription: int, party: int | None = None, **facts: Any) -> int:
        """A subscription of a party (default: the same key) with order facts of its own."""
        self.holders[subscription] = party or subscription
        self.facts[subscription] = facts
        self.holdings.append(
            {
                "subscription_id": subscription,
                "party_id": party or subscription,
                "valid_from": LONG_AGO,
                "valid_to": None,
                "recorded_at": LONG_AGO,
            }
        )
        return subscription

    def transfer(self, subscription: int, party: int, on: date) -> None:
        """过户 at noon of a day."""
        at = naive_utc(day_bounds(on)[0]) + timedelta(hours=12)
        for holding in self.holdings:
            if holding["subscription_id"] == subscription and holding["valid_to"] is None:
                holding["valid_to"] = at
        self.holdings.append(
            {
                "subscription_id": subscription,
                "party_id": party,
                "valid_from": at,
                "valid_to": None,
                "recorded_at": at,
            }
        )
        self.holders[subscription] = party

    def protect(
        self, subject: int, scope: str, until: date, *, subject_type: str = "party",
        checker: str | None = "head_of_service",
    ) -> None:  # fmt: skip
        """红名单 from long ago until the end of a day."""
        self.protections.append(
            {
                "subject_type": subject_type,
                "subject_id": subject,
                "scope": scope,
                "valid_from": LONG_AGO,
                "valid_to": naive_utc(day_bounds(until)[1]),
                "maker": "key_accounts",
                "checker": checker,
            }
        )

    def uphold(
        self, subject: int, label: str, at: datetime, *, subject_type: str = "party", days: int = 30
    ) -> None:
        """An upheld appeal (申诉), decided at `at` (UTC, as the lake holds it)."""
        class_code, _, reason_code = label.partition(":")
        self.appeals.append(
            {
                "ticket_id": len(self.appeals) + 1,
                "subject_type": subject_type,
                "subject_id": subject,
                "class_code": class_code,
                "reason_code": reason_code,
                "finding": "lawful_business",
                "decided_at": at,
                "holds_until": at + timedelta(days=days),
                "maker": "li.na",
                "checker": "wang.wei",
            }
        )

    def land(
        self,
        day: date,
        features: dict[int, dict[str, Any]] | None = None,
        reports: Iterable[dict[str, Any]] = (),
        *,
        without: Iterable[Table] = (),
    ) -> None:
        """Write the tables of stages left of `senders` for a day."""
        wide = [
            QUIET | {"subscription_id": key, "party_id": self.holders.get(key, key)} | values
            for key, values in (features or {}).items()
        ]
        skipped = {table.name for table in without}
        lake = self.night.lake
        if FEATURES.name not in skipped:
            write_bucketed(lake, FEATURES, day, wide)
        rows = {
            SUBSCRIPTIONS: [self._subscription(key) for key in self.holders],
            SUBSCRIPTION_HOLDINGS: self.holdings,
            NUMBER_HOLDINGS: [self._number(key) for key in self.holders],
            PROTECTIONS: self.protections,
            APPEALS: self.appeals,
            REPORT_ASSERTIONS: list(reports),
        }
        for table, content in rows.items():
            if table.name not in skipped:
                lake.write(table, day, pl.DataFrame(content, schema=lake.schema(table)))

    def decide(
        self,
        day: date,
        features: dict[int, dict[str, Any]] | None = None,
        reports: Iterable[dict[str, Any]] = (),
    ) -> Report:
        """A whole night as far as it concerns us."""
        self.land(day, features, reports)
        flag(self.night, day)
        return decide(self.night, day)

    def labels(self, day: date) -> dict[tuple[int, str], dict[str, Any]]:
        """Labels after a night by subject and `class:reason`; evidence parsed."""
        rows = self.night.lake.scan(LABELS, [day]).collect().to_dicts()
        return {
            (row["subject_id"], f"{row['class_code']}:{row['reason_code']}"): row
            | {"evidence": json.loads(row["evidence"])}
            for row in rows
        }

    def events(self, day: date) -> list[tuple[int, str, str, str | None]]:
        """Subject, `class:reason`, action and level of a night's events."""
        rows = self.night.lake.scan(LABEL_EVENTS, [day]).sort("subject_id", "reason_code").collect()
        return [
            (
                row["subject_id"],
                f"{row['class_code']}:{row['reason_code']}",
                row["action"],
                row["level"],
            )
            for row in rows.to_dicts()
        ]

    def _number(self, key: int) -> dict[str, Any]:
        return {
            "key_kind": "msisdn",
            "key": number_of(key),
            "subscription_id": key,
            "valid_from": LONG_AGO,
            "valid_to": None,
            "recorded_at": LONG_AGO,
        }

    def _subscription(self, key: int) -> dict[str, Any]:
        return {
            "subscription_id": key,
            "external_id": f"S{key}",
            "party_id": self.holders[key],
            "party_type": "individual",
            "sender_kind": "person",
            "product_code": "PREPAID",
            "payment_kind": "prepaid",
            "status": "active",
            "suspend_reasons": "",
            "activated_at": LONG_AGO,
            "terminated_at": None,
            "arrears_fen": 0,
            "arrears_days": 0,
            "document_id": self.holders[key],
            "party_cards": 1,
        } | self.facts[key]


def three_nights(world: World) -> None:
    """Party 1 blasts; party 2 owes, spends and is complained of."""
    world.person(1)
    world.person(2, arrears_fen=20_000, arrears_days=100)
    for day in nights(3):
        world.decide(day, {1: BLAST, 2: USED | {"spend_fen_30d": 80_000}}, [report(2, day=day)])


def report(
    party: int,
    reason: str = "spam_sms",
    *,
    source: str = "complaint",
    ref: str = "12321",
    score: int = 65,
    level: str = "watch",
    subscriptions: Iterable[int] = (),
    day: date = FIRST,
    valid_to: datetime | None = None,
) -> dict[str, Any]:
    """One row of `report_assertions`."""
    return {
        "subject_type": "party",
        "subject_id": party,
        "class_code": "blacklist",
        "reason_code": reason,
        "source": source,
        "source_ref": ref,
        "level": level,
        "score": score,
        "observed_at": naive_utc(day_bounds(day)[0]) + timedelta(hours=9),
        "valid_to": valid_to,
        "evidence": json.dumps({"complainants_7d": 3, "subscriptions": list(subscriptions)}),
    }


def write_bucketed(lake: Lake, table: Table, day: date, rows: list[dict[str, Any]]) -> None:
    """Replace a day of a bucketed table by `rows`."""
    frame = pl.DataFrame(rows, schema=lake.schema(table)).sort(table.sort)
    with lake.staging() as folder:
        written = []
        for bucket in range(lake.buckets):
            part = frame.filter(pl.col("subscription_id") % lake.buckets == bucket)
            path = folder / f"{bucket}.parquet"
            part.write_parquet(path)
            written.append(DataFile(path, part.height, bucket))
        lake.replace(table, day, written)


def number_of(subscription: int) -> int:
    """The MSISDN every subscription of a test holds from long ago on."""
    return 8613800000000 + subscription


def nights(count: int, first: date = FIRST) -> list[date]:
    """The first nights of a story."""
    return [first + timedelta(days=at) for at in range(count)]


def night_instant(day: date) -> datetime:
    """A night's `known_at` as the lake holds it."""
    return naive_utc(known_at(day))
