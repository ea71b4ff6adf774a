"""Pages on how the lists are: what a person must know, and nothing of anybody listed."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from mingdan.calendar import business_day
from mingdan.lists.client.match import receipt
from mingdan.lists.health import own_page, partner_page, write_pages
from mingdan.lists.standing import take
from mingdan.night import Night
from mingdan.reports.tables import PARTNER_ENTRIES, REPORTS_QUARANTINE
from tests.lists.pairs import Pair, now
from tests.lists.test_client import live, number


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """Three releases: one entry, one more, and the first one taken back."""
    made = Pair(tmp_path)
    for serials in ((1,), (1, 2), (2,)):
        made.release({number(serial): live() for serial in serials})
    return made


def test_a_partner_sees_every_change_and_what_is_not_confirmed(pair: Pair) -> None:
    page = partner_page(pair.settings, pair.partner, now())
    assert "<td>3</td>" in re.sub(r"<td[^>]*>", "<td>", page)
    assert "withdrawn 1" in page
    assert "never" in page
    assert page.count("<rect") == 6
    pair.sync()
    take(pair.settings, pair.partner, receipt(pair.home, now()).encode(), now())
    assert "3, 0 h ago" in partner_page(pair.settings, pair.partner, now())


def test_an_alarm_is_the_first_thing_said(pair: Pair) -> None:
    later = now() + timedelta(days=30)
    page = partner_page(pair.settings, pair.partner, later)
    assert page.index("Open alarms") < page.index("<table>")
    assert "timestamp_signature_past_half_life" in page


def test_a_partner_to_whom_nothing_may_leave_is_told_so(pair: Pair) -> None:
    suspended = pair.partner.model_copy(update={"status": "suspended"})
    page = partner_page(pair.settings, suspended, now())
    assert "nothing leaves: partner_suspended" in page


def test_nobody_listed_can_be_read_off(pair: Pair) -> None:
    page = partner_page(pair.settings, pair.partner, now())
    pair.sync()
    for secret in (number(1), number(2), *pair.held()):
        assert secret not in page
    assert "<script" not in page
    assert "http" not in page


def test_our_own_page_counts_what_partners_sent(pair: Pair) -> None:
    night = Night(pair.settings)
    day = business_day(now())
    entry = {"partner": "police_demo", "entry_id": "E1", "action": "add", "echo": True}
    rows = [entry, entry | {"entry_id": "E2", "echo": False}]
    night.lake.write(
        PARTNER_ENTRIES, day, pl.DataFrame(rows, schema=night.lake.schema(PARTNER_ENTRIES))
    )
    aside = {"source": "partners/bank_demo", "file": "f", "line": 2, "reason": "<bad>", "raw": b""}
    night.lake.write(
        REPORTS_QUARANTINE, day,
        pl.DataFrame([aside], schema=night.lake.schema(REPORTS_QUARANTINE)),
    )  # fmt: skip
    page = re.sub(r"<td[^>]*>", "<td>", own_page(night, now()))
    assert "<td>police_demo</td><td>2</td><td>1</td><td>0</td><td>-</td>" in page
    assert "<td>bank_demo</td><td>0</td><td>0</td><td>1</td><td>&lt;bad&gt; 1</td>" in page


def test_the_pages_mean_the_same_in_any_encoding(pair: Pair) -> None:
    paths = write_pages(Night(pair.settings), now())
    assert [path.name for path in paths] == ["index.html", "bank_demo.html"]
    for path in paths:
        path.read_bytes().decode("ascii")
