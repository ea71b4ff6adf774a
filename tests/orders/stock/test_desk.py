"""The stock desk: who may do what, what it shows, and the history of a resource."""

from __future__ import annotations

import json
from datetime import date

import pytest

from mingdan.orders.access.actor import SYSTEM, Actor
from mingdan.orders.commands import SwapSim, Terminate
from mingdan.orders.journal import Journal
from mingdan.orders.policy import Policy
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.stock import cards, reservations, segments
from mingdan.orders.stock.desk import StockDesk
from mingdan.orders.stock.imports import ImportReport
from mingdan.orders.stock.pool import Wanted
from mingdan.orders.store import OrderStore
from mingdan.reference import load
from tests.orders.stock.support import (
    COUNTER,
    HOTLINE,
    card,
    mobile,
    network_id,
    numbers,
    phone,
    phones,
    sims,
    table,
    taken,
)
from tests.orders.support import at, done, iccid, imsi, msisdn, opening, order, refusal

CARDS = "card_no,iccid,face_value_fen,validity_days,sell_by"


def test_the_machines_of_stock_are_whole() -> None:
    for entity in ("reservation", "segment", "handset", "prepaid_card", "msisdn", "sim"):
        states = machine(entity)
        reached = set(states.initial)
        for _ in states.next:
            reached |= {after for state in reached for after in states.next[state]}
        assert reached == set(states.next)
    for row in load.rows("stock_step"):
        assert row["next"] in machine(row["entity"]).next[row["state"]]
    statuses = {"available", "reserved", "unavailable", "unknown"}
    assert set(machine("handset").next) == statuses, "TMF687"
    usages = {"inTransit", "onDisplay", "damaged", "returned", "replenishmentInProgress", "inShop"}
    assert {row["usage"] for row in load.rows("handset_usage")} == usages
    assert {row["state"] for row in load.rows("handset_usage")} <= statuses


def test_the_counter_reserves_and_looks_up_but_takes_no_files(store: OrderStore) -> None:
    desk = StockDesk(store)
    taken(store, "number", numbers(1))
    held = desk.reserve(actor=COUNTER, at=at(), number=mobile(1))
    assert held["live"]
    assert desk.show("number", mobile(1), actor=COUNTER, at=at())["state"] == "reserved"
    for denied in (
        lambda: desk.take_file("number", numbers(2), "x.csv", actor=COUNTER, at=at()),
        lambda: desk.set_state("number", mobile(1), "blocked", actor=COUNTER, at=at()),
        lambda: desk.move_segment("1380000", "frozen", actor=COUNTER, at=at()),
        lambda: desk.sweep(actor=COUNTER, at=at()),
        lambda: desk.find(Wanted(), actor=Actor("counter", "nowhere", "x"), at=at()),
    ):
        with pytest.raises(Refused, match=r"business_not_permitted|unknown_interface"):
            denied()
    with pytest.raises(Refused, match="business_not_permitted"):
        desk.take_file("number", numbers(2), "x.csv", actor=HOTLINE, at=at())


def test_a_reservation_lasts_as_long_as_policy_lets_it(sqlite_store: OrderStore) -> None:
    desk = StockDesk(sqlite_store)
    held = desk.reserve(actor=SYSTEM, at=at(), number=mobile(1))
    assert held["until"] == "2026-10-01 09:30:00+08:00"
    for minutes in (0, -5, 10**12, True):
        with pytest.raises(Refused, match="invalid_value"):
            desk.reserve(actor=SYSTEM, at=at(), number=mobile(2), minutes=minutes)
    with pytest.raises(Refused, match="reservation_too_long"):
        desk.reserve(actor=SYSTEM, at=at(), number=mobile(2), minutes=10_081)
    for number in ("not a number", "", "1" * 300, "1380013800a", "138\x0013800"):
        with pytest.raises(Refused, match="invalid_value"):
            desk.reserve(actor=SYSTEM, at=at(), number=number)
    with pytest.raises(Refused, match="nothing to reserve"):
        desk.reserve(actor=SYSTEM, at=at())


