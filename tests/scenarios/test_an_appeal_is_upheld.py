"""A tutor texts all parents, is taken for a spammer, appeals, and is off every list next morning.

Here: from the blast to the retraction, through the program as staff call it. Not here: who
may decide (`tests/orders/care/test_appeals.py`), each kind of source (`tests/classes`).
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from mingdan.orders.store import OrderStore
from tests.scenarios.conftest import Program
from tests.scenarios.town import Town, chat, day, hour, walk
from tests.worlds import lake_digests

TUTOR = "8613800001001"


@pytest.fixture
def town(tmp_path: Path) -> Town:
    made = Town(tmp_path / "名单 数据")
    made.data.mkdir()
    made.open("tutor", 1, TUTOR)
    return made


def night(town: Town, number: int, *, busy: bool) -> None:
    town.deliver(number, (walk if busy else chat)("tutor", 1, TUTOR, number))
    town.sleep(number)


def told_partner(town: Town, number: int) -> list[list[str]]:
    """Changes of the tutor's number in the release of a night."""
    path = town.settings.releases / town.settings.partner / f"{number + 1:06d}" / "delta.csv.gz"
    lines = gzip.decompress(path.read_bytes()).decode("ascii").splitlines()
    token = town.token(TUTOR)
    return [line.split(",") for line in lines if token in line]


def test_an_upheld_appeal_is_the_retraction(town: Town, program: Program) -> None:
    for number in range(3):
        night(town, number, busy=True)
    label = town.labels("tutor", 2)["spam_sms"]
    assert (label["state"], label["effective"]) == ("published", True)
    party = town.parties["P1"]
    with OrderStore.open(town.settings.database) as store:
        assert store.restrictions(party) != []

    def staff(*words: str, at: float, who: str) -> dict[str, Any]:
        answer = program(town, "appeal", *words, "--at", hour(3, at).isoformat(), "--as", who,
                         "--json")  # fmt: skip
        assert answer.code == 0, answer.err
        found: dict[str, Any] = json.loads(answer.out)
        return found

    opened = staff("open", "blacklist:spam_sms", "--number", TUTOR, "--text", "给家长的上课通知",
                   at=9, who="li.na")  # fmt: skip
    ref = opened["ticket"]["ticket_ref"]
    decided = staff("decide", ref, "lawful_business", "--text", "已核实", at=15, who="wang.wei")
    assert decided["outcome"] == "upheld"
    with OrderStore.open(town.settings.database) as store:
        assert store.restrictions(party) == [], "at once, before any night"

    night(town, 3, busy=False)
    assert town.labels("tutor", 3) == {}
    (event,) = town.rows("label_events", 3).to_dicts()
    assert (event["action"], event["source"], event["source_ref"]) == (
        "appeal_upheld", "appeal", ref,
    )  # fmt: skip
    assert (event["maker"], event["checker"]) == ("li.na", "wang.wei")
    (change,) = told_partner(town, 3)
    assert change == ["DEL", town.token(TUTOR), "appeal_upheld"]
    shown = program(town, "explain", TUTOR, "--as-of", day(3).isoformat())
    assert shown.code == 0
    assert "appeal_upheld" in shown.out
    assert f"Appeal {ref} against blacklist:spam_sms upheld 2026-11-05 15:00" in shown.out
    assert "re-derived: equal" in shown.out
    page = program(town, "list", "show", TUTOR)
    assert page.code == 0
    assert "DEL appeal_upheld" in page.out
    assert TUTOR not in page.out
    told = lake_digests(town.data)

    for number in (4, 5):
        night(town, number, busy=True)
    label = town.labels("tutor", 5)["spam_sms"]
    assert (label["state"], label["hits"]) == ("published", 2), "what is new counts, and only that"
    town.sleep(3)
    kept = {name: digest for name, digest in lake_digests(town.data).items() if name in told}
    assert kept == told
