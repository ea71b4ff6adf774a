"""购买 and 换机身: the handset, the money, the order, and everything that is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from mingdan.orders import model as m
from mingdan.orders.access.actor import SYSTEM
from mingdan.orders.commands import AnyCommand, BuyDevice, Charge, SwapDevice, Terminate
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.lifecycle.payment import Money
from mingdan.orders.lifecycle.views import OrderView
from mingdan.orders.reconcile import reconcile
from mingdan.orders.refusals import Refused
from mingdan.orders.stock.desk import StockDesk
from mingdan.orders.stock.handsets import HandsetDesk
from mingdan.orders.stock.model import HandsetHolding
from mingdan.orders.store import OrderStore
from tests.orders.lifecycle.ways import everything, residue, rows
from tests.orders.stock.support import COUNTER, HOTLINE, phone, phones, table, taken
from tests.orders.support import at, done, opening, order

PRICE, SWAP_PRICE = 199_900, 149_900 + 1_000


@pytest.fixture
def shop(store: OrderStore) -> OrderStore:
    done(store, opening(1), opening(2, product_code="POSTPAID_5G"))
    taken(store, "handset", phones(1, 2, 3))
    return store


def buying(serial: int = 1, **values: Any) -> AnyCommand:
    ref = values.pop("order_ref", f"buy-{serial}")
    return order(BuyDevice, ref, at(), **{"imei": phone(serial)} | values)


def swapping(old: int, new: int, **values: Any) -> AnyCommand:
    ref = values.pop("order_ref", f"swap-{old}-{new}")
    return order(SwapDevice, ref, at(), **{"imei": phone(new), "old_imei": phone(old)} | values)


def sold(
    store: OrderStore,
    command: AnyCommand,
    when: datetime,
    fen: int = PRICE,
    *,
    reservation: int | None = None,
) -> OrderView:
    """Paid and completed at once."""
    money = Money(amount_fen=fen, correlator=command.order_ref)
    view = OrderDesk(store).run(
        command, actor=COUNTER, at=when, payment=money, reservation=reservation
    )
    assert view.state == "completed"
    return view


def refused(store: OrderStore, command: AnyCommand, when: datetime, **values: Any) -> str:
    with pytest.raises(Refused) as refusal:
        OrderDesk(store).place(command, actor=COUNTER, at=when, **values)
    return refusal.value.code


def state(store: OrderStore, serial: int, days: float = 5) -> tuple[object, object, object]:
    shown = StockDesk(store).show("handset", phone(serial), actor=SYSTEM, at=at(days))
    return shown["state"], shown["usage"], shown["subscription_id"]


def test_a_handset_is_bought_and_later_swapped(shop: OrderStore) -> None:
    desk = HandsetDesk(shop)
    assert [c.amount_fen for c in desk.price("S1", phone(1), actor=COUNTER, at=at(1))] == [PRICE]
    bought = sold(shop, buying(), at(1))
    assert (bought.order_type, bought.due_fen, bool(bought.receipt)) == ("BUY_DEVICE", PRICE, True)
    assert phone(1) not in repr(bought)
    assert state(shop, 1) == ("unavailable", None, 1)
    swapped = sold(shop, swapping(1, 2), at(2), SWAP_PRICE)
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
    assert [each.template for each in OrderDesk(shop).notices("buy-1")] == ["handset_bought"]
    assert reconcile(shop, at(3)) == []


def test_an_order_that_waits_holds_the_handset_and_nothing_more(shop: OrderStore) -> None:
    desk = OrderDesk(shop)
    before = rows(shop, HandsetHolding, m.ProductOrderItem, m.Payment, m.CustomerBill)
    view = desk.place(buying(), actor=COUNTER, at=at(1))
    assert (view.state, view.due_fen) == ("pending", PRICE)
    assert state(shop, 1, 1) == ("reserved", "inShop", None)
    other = buying(order_ref="b2", subscription_ref="S2")
    assert refused(shop, other, at(1)) == "handset_reserved"
    assert [each.code for each in shop.apply([replace(other, at=at(1))]).refused] == [
        "handset_reserved"
    ]
    desk.pay("buy-1", PRICE, "till-1", COUNTER, at(1, hours=1))
    assert rows(shop, HandsetHolding, m.ProductOrderItem, m.Payment, m.CustomerBill) == before
    view = desk.complete("buy-1", actor=COUNTER, at=at(1, hours=2))
    assert view.state == "completed"
    assert state(shop, 1) == ("unavailable", None, 1)
    assert residue(shop) == {}
    assert desk.complete("buy-1", actor=COUNTER, at=at(2)).repeated
    assert reconcile(shop, at(3)) == []


@pytest.mark.parametrize("swap", [False, True])
def test_a_cancelled_order_leaves_no_residue(shop: OrderStore, swap: bool) -> None:
    desk, command, fen = OrderDesk(shop), buying(2), PRICE
    if swap:
        sold(shop, buying(), at(1))
        command, fen = swapping(1, 2), SWAP_PRICE
    before = rows(shop, HandsetHolding, m.ProductOrderItem, m.Payment, m.CustomerBill)
    desk.place(command, actor=COUNTER, at=at(2))
    desk.pay(command.order_ref, fen, "till-2", COUNTER, at(2))
    view = desk.cancel(command.order_ref, "too dear", actor=COUNTER, at=at(2, hours=1))
    assert (view.state, view.given_back_fen) == ("cancelled", fen)
    assert state(shop, 2) == ("available", "inShop", None)
    assert state(shop, 1)[2] == (1 if swap else None)
    assert residue(shop) == {}
    assert rows(shop, HandsetHolding, m.ProductOrderItem, m.Payment, m.CustomerBill) == before
    assert reconcile(shop, at(3)) == []


def test_an_order_past_its_time_holds_nothing(shop: OrderStore) -> None:
    desk = OrderDesk(shop)
    desk.place(buying(), actor=COUNTER, at=at(1))
    with pytest.raises(Refused, match="order_expired"):
        desk.pay("buy-1", PRICE, "till-1", COUNTER, at(2))
    sold(shop, buying(order_ref="b2", subscription_ref="S2"), at(2), 179_900)
    assert desk.expire(actor=COUNTER, at=at(3)) == 1
    assert state(shop, 1) == ("unavailable", None, 2)
    assert residue(shop) == {}


def test_the_money_is_a_payment_and_a_bill_and_leaves_no_balance(shop: OrderStore) -> None:
    sold(shop, buying(), at(1))
    with shop.database.reading() as connection:
        for table_of in (m.Payment, m.CustomerBill):
            found = connection.execute(select(table_of.amount_fen, table_of.account_id)).all()
            assert [tuple(row) for row in found] == [(PRICE, 1)]
    assert shop.show(1, at(2))["arrears_fen"] == 0


def test_a_better_price_with_a_5g_plan(shop: OrderStore) -> None:
    assert sold(shop, buying(subscription_ref="S2"), at(1), 179_900).due_fen == 179_900


def test_less_money_makes_the_order_wait_and_more_is_not_taken(shop: OrderStore) -> None:
    desk = OrderDesk(shop)
    with pytest.raises(Refused, match="payment_too_much"):
        sold(shop, buying(), at(1), PRICE + 1)
    money = Money(amount_fen=PRICE - 1, correlator="c")
    view = desk.run(buying(), actor=COUNTER, at=at(1), payment=money)
    assert (view.state, view.paid_fen) == ("pending", PRICE - 1)


def test_the_same_order_again_is_answered_as_before(shop: OrderStore) -> None:
    first = sold(shop, buying(), at(1))
    again = sold(shop, buying(), at(9))
    assert again.repeated
    assert (again.order_id, again.receipt) == (first.order_id, first.receipt)
    for other in (buying(imei=phone(2)), buying(2, order_ref="open-1"), swapping(
            1, 2, order_ref="buy-1")):  # fmt: skip
        assert refused(shop, other, at(9)) == "order_ref_reused"
    charge = order(Charge, "buy-1", at(9), amount_fen=1, due_at=at(10))
    assert shop.apply([charge]).refused[0].code == "order_ref_reused"


def test_bulk_orders_hand_handsets_out_and_take_them_in(shop: OrderStore) -> None:
    bought = buying(order_ref="b1")
    commands = [
        replace(bought, at=at(1)),
        replace(swapping(1, 2), at=at(2)),
        replace(buying(3, subscription_ref="S2"), at=at(2)),
    ]
    done(shop, *commands)
    assert [state(shop, n) for n in (1, 2, 3)] == [
        ("unavailable", "returned", None), ("unavailable", None, 1), ("unavailable", None, 2),
    ]  # fmt: skip
    late = replace(buying(1, order_ref="late"), at=at(1.5), recorded_at=at(3))
    StockDesk(shop).set_state("handset", phone(1), "inShop", actor=SYSTEM, at=at(2.5))
    assert shop.apply([late]).refused[0].code == "handset_unavailable", "it was with S1 then"
    assert reconcile(shop, at(3)) == []


REFUSED: list[tuple[AnyCommand, str]] = [
    (buying(subscription_ref="S9"), "unknown_subscription"),
    (buying(subscription_ref="'; DROP TABLE handset; --"), "unknown_subscription"),
    (buying(9), "handset_not_in_stock"),
    (buying(imei="８６0000000000001"), "invalid_value"),
    (buying(imei="' OR ''='"), "invalid_value"),
    (buying(imei=None), "invalid_value"),
    (buying(order_ref=""), "invalid_value"),
    (buying(order_ref="x" * 300), "invalid_value"),
    (buying(channel="\x00"), "invalid_value"),
    (swapping(3, 1), "handset_not_held"),
    (swapping(9, 1), "handset_not_held"),
    (swapping(1, 1), "handset_not_held"),
    (swapping(2, 1, old_is="sold"), "invalid_value"),
]


def test_what_is_not_in_order_is_refused_and_leaves_nothing(shop: OrderStore) -> None:
    before = everything(shop)
    for number, (command, code) in enumerate(REFUSED):
        assert (number, refused(shop, command, at(1))) == (number, code)
    with pytest.raises(Refused, match="invalid_value"):
        OrderDesk(shop).run(
            buying(), actor=COUNTER, at=at(1),
            payment=Money(amount_fen=PRICE, correlator="c", method="shells"),
        )  # fmt: skip
    assert everything(shop) == before


def test_who_may_not_sell_and_who_may_not_buy(shop: OrderStore) -> None:
    with pytest.raises(Refused, match="business_not_permitted"):
        OrderDesk(shop).place(buying(), actor=HOTLINE, at=at(1))
    assert refused(shop, buying(), at(-1)) == "not_in_service"
    done(shop, order(Terminate, "end", at(1)))
    assert refused(shop, buying(), at(2)) == "subscription_terminated"
    late = replace(buying(), at=at(0.5), recorded_at=at(2))
    assert shop.apply([late]).refused[0].code == "subscription_terminated"


def test_a_reserved_handset_goes_to_whom_it_is_held_for(shop: OrderStore) -> None:
    stock = StockDesk(shop)
    held = stock.reserve(actor=COUNTER, at=at(1), imei=phone(1))["reservation_id"]
    assert refused(shop, buying(), at(1)) == "handset_reserved"
    assert refused(shop, buying(), at(1), reservation=held + 1) == "unknown_reservation"
    with pytest.raises(Refused, match="handset_reserved"):
        stock.reserve(actor=COUNTER, at=at(1), imei=phone(1))
    sold(shop, buying(), at(1), reservation=held)
    assert state(shop, 1) == ("unavailable", None, 1)
    with pytest.raises(Refused, match="handset_unavailable"):
        stock.reserve(actor=COUNTER, at=at(2), imei=phone(1))
    stock.reserve(actor=COUNTER, at=at(1), imei=phone(2))
    sold(shop, buying(2), at(1, hours=0.5))


def test_a_sold_one_is_not_sold_again_until_it_is_back_and_looked_at(shop: OrderStore) -> None:
    stock = StockDesk(shop)
    sold(shop, buying(1), at(1))
    other = buying(1, order_ref="b2", subscription_ref="S2")
    assert refused(shop, other, at(2)) == "handset_unavailable"
    assert refused(shop, swapping(1, 2, subscription_ref="S2"), at(2)) == "handset_not_held"
    sold(shop, swapping(1, 2, old_is="damaged"), at(3), SWAP_PRICE)
    assert refused(shop, buying(1, order_ref="b3"), at(4)) == "handset_unavailable"
    stock.set_state("handset", phone(1), "inShop", actor=SYSTEM, at=at(4))
    sold(shop, buying(1, order_ref="b4"), at(5))
    assert state(shop, 1) == ("unavailable", None, 1)


def test_stock_cannot_take_a_sold_one_back_by_hand(shop: OrderStore) -> None:
    sold(shop, buying(1), at(1))
    with pytest.raises(Refused, match="state_step"):
        StockDesk(shop).set_state("handset", phone(1), "inShop", actor=SYSTEM, at=at(2))


def test_a_model_without_a_price_is_not_sold(shop: OrderStore) -> None:
    with shop.database.writing() as connection:
        connection.execute(text("UPDATE charge_price SET amount_fen = 0 WHERE code = 'HANDSET_5G'"))
    try:
        assert refused(shop, buying(1), at(1)) == "no_price"
        with pytest.raises(Refused, match="no_price"):
            HandsetDesk(shop).price("S1", phone(1), actor=COUNTER, at=at(1))
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
    sold(shop, buying(1), at(1))
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
    assert sold(shop, buying(8), at(1), 29_900).due_fen == 29_900
