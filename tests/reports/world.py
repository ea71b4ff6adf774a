"""A small world written straight into the lake's order tables, and report files for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from mingdan.calendar import day_start, naive_utc
from mingdan.night import Night
from mingdan.orders.tables import (
    APPEALS,
    NUMBER_HOLDINGS,
    PROTECTIONS,
    SUBSCRIPTION_HOLDINGS,
    SUBSCRIPTIONS,
)
from mingdan.reports.complaints import HEADER as COMPLAINT_HEADER
from mingdan.reports.forms import HEADER as ENTRY_HEADER

DAY = date(2026, 11, 10)


def at(day: date, hour: int = 12) -> datetime:
    """An instant of a business day's local hour, naive UTC."""
    return naive_utc(day_start(day)) + timedelta(hours=hour)


def iso(day: date, clock: str = "12:00:00") -> str:
    """An instant as report files write it."""
    return f"{day.isoformat()}T{clock}+08:00"


@dataclass
class World:
    """Who holds what; `write` puts it into the lake as the snapshot of a day."""

    night: Night
    numbers: list[dict[str, object]] = field(default_factory=list)
    parties: list[dict[str, object]] = field(default_factory=list)
    protections: list[dict[str, object]] = field(default_factory=list)
    appeals: list[dict[str, object]] = field(default_factory=list)
    kinds: dict[int, str] = field(default_factory=dict)

    def number(
        self, msisdn: str, subscription: int, since: date, until: date | None = None
    ) -> None:
        self.numbers.append(
            {
                "key_kind": "msisdn",
                "key": int(msisdn),
                "subscription_id": subscription,
                "valid_from": at(since, 0),
                "valid_to": None if until is None else at(until, 0),
                "recorded_at": at(until or since, 0),
            }
        )

    def party(self, party: int, subscription: int, since: date, until: date | None = None) -> None:
        self.parties.append(
            {
                "subscription_id": subscription,
                "party_id": party,
                "valid_from": at(since, 0),
                "valid_to": None if until is None else at(until, 0),
                "recorded_at": at(until or since, 0),
            }
        )

    def person(self, msisdn: str, subscription: int, party: int) -> None:
        """Someone who has held one number from long ago."""
        self.number(msisdn, subscription, date(2025, 1, 1))
        self.party(party, subscription, date(2025, 1, 1))

    def protect(
        self, subject_type: str, subject: int, *, scope: str = "all", checker: str | None = "chief"
    ) -> None:
        self.protections.append(
            {
                "subject_type": subject_type,
                "subject_id": subject,
                "scope": scope,
                "valid_from": at(date(2026, 1, 1)),
                "valid_to": at(date(2027, 1, 1)),
                "maker": "clerk",
                "checker": checker,
            }
        )

    def uphold(self, party: int, reason: str, decided_at: datetime) -> None:
        """An upheld appeal (申诉) against `blacklist:<reason>` of a party."""
        self.appeals.append(
            {
                "ticket_id": len(self.appeals) + 1,
                "subject_type": "party",
                "subject_id": party,
                "class_code": "blacklist",
                "reason_code": reason,
                "finding": "false_report",
                "decided_at": decided_at,
                "holds_until": decided_at + timedelta(days=30),
                "maker": "li.na",
                "checker": "wang.wei",
            }
        )

    def write(self, day: date = DAY) -> None:
        lake = self.night.lake
        people = {row["subscription_id"]: row["party_id"] for row in self.parties}
        subscriptions = [
            {
                "subscription_id": subscription,
                "party_id": party,
                "sender_kind": self.kinds.get(subscription, "person"),
            }
            for subscription, party in people.items()
        ]
        for table, rows in (
            (NUMBER_HOLDINGS, self.numbers),
            (SUBSCRIPTION_HOLDINGS, self.parties),
            (PROTECTIONS, self.protections),
            (APPEALS, self.appeals),
            (SUBSCRIPTIONS, subscriptions),
        ):
            lake.write(table, day, pl.DataFrame(rows, schema=lake.schema(table)))

    @property
    def landing(self) -> Path:
        return self.night.settings.landing / "reports"

    def complaints(self, *rows: str, day: date = DAY, header: str | None = None) -> Path:
        path = self.landing / "complaints" / day.isoformat() / "complaints.csv"
        return _file(path, header or ",".join(COMPLAINT_HEADER), rows)

    def entries(
        self,
        *rows: str,
        day: date = DAY,
        partner: str = "police_demo",
        header: str | None = None,
    ) -> Path:
        path = self.landing / "partners" / partner / day.isoformat() / "entries.csv"
        return _file(path, header or ",".join(ENTRY_HEADER), rows)


def complaint(
    number: str,
    reporter: str = "8613900000001",
    *,
    ref: str = "C1",
    day: date = DAY,
    occurred: date | None = None,
    category: str = "spam_sms",
    channel: str = "12321",
) -> str:
    """One line of `complaints.csv`."""
    return ",".join(
        [ref, channel, category, iso(day), iso(occurred or day, "09:00:00"), number, reporter]
    )


def entry(
    number: str,
    *,
    ref: str = "E1",
    action: str = "add",
    category: str = "fraud",
    basis: str = "anti_fraud_law",
    observed: date = DAY - timedelta(days=3),
    until: date = DAY + timedelta(days=90),
) -> str:
    """One line of `entries.csv`."""
    return ",".join([ref, action, category, number, basis, iso(observed), iso(until)])


def own_partners(world: World, text: str) -> None:
    """Give the installation its own partners' file."""
    path = world.night.settings.data / "policy" / "reports" / "partners.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _file(path: Path, header: str, rows: tuple[str, ...]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path
