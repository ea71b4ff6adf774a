"""A customer calls the hotline, and the same night holds it against the sender.

Here: from the desk to the label and to what `explain` shows. Not here: which
tickets count when (`tests/reports/test_tickets.py`).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mingdan.orders.care.tickets import TicketDesk
from mingdan.orders.store import OrderStore
from tests.orders.care.support import HOTLINE, LI, complaint
from tests.scenarios.conftest import Program
from tests.scenarios.town import Town, chat, hour
from tests.worlds import lake_digests

SPAMMER = "8613800001001"


@pytest.fixture
def town(tmp_path: Path) -> Town:
    made = Town(tmp_path / "data")
    made.data.mkdir()
    made.open("spammer", 1, SPAMMER)
    return made


def take_down(town: Town, number: int, callers: range) -> list[str]:
    with OrderStore.open(town.settings.database) as store:
        desk = TicketDesk(store)
        return [
            desk.open(
                complaint(number=SPAMMER, reporter_number=f"8613500000{caller:03d}"),
                actor=HOTLINE,
                at=hour(number, 10),
            ).ticket_ref
            for caller in callers
        ]


def test_five_calls_today_put_the_sender_under_watch_tonight(town: Town, program: Program) -> None:
    refs = take_down(town, 0, range(5))
    town.deliver(0, chat("spammer", 1, SPAMMER, 0))
    town.sleep(0)
    label = town.labels("spammer", 0)["spam_sms"]
    assert (label["state"], label["source_ref"]) == ("watch", "10086")
    (source,) = json.loads(label["evidence"])["sources"]
    assert source["values"]["tickets"] == refs
    shown = program(town, "explain", SPAMMER)
    assert refs[0] in shown.out
    assert SPAMMER[2:] not in shown.out


def test_calls_taken_back_the_next_day_count_no_more(town: Town) -> None:
    refs = take_down(town, 0, range(5))
    town.deliver(0, chat("spammer", 1, SPAMMER, 0))
    town.sleep(0)
    told = lake_digests(town.data)
    with OrderStore.open(town.settings.database) as store:
        for ref in refs:
            TicketDesk(store).move(ref, "rejected", actor=LI, at=hour(1, 9))
    town.deliver(1, chat("spammer", 1, SPAMMER, 1))
    town.sleep(1)
    assert town.rows("report_assertions", 1).is_empty()
    assert town.rows("features", 1)["complaints_30d"].to_list() == [0]
    assert town.rows("features", 0)["complaints_30d"].to_list() == [5]
    town.sleep(0)
    kept = {name: digest for name, digest in lake_digests(town.data).items() if name in told}
    assert kept == told, "the night before, run again, is as it was"
