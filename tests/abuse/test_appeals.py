"""Appeals by people who mean harm, or who press the same key at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from mingdan.identifiers import mask_within
from mingdan.orders.access.actor import Actor
from mingdan.orders.care.appeal_forms import NewAppeal
from mingdan.orders.care.appeals import AppealDesk
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from tests.orders.care.support import HOTLINE
from tests.orders.support import at, done, msisdn, opening, url

__all__ = ["url"]
SPAM = "blacklist:spam_sms"


def asked(text: str = "x", **values: str) -> NewAppeal:
    return NewAppeal(label=SPAM, description=text, channel="web", **values)


@pytest.fixture
def desk(url: str) -> AppealDesk:
    with OrderStore.open(url) as store:
        done(store, opening(1), opening(2))
    return AppealDesk(OrderStore.open(url), {SPAM: "party"})


def answer(call: object) -> str:
    try:
        call()  # type: ignore[operator]
    except Refused as refused:
        return refused.code
    return "done"


def test_many_decide_at_once_and_one_has_decided(desk: AppealDesk) -> None:
    desk.open(asked(number=msisdn(1)), actor=HOTLINE, at=at(1))

    def decide(number: int) -> str:
        boss = Actor("manager", "back_office", f"boss.{number}")
        finding = ("misused", "confirmed")[number % 2]
        return answer(lambda: desk.decide("TT00000001", finding, "x", actor=boss, at=at(2)))

    with ThreadPoolExecutor(4) as pool:
        said = sorted(pool.map(decide, range(4)))
    # the other one with the same finding and words is the same decision again
    assert said.count("done") == 2
    assert said.count("appeal_decided") == 2
    kept = desk.show("TT00000001", at=at(3))
    assert (kept.outcome == "upheld") == (kept.finding == "misused")
    assert len([c for c in kept.ticket.changes if c.state == "resolved"]) == 1


def test_many_appeal_at_once_by_number_and_by_name_and_one_waits(desk: AppealDesk) -> None:
    ways = [{"number": msisdn(1)}, {"party_ref": "P1"}] * 2
    with ThreadPoolExecutor(4) as pool:
        said = list(
            pool.map(
                lambda way: answer(lambda: desk.open(asked(**way), actor=HOTLINE, at=at(1))), ways
            )
        )
    assert sorted(said) == ["appeal_open"] * 3 + ["done"]


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("=HYPERLINK(0)", True),
        ("１３８００１３８０００ 不是我发的", True),
        ("'; DROP TABLE appeal; --", True),
        ("[bold]红名单[/bold]", True),
        ("\u202e", True),
        ("a\x00b", False),
        ("\ud800", False),
        ("长" * 2_001, False),
        ("", False),
    ],
)
def test_whatever_a_customer_says(desk: AppealDesk, text: str, taken: bool) -> None:
    said = answer(lambda: desk.open(asked(text, number=msisdn(2)), actor=HOTLINE, at=at(1)))
    assert said == ("done" if taken else "invalid_value")
    found = desk.list(at=at(2))
    assert [view.ticket.description for view in found] == ([mask_within(text)] if taken else [])
    assert "１３８００１３８０００" not in str(found), (
        "a number is masked, also within what was said"
    )


@pytest.mark.parametrize("number", ["", "0", "-1", "99999999999999999999", "1 OR 1=1", "\u0000"])
def test_no_number_of_ours(desk: AppealDesk, number: str) -> None:
    said = answer(lambda: desk.open(asked(number=number), actor=HOTLINE, at=at(1)))
    assert said in {"invalid_value", "no_such_subscription"}
