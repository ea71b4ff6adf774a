"""Independent words carry together; what we told a partner is no word of its own."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from mingdan.night import Night
from mingdan.reports.intake import take
from mingdan.reports.tables import PARTNER_ENTRIES, REPORT_ASSERTIONS, TOLD
from tests.reports.world import DAY, World, at, entry, own_partners

NEXT = DAY + timedelta(1)


@pytest.fixture(autouse=True)
def _a_bank_that_tells_us_too(world: World) -> None:
    shipped = Path("mingdan/reports/partners.toml").read_text(encoding="utf-8")
    own_partners(world, shipped.replace("asserts = []", 'asserts = ["fraud", "spam_sms"]'))
    for day in (DAY, NEXT):
        world.complaints(day=day)
        world.write(day)


def asserted(night: Night, day: date = DAY) -> list[tuple[object, ...]]:
    rows = night.lake.scan(REPORT_ASSERTIONS, [day]).filter(pl.col("source") == "partner")
    return rows.select("subject_id", "reason_code", "source_ref", "level", "score").collect().rows()


def tell(night: Night, *parties: int, partner: str = "bank_demo") -> None:
    """What `partner` may know from us since the night of DAY."""
    rows = [
        {"partner": partner, "party_id": party, "reason_code": "fraud", "since": at(DAY, 26)}
        for party in parties
    ]
    night.lake.write(TOLD, DAY, pl.DataFrame(rows, schema=night.lake.schema(TOLD)))


def test_two_partners_carry_to_published_where_one_only_warns(night: Night, world: World) -> None:
    world.entries(entry("8613800000001"), entry("8613800000002", ref="E2"))
    world.entries(entry("8613800000001"), partner="bank_demo")
    take(night, DAY)
    assert asserted(night) == [
        (1, "fraud", "bank_demo", "published", 80),
        (1, "fraud", "police_demo", "published", 80),
        (2, "fraud", "police_demo", "watch", 70),
    ]


def test_two_reasons_are_not_one_word(night: Night, world: World) -> None:
    world.entries(entry("8613800000001"))
    world.entries(entry("8613800000001", category="spam_sms"), partner="bank_demo")
    take(night, DAY)
    assert {row[3] for row in asserted(night)} == {"watch"}


def test_one_partner_twice_is_one_word(night: Night, world: World) -> None:
    world.entries(entry("8613800000001"), entry("8613800000001", ref="E2"))
    take(night, DAY)
    assert asserted(night) == [(1, "fraud", "police_demo", "watch", 70)]


def test_the_joint_word_ends_when_one_of_two_takes_it_back(night: Night, world: World) -> None:
    world.entries(entry("8613800000001"))
    world.entries(entry("8613800000001"), partner="bank_demo")
    take(night, DAY)
    world.entries("E1,withdraw,,,,,", day=NEXT)
    take(night, NEXT)
    assert asserted(night, NEXT) == [(1, "fraud", "bank_demo", "watch", 50)]


def test_what_we_told_a_partner_comes_back_as_an_echo(night: Night, world: World) -> None:
    """Kept, marked, and worth nothing: the police's word stays alone."""
    tell(night, 1)
    world.entries(entry("8613800000001", observed=DAY), day=NEXT)
    world.entries(entry("8613800000001", observed=NEXT), day=NEXT, partner="bank_demo")
    facts = take(night, NEXT).facts
    assert facts["entries_echoed"] == 1
    assert facts["entries_taken"] == 2
    assert asserted(night, NEXT) == [(1, "fraud", "police_demo", "watch", 70)]
    kept = night.lake.scan(PARTNER_ENTRIES, [NEXT]).select("partner", "echo").collect().rows()
    assert kept == [("bank_demo", True), ("police_demo", False)]


def test_what_a_partner_saw_before_we_told_it_is_its_own(night: Night, world: World) -> None:
    tell(night, 1)
    world.entries(entry("8613800000001", observed=DAY), day=NEXT, partner="bank_demo")
    world.entries(entry("8613800000002", ref="E2", observed=NEXT), day=NEXT, partner="police_demo")
    take(night, NEXT)
    assert len(asserted(night, NEXT)) == 2


def test_an_order_by_law_is_no_echo_whatever_its_sender_was_told(
    night: Night, world: World
) -> None:
    tell(night, 1, partner="police_demo")
    ordered = entry("8613800000001", basis="court_or_police", observed=NEXT)
    world.entries(ordered, day=NEXT, partner="police_demo")
    assert take(night, NEXT).facts["entries_echoed"] == 0
    assert asserted(night, NEXT) == [(1, "court_or_police", "police_demo", "published", 100)]


def test_what_another_partner_was_told_is_nothing_to_this_one(night: Night, world: World) -> None:
    tell(night, 1, partner="police_demo")
    world.entries(entry("8613800000001", observed=NEXT), day=NEXT, partner="bank_demo")
    assert take(night, NEXT).facts["entries_echoed"] == 0


def test_a_withdrawal_needs_no_date_to_be_no_echo(night: Night, world: World) -> None:
    tell(night, 1)
    world.entries("E1,withdraw,,,,,", day=NEXT, partner="bank_demo")
    assert take(night, NEXT).facts["entries_echoed"] == 0
