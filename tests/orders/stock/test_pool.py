"""Finding free numbers: by group, digits and shape, by the clock, never a taken one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mingdan.orders.access.actor import SYSTEM
from mingdan.orders.commands import Terminate
from mingdan.orders.refusals import Refused
from mingdan.orders.stock.desk import StockDesk
from mingdan.orders.stock.pool import Wanted
from mingdan.orders.store import OrderStore
from tests.orders.stock.support import table, taken
from tests.orders.support import at, done, opening, order

STOCK = ["13800138000", "13800138888", "13800131234", "13800132277", "13800135656", "13900004444",
         "13912340000", "1440123456789"]  # fmt: skip


@pytest.fixture
def shop(store: OrderStore) -> OrderStore:
    taken(store, "number", table("number", *STOCK))
    return store


def found(store: OrderStore, hours: float = 0, **wanted: object) -> list[str]:
    asked = Wanted(**wanted)  # type: ignore[arg-type]
    numbers = StockDesk(store).find(asked, actor=SYSTEM, at=at(hours=hours))
    return [each.number.removeprefix("86") for each in numbers]


def test_by_digits_shape_group_and_category(shop: OrderStore) -> None:
    assert found(shop) == sorted(STOCK[:-1])
    assert found(shop, kind="iot") == [STOCK[-1]]
    assert found(shop, pattern="8000") == ["13800138000"]
    assert found(shop, pattern="13800******") == sorted(STOCK[:5])
    assert found(shop, pattern="AABB") == ["13800132277"]
    assert found(shop, pattern="ABAB") == ["13800135656"]
    assert found(shop, pattern="AAAA") == ["13800138888", "13900004444", "13912340000"]
    assert found(shop, pattern="13900**AAAA") == ["13900004444"]
    assert found(shop, pattern="139???AAAAA") == []
    assert found(shop, group="STEPS") == ["13800131234"]
    assert found(shop, category="gold") == ["13800138888", "13900004444", "13912340000"]
    assert found(shop, without="4", pattern="138********") == [
        "13800132277", "13800135656", "13800138000", "13800138888",
    ]  # fmt: skip
    assert found(shop, limit=2) == sorted(STOCK[:-1])[:2]


def test_what_is_like_another_comes_first_and_says_why(shop: OrderStore) -> None:
    wanted = Wanted(like="13655558000", limit=3)
    first, *others = StockDesk(shop).find(wanted, actor=SYSTEM, at=at())
    assert (first.number, first.reason) == ("8613800138000", "ends in 4 digits asked for")
    assert [each.reason for each in others] == ["ends in 3 digits asked for", "free"]
    assert len({each.number for each in (first, *others)}) == 3


def test_free_is_what_the_clock_says(shop: OrderStore) -> None:
    desk, number = StockDesk(shop), "13800138000"
    held = desk.reserve(actor=SYSTEM, at=at(), number=number, minutes=30)
    assert number not in found(shop, hours=0.4)
    assert number in found(shop, hours=0.5)
    desk.release(actor=SYSTEM, at=at(hours=0.1), reservation_id=held["reservation_id"])
    assert number in found(shop, hours=0.1)
    done(shop, opening(1, when=at(hours=1), msisdn=number))
    assert number not in found(shop, hours=2)
    done(shop, order(Terminate, "end", at(1)))
    rests = timedelta(days=90).total_seconds() / 3600
    assert number not in found(shop, hours=24 + rests - 1)
    assert number in found(shop, hours=24 + rests)


def test_what_is_withdrawn_is_not_offered(shop: OrderStore) -> None:
    desk = StockDesk(shop)
    desk.set_state("number", "13800138888", "blocked", actor=SYSTEM, at=at())
    assert "13800138888" not in found(shop)


def test_a_planned_segment_is_not_offered(sqlite_store: OrderStore) -> None:
    shop, desk = sqlite_store, StockDesk(sqlite_store)
    taken(shop, "number", table("number", "13912340000"))
    taken(shop, "segment", table("prefix,state", "1391234,planned"))
    assert "13912340000" not in found(shop)
    with pytest.raises(Refused, match="segment_closed"):
        desk.reserve(actor=SYSTEM, at=at(), number="13912340000")
    assert desk.move_segment("1391234", "active", actor=SYSTEM, at=at()) == 9_999
    assert "13912340000" in found(shop, pattern="13912******")


def test_a_frozen_segment_gives_nothing_out_and_comes_back(store: OrderStore) -> None:
    desk = StockDesk(store)
    taken(store, "segment", table("prefix", "1380013"))
    shown = [set(found(store, spread=word)) for word in ("counter 1", "counter 2", "counter 3")]
    assert all(len(each) == 10 for each in shown)
    assert not shown[0] & shown[1] | shown[1] & shown[2], "counters are shown different numbers"
    assert len(found(store, spread="last", pattern="99", limit=100)) == 100, "it goes round"
    done(store, opening(1, msisdn="13800138000"))
    assert desk.move_segment("1380013", "frozen", actor=SYSTEM, at=at(1)) == 9_999
    assert found(store) == []
    assert desk.show("number", "13800138000", actor=SYSTEM, at=at(1))["state"] == "in_service"
    assert desk.move_segment("1380013", "active", actor=SYSTEM, at=at(2)) == 9_999
    assert len(found(store, limit=1000)) == 1000
    for prefix, state, code in (
        ("1380013", "planned", "state_step"),
        ("1380013", "'; --", "state_step"),
        ("1390000", "frozen", "unknown_segment"),
    ):
        with pytest.raises(Refused, match=code):
            desk.move_segment(prefix, state, actor=SYSTEM, at=at(3))


@pytest.mark.parametrize(
    "wanted",
    [
        {"pattern": "８８８"},
        {"pattern": "aab"},
        {"pattern": "%"},
        {"pattern": "'; DROP TABLE msisdn; --"},
        {"pattern": ""},
        {"pattern": "A" * 19},
        {"without": "四"},
        {"like": "' OR 1=1"},
        {"limit": 0},
        {"limit": 10**9},
        {"limit": True},
        {"group": "NOBODY"},
        {"category": "' OR ''='"},
        {"kind": ""},
    ],
)
def test_a_wish_nobody_can_read_is_refused(
    sqlite_store: OrderStore, wanted: dict[str, object]
) -> None:
    with pytest.raises(Refused, match=r"invalid_value|unknown_group"):
        found(sqlite_store, **wanted)
