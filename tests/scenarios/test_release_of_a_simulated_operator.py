"""Six nights of a simulated operator, seen from outside and from inside.

The bank takes every release in turn. Inside, each row is traced back to a
label, a number and who holds it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from mingdan.calendar import days, known_at, naive_utc
from mingdan.classes.tables import LABELS
from mingdan.lists.manifest import numbered, release
from mingdan.lists.reader import State, apply, verify
from mingdan.lists.tables import LIST_ENTRIES
from mingdan.lists.tokens import keyed_tokeniser
from mingdan.night import Night
from mingdan.orders.tables import PROTECTIONS
from mingdan.reports.tables import (
    COMPLAINTS,
    PARTNER_ENTRIES,
    REPORT_ASSERTIONS,
    REPORTS_QUARANTINE,
)
from tests.worlds import Installed


@pytest.fixture(scope="module")
def operator(finished_world: Installed) -> Iterator[Night]:
    night = Night(finished_world.settings)
    yield night
    night.orders.close()


def test_the_bank_follows_night_by_night(operator: Night, finished_world: Installed) -> None:
    channel = operator.settings.releases / "bank_demo"
    state: State | None = None
    nights = list(days(finished_world.first, finished_world.last))
    for seq, day in enumerate(nights, 1):
        state = apply(state, release(numbered(channel, seq)))
        assert state.day == day.isoformat()
    assert state == verify(channel, every=True)
    assert state is not None
    assert state.rows, "a world with malicious senders has a list"


def test_every_row_is_a_listed_number_of_ours(operator: Night, finished_world: Installed) -> None:
    state = verify(operator.settings.releases / "bank_demo")
    entries = operator.lake.scan(LIST_ENTRIES, [finished_world.last]).collect().to_dicts()
    numbers = operator.orders.current_numbers(
        {row["subscription_id"] for row in entries}, known_at(finished_world.last)
    )
    tokeniser = keyed_tokeniser(operator.settings.secrets, "bank_demo", 1, expected=state.key_id)
    of = dict(zip(numbers, tokeniser.tokens(numbers.values()), strict=True))
    told = {"fraud", "spam_sms", "abnormal_calls"}
    assert set(state.rows) == {
        of[row["subscription_id"]] for row in entries if row["reason_code"] in told
    }
    assert {text.split(",")[1] for text in state.rows.values()} <= told


def test_nobody_is_listed_on_others_word_or_while_protected(
    operator: Night, finished_world: Installed
) -> None:
    last = finished_world.last
    now = naive_utc(known_at(last))
    guarded = {
        (row["subject_type"], row["subject_id"])
        for row in operator.lake.scan(PROTECTIONS, [last]).collect().to_dicts()
        if row["checker"] is not None and row["valid_from"] <= now < row["valid_to"]
    }
    labels = {
        (row["subject_id"], row["reason_code"]): row
        for row in operator.lake.scan(LABELS, [last]).collect().to_dicts()
        if row["class_code"] == "blacklist"
    }
    for entry in operator.lake.scan(LIST_ENTRIES, [last]).collect().to_dicts():
        label = labels[entry["party_id"], entry["reason_code"]]
        assert label["state"] == "published"
        assert label["effective"]
        sources = {told["source"] for told in json.loads(label["evidence"])["sources"]}
        assert sources - {"partner", "complaint"}
        assert ("party", entry["party_id"]) not in guarded
        assert ("subscription", entry["subscription_id"]) not in guarded
        assert entry["valid_until"] > now


def test_every_report_line_is_accounted_for(operator: Night, finished_world: Installed) -> None:
    """Lines of the landed files = rows taken + rows set aside, over all nights."""
    landed = sum(
        len(path.read_text(encoding="utf-8").splitlines()) - 1
        for path in (operator.settings.landing / "reports").rglob("*.csv")
    )
    kept = sum(
        operator.lake.scan(table).collect().height
        for table in (COMPLAINTS, PARTNER_ENTRIES, REPORTS_QUARANTINE)
    )
    assert landed == kept > 0
    assert operator.lake.days(COMPLAINTS) == list(days(finished_world.first, finished_world.last))


def test_reports_reach_watch_and_a_court_order_further(operator: Night) -> None:
    rows = operator.lake.scan(REPORT_ASSERTIONS).select("source", "reason_code", "level").unique()
    levels = {(r["source"], r["level"]) for r in rows.collect().to_dicts()}
    assert ("complaint", "watch") in levels
    assert ("complaint", "published") not in levels
    published = {r["reason_code"] for r in rows.collect().to_dicts() if r["level"] == "published"}
    assert published <= {"court_or_police"}
