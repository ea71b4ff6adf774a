"""A small operator with a real order store, and labels written as a night would."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from mingdan.calendar import day_start, known_at, naive_utc
from mingdan.classes.tables import LABEL_EVENTS, LABELS
from mingdan.lists.joint import build
from mingdan.lists.reader import State, verify
from mingdan.lists.release import publish
from mingdan.lists.tables import LIST_ENTRIES
from mingdan.lists.tokens import KeyedTokeniser, key_path
from mingdan.night import Night, Report
from mingdan.orders.commands import AnyCommand, Open, PartyData
from mingdan.orders.snapshot import snapshot

DAY = date(2026, 11, 10)
"""A Tuesday."""
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
RULESET = "a" * 64


def noon(day: date) -> datetime:
    """An instant of a business day at which orders complete."""
    return day_start(day) + timedelta(hours=12)


def person(ref: str) -> PartyData:
    """A customer with a document of their own."""
    number = f"E{sum(ord(c) * 31**i for i, c in enumerate(ref)) % 10**8:08d}"
    return PartyData(
        party_ref=ref,
        party_type="individual",
        name="张三",
        document_type="passport",
        document_number=number,
    )


def label(
    subject: int,
    subscriptions: Iterable[int],
    *,
    reason: str = "spam_sms",
    sources: list[dict[str, Any]] | None = None,
    protected: Iterable[int] = (),
    **changes: Any,
) -> dict[str, Any]:
    """One row of `labels`: published, effective, by one rule, first seen on the 8th."""
    numbers = sorted(subscriptions)
    told = [{"source": "rule", "ref": "burst@1", "subscriptions": numbers}]
    row: dict[str, Any] = {
        "subject_type": "party",
        "subject_id": subject,
        "class_code": "blacklist",
        "reason_code": reason,
        "state": "published",
        "effective": True,
        "suppressed_by": None,
        "since": naive_utc(noon(DAY)),
        "first_seen": naive_utc(noon(DAY - timedelta(2))),
        "last_seen": naive_utc(noon(DAY)),
        "valid_to": naive_utc(noon(DAY + timedelta(60))),
        "hits": 3,
        "confidence": 70,
        "sources": 1,
        "source_ref": "burst@1",
        "evidence": json.dumps(
            {
                "protected": sorted(protected),
                "sources": told if sources is None else sources,
                "subscriptions": numbers,
            }
        ),
        "ruleset_hash": RULESET,
        "model_hash": None,
        "snapshot_hash": "b" * 64,
    }
    return row | changes


def event(
    subject: int, action: str, *, reason: str = "spam_sms", source: str = "rule"
) -> dict[str, Any]:
    """One row of `label_events`."""
    row: dict[str, Any] = dict.fromkeys(LABEL_EVENTS.names)
    return row | {
        "subject_type": "party",
        "subject_id": subject,
        "class_code": "blacklist",
        "reason_code": reason,
        "action": action,
        "source": source,
    }


@dataclass
class Operator:
    """Orders are carried out for real; labels are put where a night puts them."""

    night: Night
    subscriptions: dict[str, int] = field(default_factory=dict)
    parties: dict[str, int] = field(default_factory=dict)

    def order(self, *commands: AnyCommand) -> None:
        done = self.night.orders.apply(commands)
        assert done.refused == []
        self.subscriptions |= done.subscription_ids
        self.parties |= done.party_ids

    def open(
        self, ref: str, msisdn: str, *, party: str | None = None, at: datetime = LONG_AGO
    ) -> int:
        """A subscription `ref` of party `party` (default: named alike); returns its key."""
        serial = f"{len(self.subscriptions) + 1:09d}"
        self.order(
            Open(
                order_ref=f"open {ref}",
                at=at,
                subscription_ref=ref,
                party=person(party or ref),
                product_code="PREPAID",
                msisdn=msisdn,
                imsi=f"460000{serial}",
                iccid=f"89860000000{serial}",
            )
        )
        return self.subscriptions[ref]

    def label(self, ref: str, **changes: Any) -> dict[str, Any]:
        """A label of the party named `ref` about the subscription named `ref`."""
        return label(self.parties[ref], [self.subscriptions[ref]], **changes)

    def know(
        self,
        day: date,
        labels: Iterable[dict[str, Any]] = (),
        events: Iterable[dict[str, Any]] = (),
    ) -> None:
        """The order snapshot and labels of a day, as the earlier steps leave them."""
        snapshot(self.night, day)
        lake = self.night.lake
        told = [row | {"recorded_at": naive_utc(known_at(day))} for row in events]
        lake.write(LABELS, day, pl.DataFrame(list(labels), schema=lake.schema(LABELS)))
        lake.write(LABEL_EVENTS, day, pl.DataFrame(told, schema=lake.schema(LABEL_EVENTS)))

    def run(
        self,
        day: date,
        labels: Iterable[dict[str, Any]] = (),
        events: Iterable[dict[str, Any]] = (),
    ) -> Report:
        """A day's list built and published."""
        self.know(day, labels, events)
        build(self.night, day)
        return publish(self.night, day)

    def entries(self, day: date = DAY) -> list[dict[str, Any]]:
        rows = self.night.lake.scan(LIST_ENTRIES, [day]).select(LIST_ENTRIES.names)
        return rows.collect().to_dicts()

    @property
    def channel(self) -> Path:
        return self.night.settings.releases / self.night.settings.partner

    def received(self) -> State:
        """What the partner holds after taking the newest release."""
        return verify(self.channel)

    def token(self, msisdn: str, epoch: int = 1) -> str:
        path = key_path(self.night.settings.secrets, self.night.settings.partner, epoch)
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
        return KeyedTokeniser(key).tokens([msisdn])[0]
