"""售卡: prepaid cards and vouchers over the counter, from acceptance to completion."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mingdan.orders.access.actor import SYSTEM, Actor
from mingdan.orders.commands import AnyCommand, SellCard, SellVouchers
from mingdan.orders.comparison import differences
from mingdan.orders.database import Database
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.lifecycle.model import Archive, StagedOrder
from mingdan.orders.lifecycle.payment import Money
from mingdan.orders.money import ledger
from mingdan.orders.money.model import Voucher
from mingdan.orders.money.voucher_requests import BatchRequest, RedeemRequest
from mingdan.orders.money.vouchers import VoucherDesk
from mingdan.orders.reconcile import reconcile
from mingdan.orders.refusals import Refused
from mingdan.orders.replay import replay
from mingdan.orders.stock import cards
from mingdan.orders.stock.desk import StockDesk
from mingdan.orders.store import OrderStore
from tests.orders.lifecycle.ways import (
    COUNTER,
    at_once,
    cancel,
    complete,
    events,
    everything,
    pay,
    place,
    refused,
    residue,
    rows,
)
from tests.orders.stock.support import table, taken
from tests.orders.support import PEPPER, at, done, opening, sqlite_url

CARDS = "card_no,iccid,face_value_fen,validity_days,sell_by"
CARD, OTHER = "12345671", "12345672"
PINS = "pins.csv"


@pytest.fixture
def shop(store: OrderStore, tmp_path: Path) -> OrderStore:
    """Two prepaid cards of 50 yuan and a batch of four vouchers of 50 yuan."""
    taken(
        store, "prepaid_card",
        table(CARDS, f"{CARD},,5000,90,2026-12-31", f"{OTHER},,5000,90,2026-10-05"),
    )  # fmt: skip
    request = BatchRequest(
        batch_ref="B1", face_value_fen=5000, validity_days=90, expires_at=at(300), quantity=4
    )
    VoucherDesk(store, PEPPER).make(request, tmp_path / PINS, actor=SYSTEM, at=at())
    return store


def selling_card(ref: str = "c", card_no: str = CARD) -> AnyCommand:
    return SellCard(order_ref=ref, at=at(), card_no=card_no)


def selling(ref: str = "v", quantity: Any = 3, price: Any = 4900, batch: str = "B1") -> AnyCommand:
    return SellVouchers(order_ref=ref, at=at(), batch_ref=batch, quantity=quantity, price_fen=price)


def state(store: OrderStore, card_no: str = CARD) -> object:
    return StockDesk(store).show("prepaid_card", card_no, actor=SYSTEM, at=at(9))["state"]


def sold(store: OrderStore) -> int:
    with store.database.reading() as connection:
        states = connection.execute(select(Voucher.state)).scalars().all()
    return states.count("sold")


def test_a_prepaid_card_is_held_paid_for_and_handed_over(shop: OrderStore) -> None:
    desk = OrderDesk(shop)
    view = place(desk, selling_card(), at(1))
    assert (view.order_type, view.state, view.due_fen) == ("PREPAID_CARD_SALE", "pending", 5000)
    assert (view.subscription_ref, view.party_id) == (None, None)
    assert refused(place, desk, selling_card("d"), at(1)) == "card_unavailable"
    pay(desk, view, at(1, hours=1))
    assert state(shop) == "in_stock"
    done_ = complete(desk, "c", at(1, hours=2))
    assert (done_.state, state(shop)) == ("completed", "sold")
    assert events(shop, view.order_id) == ["acknowledged", "pending", "inProgress", "completed"]
    assert complete(desk, "c", at(1, hours=3)).repeated
    assert refused(place, desk, selling_card("d"), at(2)) == "card_unavailable"
    with shop.database.reading() as connection:
        assert ledger.balance(connection, "revenue") == 5000
        assert ledger.balance(connection, "cash") == -5000
    assert residue(shop) == {}
    assert reconcile(shop, at(9)) == []
    assert CARD not in str(rows(shop, Archive, StagedOrder)) + repr(view)


def test_vouchers_are_held_paid_for_and_handed_over(shop: OrderStore, tmp_path: Path) -> None:
    desk = OrderDesk(shop)
    view = place(desk, selling(), at(1))
    assert (view.order_type, view.due_fen) == ("VOUCHER_SALE", 3 * 4900)
    assert refused(place, desk, selling("w", 2), at(1)) == "voucher_stock"
    one = at_once(desk, selling("w", 1), at(1), 4900)
    assert (one.state, sold(shop)) == ("completed", 1)
    pay(desk, view, at(1))
    assert sold(shop) == 1
    complete(desk, "v", at(1, hours=1))
    assert sold(shop) == 4
    with shop.database.reading() as connection:
        assert ledger.balance(connection, "voucher") == 4 * 5000
        assert ledger.balance(connection, "discount") == -400
    done(shop, opening(1))
    pin = (tmp_path / PINS).read_text("ascii").split()[1].split(",")[1]
    request = RedeemRequest(subscription_ref="S1", pin=pin, correlator="r")
    VoucherDesk(shop, PEPPER).redeem(request, actor=COUNTER, at=at(2))
    assert residue(shop) == {}
    assert reconcile(shop, at(9)) == []
    with pytest.raises(Refused) as refusal:
        desk.reverse("r", "no", actor=SYSTEM, at=at(2))
    assert refusal.value.code == "not_reversible"
    assert "redeemed" in refusal.value.reason


@pytest.mark.parametrize("command", [selling_card(), selling()])
def test_a_cancelled_sale_leaves_nothing_behind(shop: OrderStore, command: AnyCommand) -> None:
    desk = OrderDesk(shop)
    ref = command.order_ref
    view = place(desk, command, at(1))
    pay(desk, view, at(1))
    assert cancel(desk, ref, at(1)).given_back_fen == view.due_fen
    assert (state(shop), sold(shop), residue(shop)) == ("in_stock", 0, {})
    again = type(command)(**{**vars(command), "order_ref": "again"})
    assert at_once(desk, again, at(1), view.due_fen).state == "completed"
    assert reconcile(shop, at(9)) == []


def test_a_sale_past_its_time_holds_nothing(shop: OrderStore) -> None:
    desk = OrderDesk(shop)
    place(desk, selling_card(), at(1))
    place(desk, selling("v", 4), at(1))
    assert at_once(desk, selling_card("d"), at(2), 5000).state == "completed"
    assert at_once(desk, selling("w", 4), at(2), 4 * 4900).state == "completed"
    assert desk.expire(actor=COUNTER, at=at(3)) == 2
    assert residue(shop) == {}


REFUSED: list[tuple[str, AnyCommand]] = [
    ("card_not_in_stock", selling_card(card_no="99999999")),
    ("invalid_value", selling_card(card_no="' OR ''='")),
    ("card_expired", selling_card(card_no=OTHER)),
    ("unknown_voucher_batch", selling(batch="'; DROP TABLE voucher; --")),
    ("voucher_stock", selling(quantity=5)),
    ("invalid_value", selling(quantity=0)),
    ("invalid_value", selling(quantity=True)),
    ("invalid_value", selling(quantity=10**9)),
    ("invalid_value", selling(price=5001)),
    ("invalid_value", selling(price=-1)),
    ("invalid_value", selling(price=49.0)),
]


def test_what_may_not_be_sold_is_refused_and_leaves_nothing(shop: OrderStore) -> None:
    desk, before = OrderDesk(shop), everything(shop)
    for number, (code, command) in enumerate(REFUSED):
        assert (number, refused(place, desk, command, at(5))) == (number, code)
    assert refused(place, desk, selling(), at(300)) == "voucher_expired"
    hotline = Actor("hotline", "hotline", "x")
    for command in (selling(), selling_card()):
        with pytest.raises(Refused, match="business_not_permitted"):
            desk.place(command, actor=hotline, at=at(1))
        # nothing is handed over that was not paid for
        assert shop.apply([command]).refused[0].code == "unknown_business"
    assert everything(shop) == before


def test_one_card_is_sold_once(url: str, tmp_path: Path) -> None:
    with OrderStore.open(url) as store:
        taken(store, "prepaid_card", table(CARDS, f"{CARD},,5000,90,2026-12-31"))

    def buy(who: int) -> str:
        money = Money(amount_fen=5000, correlator=f"m{who}")
        with OrderStore.open(url) as mine:
            try:
                command = selling_card(f"c{who}")
                return OrderDesk(mine).run(command, actor=COUNTER, at=at(1), payment=money).state
            except Refused as refusal:
                return refusal.code

    with ThreadPoolExecutor(4) as pool:
        said = sorted(pool.map(buy, range(4)))
    assert said == [*["card_unavailable"] * 3, "completed"]


def test_a_sale_is_taken_back_while_nothing_was_used(shop: OrderStore) -> None:
    desk = OrderDesk(shop)
    at_once(desk, selling_card(), at(1), 5000)
    at_once(desk, selling("v", 2), at(1), 9800)
    for ref in ("c", "v"):
        view = desk.reverse(ref, f"{ref}-back", actor=COUNTER, at=at(1.5))
        assert (view.order_type, view.state) == ("RETURN_CARDS", "completed")
        assert desk.reverse(ref, f"{ref}-back", actor=COUNTER, at=at(1.6)).repeated
    assert (state(shop), sold(shop)) == ("in_stock", 0)
    with shop.database.reading() as connection:
        for name in ("cash", "revenue", "voucher", "discount"):
            assert ledger.balance(connection, name) == 0
    assert at_once(desk, selling_card("d"), at(2), 5000).state == "completed"
    assert reconcile(shop, at(9)) == []


def test_what_was_used_is_not_taken_back(shop: OrderStore, tmp_path: Path) -> None:
    desk = OrderDesk(shop)
    done(shop, opening(1))
    at_once(desk, selling_card(), at(1), 5000)
    with shop.database.writing() as connection:
        cards.activate(Journal(connection, at(1), "test"), CARD, at=at(1))
    at_once(desk, selling("v", 2), at(1), 9800)
    pin = (tmp_path / PINS).read_text("ascii").split()[1].split(",")[1]
    request = RedeemRequest(subscription_ref="S1", pin=pin, correlator="r")
    VoucherDesk(shop, PEPPER).redeem(request, actor=COUNTER, at=at(1.1))
    before = everything(shop)
    for ref, code in (("c", "card_unavailable"), ("v", "voucher_state")):
        assert refused(desk.reverse, ref, "no", actor=COUNTER, at=at(1.2)) == code
    assert everything(shop) == before


def test_sales_are_rebuilt_from_the_logs(shop: OrderStore, tmp_path: Path) -> None:
    desk = OrderDesk(shop)
    at_once(desk, selling("v", 2), at(1), 2 * 4900)
    at_once(desk, selling_card(), at(1), 5000)
    desk.reverse("c", "back", actor=COUNTER, at=at(1.1))
    place(desk, selling("w", 1), at(1))
    target = Database(sqlite_url(tmp_path))
    replay(shop.database, target)
    assert [each.table for each in differences(shop.database, target)] == []
    target.close()
