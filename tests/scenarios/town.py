"""A town of a dozen people with real orders and real files, told day by day.

Here: opening people, what they send, and running nights over it. Not here: any
expectation (the stories beside), worlds made by the simulator (`tests/worlds.py`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from mingdan.calendar import day_start
from mingdan.lake import Lake
from mingdan.lists.tokens import KeyedTokeniser, key_path
from mingdan.night import Night
from mingdan.orders.commands import AnyCommand, Open, PartyData
from mingdan.orders.policy import Policy
from mingdan.orders.store import OrderStore
from mingdan.settings import Settings
from mingdan.steps import TABLES, run_night
from tests.orders.support import resident_id
from tests.usage.feeds import Landing, at, ggsn_line, smsc_line

MONDAY = date(2026, 11, 2)
LONG_AGO = datetime(2026, 1, 5, 9, tzinfo=UTC)
COMPLAINTS = "complaint_id,channel,category,received_at,occurred_at,reported_number,reporter_number"


def day(number: int) -> date:
    """The first day is 0, a Monday."""
    return MONDAY + timedelta(number)


def hour(number: int, of: float) -> datetime:
    return day_start(day(number)) + timedelta(hours=of)


def imsi(serial: int) -> str:
    return f"46000{serial:010d}"


def citizen(serial: int, name: str = "欧阳娜娜") -> PartyData:
    return PartyData(
        party_ref=f"P{serial}",
        party_type="individual",
        name=name,
        document_type="resident_id",
        document_number=resident_id(serial),
    )


@dataclass
class Town:
    """Its installation, and who was opened under which serial."""

    data: Path
    subscriptions: dict[str, int] = field(default_factory=dict)
    parties: dict[str, int] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return Settings(data=self.data, lock_wait_seconds=0.5)

    @property
    def landing(self) -> Landing:
        return Landing(self.settings)

    def copy(self, target: Path) -> Town:
        shutil.copytree(self.data, target)
        return Town(target, dict(self.subscriptions), dict(self.parties))

    def order(self, *commands: AnyCommand) -> None:
        """Carried out for real; numbers are free at once, so that they can be issued again."""
        young = Policy.shipped().with_values(ageing_days=0)
        with OrderStore.open(self.settings.database, policy=young) as store:
            done = store.apply(commands)
        assert done.refused == []
        self.subscriptions |= done.subscription_ids
        self.parties |= done.party_ids

    def open(self, ref: str, serial: int, msisdn: str, **more: Any) -> None:
        plain = {
            "order_ref": f"open {ref}",
            "at": LONG_AGO,
            "subscription_ref": ref,
            "party": citizen(serial),
            "product_code": "PREPAID",
            "msisdn": msisdn,
            "imsi": imsi(serial),
            "iccid": f"898600{serial:014d}",
        }
        self.order(Open(**plain | more))

    def deliver(
        self, number: int, lines: Iterable[str] = (), complaints: Iterable[str] = ()
    ) -> None:
        """One file of each source; `lines` are the short-message centre's."""
        on = day(number)
        self.landing.smsc(lines, day=on)
        self.landing.msc([], day=on)
        self.landing.ggsn([ggsn_line(f"g{on}", start=f"{on}T08:00:00+08:00")], day=on)
        folder = self.settings.landing / "reports" / "complaints" / on.isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        text = "\n".join([COMPLAINTS, *complaints, ""])
        (folder / "complaints.csv").write_text(text, encoding="utf-8")

    def sleep(self, number: int) -> None:
        """The night after a day."""
        assert Lake(self.settings.lake, buckets=2).buckets == 2
        night = Night(self.settings)
        try:
            with night.lock():
                run_night(night, day(number))
        finally:
            night.orders.close()

    def rows(self, table: str, number: int | None = None) -> pl.DataFrame:
        lake = Lake(self.settings.lake)
        wanted = None if number is None else [day(number)]
        return lake.scan(TABLES[table], wanted).collect()

    def labels(self, ref: str, number: int) -> dict[str, dict[str, Any]]:
        """Of the party opened with a subscription, by reason."""
        subscription = self.subscriptions[ref]
        held = self.rows("subscriptions", number).filter(pl.col("subscription_id") == subscription)
        (party,) = held["party_id"]
        mine = pl.col("subject_id") == party
        rows = self.rows("labels", number).filter(mine).to_dicts()
        return {row["reason_code"]: row for row in rows}

    def token(self, msisdn: str) -> str:
        path = key_path(self.settings.secrets, self.settings.partner, 1)
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
        return KeyedTokeniser(key).tokens([msisdn])[0]


def walk(ref: str, serial: int, msisdn: str, number: int, count: int = 60) -> list[str]:
    """Texts to `count` numbers in sequence, a minute apart from 09:00 on."""
    first = 13_700_000_000 + serial * 10_000 + number * 1_000
    return [
        smsc_line(
            f"{ref}-{number}-{n}",
            served=msisdn,
            imsi=imsi(serial),
            other=str(first + n),
            time=at(day(number), 9 + n // 60, n % 60),
            reference=str(n),
        )
        for n in range(count)
    ]


def chat(ref: str, serial: int, msisdn: str, number: int, friend: str = "13600000001") -> list[str]:
    """A message to a friend and the answer."""
    return [
        smsc_line(
            f"{ref}-{number}-{kind}",
            kind=kind,
            served=msisdn,
            imsi=imsi(serial),
            other=friend,
            time=at(day(number), 15, n),
        )
        for n, kind in enumerate(("主叫发送", "被叫接收"))
    ]