def test_an_orders_reservation_is_the_orders(store: OrderStore) -> None:
    with store.database.writing() as connection:
        key = reservations.reserve(
            Journal(connection, at(), "test"), at=at(), until=at(1), number=msisdn(1), iccid=None,
            order_id=77, reserved_for="order",
        )  # fmt: skip
    desk = StockDesk(store)
    with pytest.raises(Refused, match="reservation_of_order"):
        desk.release(actor=SYSTEM, at=at(), reservation_id=key)
    other = desk.reserve(actor=SYSTEM, at=at(), number=msisdn(2))["reservation_id"]
    assert desk.release(actor=SYSTEM, at=at(), number=msisdn(2))["state"] == "cancelled"
    assert desk.release(actor=SYSTEM, at=at(), reservation_id=other)["state"] == "cancelled"
    with pytest.raises(Refused, match="unknown_reservation"):
        desk.release(actor=SYSTEM, at=at(), number=msisdn(3))
    with pytest.raises(Refused, match="nothing is named"):
        desk.release(actor=SYSTEM, at=at())


def test_only_from_stock_is_a_policy(url: str) -> None:
    policy = Policy.shipped().with_values(only_from_stock=True)
    with OrderStore.open(url, policy=policy) as store:
        desk = StockDesk(store)
        assert refusal(store, opening(1)) == "number_not_in_stock"
        with pytest.raises(Refused, match="number_not_in_stock"):
            desk.reserve(actor=SYSTEM, at=at(), number=mobile(1))
        taken(store, "number", numbers(1, 2))
        known = opening(1, msisdn=mobile(1))
        assert refusal(store, known) == "sim_not_in_stock"
        taken(store, "sim", sims(1))
        with pytest.raises(Refused, match="sim_not_in_stock"):
            desk.reserve(actor=SYSTEM, at=at(), iccid=iccid(1))
        done(store, opening(1, msisdn=mobile(1), iccid=card(1), imsi=network_id(1)))
        swap = order(SwapSim, "s", at(1), imsi=imsi(2), iccid=iccid(2), reason="swap")
        assert refusal(store, swap) == "sim_not_in_stock"


def test_a_service_number_ends_with_its_licence(store: OrderStore) -> None:
    taken(store, "sms_port", table("number,licence_no,licensed_until", "106571234,A-1,2026-10-31"))
    taken(store, "access_number", table("number,licence_no", "95588,B[2026]7"))
    desk = StockDesk(store)
    assert [n.number for n in desk.find(Wanted(kind="sms_port"), actor=SYSTEM, at=at())] == [
        "106571234"
    ]
    last, over = at(30), at(31)
    desk.reserve(actor=SYSTEM, at=last, number="106571234", minutes=1)
    assert desk.find(Wanted(kind="sms_port"), actor=SYSTEM, at=over) == []
    with pytest.raises(Refused, match="licence_ended"):
        desk.reserve(actor=SYSTEM, at=over, number="106571234")
    late = opening(1, when=over, product_code="SP_PORT", msisdn="106571234")
    assert refusal(store, late) == "licence_ended"
    done(store, opening(2, when=over, product_code="CALL_CENTRE", msisdn="95588"))


