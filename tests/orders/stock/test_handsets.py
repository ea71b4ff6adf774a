"""购买 and 换机身: the handset, the money, the order, and everything that is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from mingdan.orders import model as m
from mingdan.orders.access.actor import SYSTEM
from mingdan.orders.commands import Charge, Terminate
from mingdan.orders.refusals import Refused
from mingdan.orders.stock.desk import StockDesk
from mingdan.orders.stock.handsets import BuyHandset, HandsetDesk, SwapHandset
from mingdan.orders.stock.model import HandsetHolding
from mingdan.orders.store import OrderStore
from tests.orders.stock.support import COUNTER, HOTLINE, phone, phones, table, taken
from tests.orders.support import at, done, opening, order

PRICE, SWAP_PRICE = 199_900, 149_900 + 1_000


@pytest.fixture
def shop(store: OrderStore) -> OrderStore:
    done(store, opening(1), opening(2, product_code="POSTPAID_5G"))
    taken(store, "handset", phones(1, 2, 3))
    return store


def buying(serial: int = 1, **values: Any) -> BuyHandset:
    plain: dict[str, Any] = {
        "order_ref": f"buy-{serial}",
        "subscription_ref": "S1",
        "imei": phone(serial),
        "amount_fen": PRICE,
    }
    return BuyHandset(**plain | values)


def swapping(old: int, new: int, **values: Any) -> SwapHandset:
    plain: dict[str, Any] = {
        "order_ref": f"swap-{old}-{new}",
        "subscription_ref": "S1",
        "imei": phone(new),
        "old_imei": phone(old),
        "amount_fen": SWAP_PRICE,
    }
    return SwapHandset(**plain | values)


def state(store: OrderStore, serial: int, days: float = 5) -> tuple[object, object, object]:
    shown = StockDesk(store).show("handset", phone(serial), actor=SYSTEM, at=at(days))
    return shown["state"], shown["usage"], shown["subscription_id"]


def test_a_handset_is_bought_and_later_swapped(shop: OrderStore) -> None:
    desk = HandsetDesk(shop)
    assert [c.amount_fen for c in desk.price("S1", phone(1), actor=COUNTER, at=at(1))] == [PRICE]
    bought = desk.buy(buying(), actor=COUNTER, at=at(1))
    assert (bought.order_type, bought.model, bought.due_fen) == ("BUY_DEVICE", "HANDSET_5G", PRICE)
    assert bought.receipt
    assert phone(1) not in repr(bought)
    assert state(shop, 1) == ("unavailable", None, 1)
    swapped = desk.swap(swapping(1, 2), actor=COUNTER, at=at(2))
    assert {charge.code for charge in swapped.charges} == {"HANDSET_5G", "handling"}
    assert state(shop, 1) == ("unavailable", "returned", None)
    assert state(shop, 2) == ("unavailable", None, 1)
    held = desk.held_by("S1", actor=COUNTER, at=at(3))
    assert [(each["order_type"], each["to"] is None) for each in held] == [
        ("BUY_DEVICE", False),
        ("SWAP_DEVICE", True),
    ]
    told = StockDesk(shop).history("handset", phone(1), actor=SYSTEM, at=at(3))
    assert [each["event"] for each in told] == [
        "HandsetCreateEvent", "HandsetStateChangeEvent", "held",
        "HandsetAttributeValueChangeEvent",
    ]  # fmt: skip
    orders = shop.show(1, at(3))["orders"]
    assert [each["order_type"] for each in orders] == ["OPEN", "BUY_DEVICE", "SWAP_DEVICE"]
    assert {each["state"] for each in orders} == {"completed"}
    events = [e for e in shop.outbox().events if e.order_type == "BUY_DEVICE"]
    assert [e.state for e in events] == ["acknowledged", "inProgress", "completed"]


def test_the_money_is_a_payment_and_a_bill_and_leaves_no_balance(shop: OrderStore) -> None:
    HandsetDesk(shop).buy(buying(), actor=COUNTER, at=at(1))
    with shop.database.reading() as connection:
        for table_of in (m.Payment, m.CustomerBill):
            found = connection.execute(select(table_of.amount_fen, table_of.account_id)).all()
            assert [tuple(row) for row in found] == [(PRICE, 1)]
    assert shop.show(1, at(2))["arrears_fen"] == 0


def test_a_better_price_with_a_5g_plan(shop: OrderStore) -> None:
    request = buying(subscription_ref="S2", amount_fen=179_900)
    assert HandsetDesk(shop).buy(request, actor=COUNTER, at=at(1)).due_fen == 179_900


def test_the_same_order_again_is_answered_as_before(shop: OrderStore) -> None:
    desk = HandsetDesk(shop)
    first = desk.buy(buying(), actor=COUNTER, at=at(1))
    again = desk.buy(buying(), actor=COUNTER, at=at(9))
    assert again == replace(first, repeated=True)
    for other in (buying(imei=phone(2)), buying(method="card")):
        with pytest.raises(Refused, match="order_ref_reused"):
            desk.buy(other, actor=COUNTER, at=at(9))
    with pytest.raises(Refused, match="order_ref_reused"):
        desk.buy(buying(2, order_ref="open-1"), actor=COUNTER, at=at(9))
    charge = order(Charge, "buy-1", at(9), amount_fen=1, due_at=at(10))
    assert shop.apply([charge]).refused[0].code == "order_ref_reused"


REFUSED = [
    (buying(subscription_ref="S9"), "unknown_subscription"),
    (buying(subscription_ref="'; DROP TABLE handset; --"), "unknown_subscription"),
    (buying(9), "handset_not_in_stock"),
    (buying(imei="８６0000000000001"), "invalid_value"),
    (buying(imei="' OR ''='"), "invalid_value"),
    (buying(amount_fen=PRICE - 1), "amount_not_due"),
    (buying(amount_fen=PRICE + 1), "amount_not_due"),
    (buying(amount_fen=-PRICE), "invalid_value"),
    (buying(amount_fen=0), "invalid_value"),
    (buying(amount_fen=float(PRICE)), "invalid_value"),
    (buying(method="shells"), "invalid_value"),
    (buying(order_ref=""), "invalid_value"),
    (buying(order_ref="x" * 300), "invalid_value"),
    (buying(channel="\x00"), "invalid_value"),
    (swapping(3, 1), "handset_not_held"),
    (swapping(9, 1), "handset_not_held"),
    (swapping(1, 1), "handset_not_held"),
    (swapping(2, 1, old_is="sold"), "invalid_value"),
]


@pytest.mark.parametrize(("request_", "code"), REFUSED)
def test_what_is_not_in_order_is_refused_and_leaves_nothing(
    shop: OrderStore, request_: BuyHandset, code: str
) -> None:
    desk = HandsetDesk(shop)
    carry_out = desk.swap if isinstance(request_, SwapHandset) else desk.buy
    with shop.database.reading() as connection:
        before = connection.execute(text("SELECT count(*) FROM entity_event")).scalar()
    with pytest.raises(Refused, match=code):
        carry_out(request_, actor=COUNTER, at=at(1))  # type: ignore[arg-type]
    with shop.database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM entity_event")).scalar() == before
        assert connection.execute(select(func.count(m.ProductOrder.order_id))).scalar() == 2
        assert connection.execute(select(func.count(HandsetHolding.imei))).scalar() == 0


def test_who_may_not_sell_and_who_may_not_buy(shop: OrderStore) -> None:
    desk = HandsetDesk(shop)
    with pytest.raises(Refused, match="business_not_permitted"):
        desk.buy(buying(), actor=HOTLINE, at=at(1))
    with pytest.raises(Refused, match="not_in_service"):
        desk.buy(buying(), actor=COUNTER, at=at(-1))
    done(shop, order(Terminate, "end", at(1)))
    with pytest.raises(Refused, match="subscription_terminated"):
        desk.buy(buying(), actor=COUNTER, at=at(2))


def test_a_reserved_handset_goes_to_whom_it_is_held_for(shop: OrderStore) -> None:
    stock, desk = StockDesk(shop), HandsetDesk(shop)
    held = stock.reserve(actor=COUNTER, at=at(1), imei=phone(1))["reservation_id"]
    for wrong in (None, held + 1):
        with pytest.raises(Refused, match="handset_reserved"):
            desk.buy(buying(reservation_id=wrong), actor=COUNTER, at=at(1))
    with pytest.raises(Refused, match="handset_reserved"):
        stock.reserve(actor=COUNTER, at=at(1), imei=phone(1))
    desk.buy(buying(reservation_id=held), actor=COUNTER, at=at(1))
    assert stock.release(actor=COUNTER, at=at(1), reservation_id=held)["state"] == "completed"
    assert state(shop, 1) == ("unavailable", None, 1)
    with pytest.raises(Refused, match="handset_unavailable"):
        stock.reserve(actor=COUNTER, at=at(2), imei=phone(1))
    stock.reserve(actor=COUNTER, at=at(1), imei=phone(2))
    desk.buy(buying(2), actor=COUNTER, at=at(1, hours=0.5))


def test_a_sold_one_is_not_sold_again_until_it_is_back_and_looked_at(shop: OrderStore) -> None:
    desk, stock = HandsetDesk(shop), StockDesk(shop)
    desk.buy(buying(1), actor=COUNTER, at=at(1))
    with pytest.raises(Refused, match="handset_unavailable"):
        desk.buy(buying(1, order_ref="b2", subscription_ref="S2"), actor=COUNTER, at=at(2))
    with pytest.raises(Refused, match="handset_not_held"):
        desk.swap(swapping(1, 2, subscription_ref="S2"), actor=COUNTER, at=at(2))
    desk.swap(swapping(1, 2, old_is="damaged"), actor=COUNTER, at=at(3))
    with pytest.raises(Refused, match="handset_unavailable"):
        desk.buy(buying(1, order_ref="b3"), actor=COUNTER, at=at(4))
    stock.set_state("handset", phone(1), "inShop", actor=SYSTEM, at=at(4))
    desk.buy(buying(1, order_ref="b4"), actor=COUNTER, at=at(5))
    assert state(shop, 1) == ("unavailable", None, 1)


def test_stock_cannot_take_a_sold_one_back_by_hand(shop: OrderStore) -> None:
    HandsetDesk(shop).buy(buying(1), actor=COUNTER, at=at(1))
    with pytest.raises(Refused, match="state_step"):
        StockDesk(shop).set_state("handset", phone(1), "inShop", actor=SYSTEM, at=at(2))


def test_a_model_without_a_price_is_not_sold(shop: OrderStore) -> None:
    with shop.database.writing() as connection:
        connection.execute(text("UPDATE charge_price SET amount_fen = 0 WHERE code = 'HANDSET_5G'"))
    try:
        with pytest.raises(Refused, match="no_price"):
            HandsetDesk(shop).buy(buying(1), actor=COUNTER, at=at(1))
    finally:
        with shop.database.writing() as connection:
            connection.execute(
                text(
                    "UPDATE charge_price SET amount_fen = CASE order_type WHEN 'SWAP_DEVICE'"
                    " THEN 149900 ELSE CASE product_code WHEN '*' THEN 199900 ELSE 179900 END END"
                    " WHERE code = 'HANDSET_5G'"
                )
            )


def test_the_database_itself_refuses_two_holders(shop: OrderStore) -> None:
    HandsetDesk(shop).buy(buying(1), actor=COUNTER, at=at(1))
    copied = (
        "INSERT INTO handset_holding (imei, subscription_id, order_id, valid_from)"
        " SELECT imei, 2, order_id, valid_from FROM handset_holding"
    )
    with pytest.raises(DatabaseError), shop.database.writing() as connection:
        connection.execute(text(copied))
    with pytest.raises(DatabaseError), shop.database.writing() as connection:
        connection.execute(text("UPDATE handset_holding SET valid_to = valid_from"))


def test_a_cheap_model_from_its_own_price(shop: OrderStore) -> None:
    taken(shop, "handset", table("imei,model", f"{phone(8)},HANDSET_BASIC"))
    assert (
        HandsetDesk(shop).buy(buying(8, amount_fen=29_900), actor=COUNTER, at=at(1)).due_fen
        == 29_900
    )
