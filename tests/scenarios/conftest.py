"""Five nights of a small town, told once and read by several stories.

Here: what happens to whom on which day, and the program as a caller sees it. Not here:
what must come of it (the stories).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from mingdan.cli.main import app
from mingdan.orders.commands import Protect, Terminate, TransferOwner
from tests.scenarios.town import LONG_AGO, Town, chat, citizen, hour, walk

WALKER, VIP, LATE_VIP = "8613800001001", "8613800001002", "8613800001003"
LATECOMER, HANDED = "8613800001004", "8613800001005"


@dataclass(frozen=True)
class Answer:
    """What a call of the program gave."""

    code: int
    out: str
    err: str


Program = Callable[..., Answer]


def protect(ref: str, party: str, on: float) -> Protect:
    return Protect(
        order_ref=ref,
        at=LONG_AGO if on < 0 else hour(int(on), 12),
        party_ref=party,
        scope="spam",
        until=hour(300, 0),
        maker="service_desk",
        checker="service_manager",
    )


def lines_of(number: int) -> list[str]:
    """Three walk through the numbers; the walker's number is somebody else's from day 3 on."""
    lines = walk("vip", 2, VIP, number) + walk("late_vip", 3, LATE_VIP, number)
    lines += walk("walker", 1, WALKER, number) if number < 3 else chat("new", 7, WALKER, number)
    if number > 0:
        lines += chat("latecomer", 4, LATECOMER, number)
    if number == 3:
        # the SMS centre delivers two records of day 1 two days late
        lines += chat("late", 5, HANDED, 1, friend="13600000009")
    return lines + chat("handed", 5, HANDED, number)


def orders_of(town: Town, number: int) -> None:
    if number == 0:
        town.open("walker", 1, WALKER)
        town.open("vip", 2, VIP)
        town.open("late_vip", 3, LATE_VIP)
        town.open("handed", 5, HANDED)
        town.order(protect("guard vip", "P2", -1))
    if number == 3:
        town.order(Terminate(order_ref="end", at=hour(3, 10), subscription_ref="walker"))
        town.open("newcomer", 7, WALKER, at=hour(3, 14))
        town.open("latecomer", 4, LATECOMER, at=hour(1, 8), recorded_at=hour(3, 12))
        town.order(protect("guard late vip", "P3", 3))
    if number == 4:
        town.order(
            TransferOwner(
                order_ref="hand over",
                at=hour(1, 8),
                recorded_at=hour(4, 12),
                subscription_ref="handed",
                party=citizen(9),
            )
        )


@dataclass(frozen=True)
class Told:
    """The town after its five nights, and what was rejected when."""

    town: Town
    rejected: dict[int, dict[int, int]]
    """By night: rejected records of each day, as they stood after it."""


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Read only; `told.town.copy(...)` to go on with."""
    town = Town(tmp_path_factory.mktemp("town") / "data")
    town.data.mkdir()
    rejected: dict[int, dict[int, int]] = {}
    for number in range(5):
        orders_of(town, number)
        complaints = []
        if number == 4:
            when = f"{hour(4, 9).isoformat()},{hour(1, 9).isoformat()}"
            complaints = [
                f"c{n},12321,spam_sms,{when},{WALKER},861350000000{n}" for n in range(1, 4)
            ]
        town.deliver(number, lines_of(number), complaints)
        town.sleep(number)
        rejected[number] = {n: town.rows("rejected_usage", n).height for n in range(number + 1)}
    return Told(town, rejected)


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    """`program(town, "explain", "4711")` is what `mingdan explain 4711` would be there."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(town: Town, *arguments: str) -> Answer:
        monkeypatch.setenv("MINGDAN_DATA", str(town.data))
        monkeypatch.setattr(sys, "argv", ["mingdan", *arguments])
        with pytest.raises(SystemExit) as ended:
            app()
        shown = capsys.readouterr()
        return Answer(int(ended.value.code or 0), shown.out, shown.err)

    return call