def test_resources_are_withdrawn_and_given_back_by_legal_steps_only(store: OrderStore) -> None:
    desk = StockDesk(store)
    taken(store, "number", numbers(1, 2))
    taken(store, "sim", sims(1))
    taken(store, "handset", phones(1))

    def move(kind: str, name: str, state: str) -> object:
        return desk.set_state(kind, name, state, actor=SYSTEM, at=at(1))["state"]

    assert move("number", mobile(1), "blocked") == "blocked"
    assert refusal(store, opening(1, when=at(1), msisdn=mobile(1))) == "number_unavailable"
    assert move("number", mobile(1), "available") == "available"
    assert move("number", mobile(1), "retired") == "retired"
    assert move("sim", card(1), "scrapped") == "scrapped"
    assert move("handset", phone(1), "onDisplay") == "available"
    assert move("handset", phone(1), "damaged") == "unavailable"
    assert move("handset", phone(1), "unknown") == "unknown"
    for kind, name, state, code in (
        ("number", mobile(1), "available", "state_step"),
        ("number", mobile(2), "in_service", "state_step"),
        ("number", mobile(2), "reserved", "state_step"),
        ("number", mobile(2), "'; DELETE FROM msisdn; --", "state_step"),
        ("sim", card(1), "in_stock", "state_step"),
        ("number", mobile(9), "blocked", "number_not_in_stock"),
        ("sim", card(9), "scrapped", "sim_not_in_stock"),
        ("prepaid_card", "12345678", "void", "card_not_in_stock"),
        ("handset", phone(9), "unknown", "handset_not_in_stock"),
        ("satellite", "1", "blocked", "invalid_value"),
        ("sim", "' OR ''='", "scrapped", "invalid_value"),
    ):
        with pytest.raises(Refused, match=code):
            move(kind, name, state)


def test_a_prepaid_card_is_sold_once_used_once_and_expires_by_the_clock(store: OrderStore) -> None:
    taken(store, "sim", sims(1, 2, 3))
    taken(
        store, "prepaid_card",
        table(CARDS, f"12345671,{card(1)},5000,90,2026-12-31", "12345672,,10000,30,2026-10-02",
              f"12345673,{card(3)},5000,90,2026-12-31"),
    )  # fmt: skip
    desk = StockDesk(store)

    def sell(card_no: str, days: float = 0) -> int:
        with store.database.writing() as connection:
            return cards.sell(Journal(connection, at(days), "test"), card_no, at=at(days))

    assert sell("12345671") == 5000
    with pytest.raises(Refused, match="card_unavailable"):
        sell("12345671")
    with pytest.raises(Refused, match="card_expired"):
        sell("12345672", days=2)
    with pytest.raises(Refused, match="card_not_in_stock"):
        sell("99999999")
    desk.set_state("prepaid_card", "12345673", "void", actor=SYSTEM, at=at(1))
    with pytest.raises(Refused, match="card_unavailable"):
        desk.reserve(actor=SYSTEM, at=at(1), iccid=card(3))
    held = desk.reserve(actor=SYSTEM, at=at(1), iccid=card(1))["reservation_id"]
    with store.database.writing() as connection:
        reservations.complete(Journal(connection, at(1), "test"), held, at=at(1))
    with store.database.reading() as connection:
        assert cards.valid(connection, "12345671", at(1))
        assert cards.valid(connection, "12345671", at(90.9))
        assert not cards.valid(connection, "12345671", at(91))
    assert desk.show("prepaid_card", "12345671", actor=SYSTEM, at=at(2))["state"] == "active"
    assert desk.show("prepaid_card", "12345671", actor=SYSTEM, at=at(91))["state"] == "expired"
    with store.database.writing() as connection, pytest.raises(Refused, match="card_unavailable"):
        cards.activate(Journal(connection, at(2), "test"), "12345671", at=at(2))


def test_what_stock_knows_of_a_subscriptions_card(store: OrderStore) -> None:
    taken(store, "sim", sims(1, capacity=8, stk="no"))
    done(store, opening(1, iccid=card(1), imsi=network_id(1)), opening(2))
    with store.database.reading() as connection:
        assert cards.sim_of(connection, 1) == cards.Sim(card(1), 8, False)
        assert cards.sim_of(connection, 2) == cards.Sim(iccid(2), None, None)
        assert cards.sim_of(connection, 3) is None


def test_history_tells_every_change_of_a_number_in_order(store: OrderStore) -> None:
    desk = StockDesk(store)
    taken(store, "number", numbers(1))
    desk.reserve(actor=COUNTER, at=at(1), number=mobile(1))
    desk.release(actor=COUNTER, at=at(1, hours=0.1), number=mobile(1))
    done(store, opening(1, when=at(2), msisdn=mobile(1)))
    done(store, order(Terminate, "end", at(3)))
    desk.reserve(actor=COUNTER, at=at(100), number=mobile(1))
    told = desk.history("number", mobile(1), actor=COUNTER, at=at(100))
    assert [(each["event"], each.get("state")) for each in told] == [
        ("MsisdnCreateEvent", "available"),
        ("MsisdnStateChangeEvent", "reserved"),
        ("MsisdnStateChangeEvent", "available"),
        ("held", None),
        ("given up", None),
        ("MsisdnStateChangeEvent", "reserved"),
    ]
    assert told[1]["by"] == "counter:counter:c1"
    assert [(each["order_ref"], each["at"][:10]) for each in told[3:5]] == [
        ("open-1", "2026-10-03"),
        ("end", "2026-10-04"),
    ]
    assert mobile(1) not in json.dumps(told)
    sim = desk.history("sim", iccid(1), actor=SYSTEM, at=at(100))
    assert [each["order_type"] for each in sim] == ["OPEN", "TERMINATE"]


def test_what_is_shown_is_masked(store: OrderStore) -> None:
    taken(store, "number", numbers(1))
    taken(store, "sim", sims(1))
    taken(store, "handset", phones(1))
    taken(store, "prepaid_card", table(CARDS, f"12345678,{card(1)},5000,90,2027-01-01"))
    desk = StockDesk(store)
    shown = [
        desk.show(kind, name, actor=SYSTEM, at=at())
        for kind, name in (
            ("number", mobile(1)), ("sim", card(1)), ("prepaid_card", "12345678"),
            ("handset", phone(1)),
        )
    ]  # fmt: skip
    shown.append(desk.reserve(actor=SYSTEM, at=at(), number=mobile(1), imei=phone(1)))
    text = json.dumps(shown, default=str)
    for secret in (mobile(1), card(1), network_id(1), "12345678", phone(1)):
        assert secret not in text
    counts = desk.overview(actor=SYSTEM, at=at())
    assert {(each["kind"], each["state"], each["count"]) for each in counts} == {
        ("handset", "reserved", 1), ("number", "reserved", 1), ("prepaid_card", "in_stock", 1),
        ("sim", "in_stock", 1),
    }  # fmt: skip


def test_refused_lines_show_no_number_in_full(sqlite_store: OrderStore) -> None:
    desk = StockDesk(sqlite_store)

    def take(kind: str, content: bytes) -> ImportReport:
        return desk.take_file(kind, content, "f.csv", actor=SYSTEM, at=at())

    wrong = card(1)[:-1] + str((int(card(1)[-1]) + 1) % 10)
    reports = [
        take("number", table("number", mobile(1), mobile(1), "13012345678", "12012345678")),
        take("sim", table("iccid,imsi,capacity_k,stk", f"{wrong},{network_id(1)},8,no",
                          f"{card(2)},460011234567890,8,no")),
    ]  # fmt: skip
    text = " ".join(
        f"{each.reason} {each.reason_zh} {each!r}" for r in reports for each in r.refused
    )
    for secret in (mobile(1), "13012345678", "12012345678", wrong, "460011234567890"):
        assert secret not in text


def test_own_groups_begin_on_their_day(sqlite_store: OrderStore) -> None:
    desk = StockDesk(sqlite_store)
    desk.add_group(
        actor=SYSTEM, at=at(), code="LATER", name="later", name_zh="以后", category="gold",
        pattern=".", rank=500, valid_from=date(2027, 1, 1),
    )  # fmt: skip
    taken(sqlite_store, "number", numbers(1))
    taken(sqlite_store, "number", numbers(2), when=at(200))
    found = desk.find(Wanted(), actor=SYSTEM, at=at(200))
    assert [each.group for each in found] == ["ORDINARY", "LATER"]
    assert segments.stored_prefix("95", "access_number") == "95"
