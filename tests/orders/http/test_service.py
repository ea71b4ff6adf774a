"""The order-intake service as its partners use it, on both kinds of database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mingdan.orders.access.actor import Actor
from mingdan.orders.access.log import AccessLog
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.store import OrderStore
from tests.orders.access.support import BOSS
from tests.orders.http.support import Shop, opening, put, shop_over
from tests.orders.support import at, iccid, imsi, msisdn, named, resident_id

BACK = Actor("back_office", "back_office", "li")


@pytest.fixture
def shop(store: OrderStore) -> Iterator[Shop]:
    with shop_over(store) as opened:
        yield opened


def pay(shop: Shop, order: str, fen: int, correlator: str = "p1", **values: str) -> object:
    body = {"correlatorId": correlator, "totalAmount": {"unit": "CNY", "fen": fen}} | values
    return shop.ask("POST", f"/productOrder/{order}/payment", json=body)


def carried_out(shop: Shop, serial: int = 1) -> None:
    """An opening placed over HTTP, paid, provisioned and completed by the back office."""
    placed = shop.place(serial).json()
    if placed["due"]["fen"]:
        pay(shop, placed["id"], placed["due"]["fen"], f"p{serial}")
    desk = OrderDesk(shop.store)
    desk.provision(placed["id"], "done", actor=BACK, at=shop.now)
    desk.complete(placed["id"], actor=BACK, at=shop.now)


def test_a_number_is_reserved_ordered_paid_for_and_comes_into_service(shop: Shop) -> None:
    wish = {"msisdn": msisdn(1), "imsi": imsi(1), "iccid": iccid(1)}
    made = shop.ask("POST", "/reservation", json=wish)
    assert made.status_code == 201
    held = made.json()
    assert held["reservationState"] == "inProgress"
    assert made.headers["Location"] == held["href"]
    assert shop.place(1).json()["code"] == "number_reserved"
    placed = shop.place(1, reservation=held["id"])
    assert placed.status_code == 201
    order = placed.json()
    assert (order["id"], order["state"], order["due"]["fen"]) == ("88001:o1", "pending", 1000)
    assert placed.headers["Location"] == "/productOrder/88001:o1"
    assert shop.ask("GET", held["href"]).json()["reservationState"] == "cancelled"

    paid = pay(shop, "88001:o1", 1000)
    assert (paid.status_code, paid.json()["state"]) == (200, "inProgress")
    again = pay(shop, "88001:o1", 1000)
    assert again.json()["paid"]["fen"] == 1000
    assert again.json()["receipt"] == paid.json()["receipt"]

    desk = OrderDesk(shop.store)
    desk.provision("88001:o1", "done", actor=BACK, at=shop.now)
    desk.complete("88001:o1", actor=BACK, at=shop.now)
    found = shop.ask("GET", "/productOrder/88001:o1").json()
    assert (found["state"], found["productRef"]) == ("completed", "S1")
    assert shop.store.subscription_key(msisdn(1)) == 1
    listed = shop.ask("GET", "/productOrder").json()
    assert [each["id"] for each in listed] == ["88001:o1"]


def test_a_retry_makes_no_second_order(shop: Shop) -> None:
    first = shop.place(1, key="k1")
    again = shop.place(1, key="k1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    # without an externalId of its own the retry is known by its key alone
    unnamed = opening(2)
    del unnamed["externalId"]
    once, twice = (
        shop.ask("POST", "/productOrder", key="k2", json=unnamed).json() for _ in range(2)
    )
    assert once["id"] == twice["id"]
    assert shop.place(3, key="k1").json()["code"] == "idempotency_key_reused"
    assert shop.place(3, externalId="o1").json()["code"] == "order_ref_reused"
    listed = shop.ask("GET", "/productOrder", params={"idempotencyKey": "k1"}).json()
    assert [each["id"] for each in listed] == ["88001:o1"]
    assert shop.ask("GET", "/productOrder", params={"idempotencyKey": "none"}).json() == []
    assert len(shop.ask("GET", "/productOrder").json()) == 2


def test_a_retried_reservation_is_one(shop: Shop) -> None:
    wish = {"msisdn": msisdn(1), "minutes": 10}
    first, again = (shop.ask("POST", "/reservation", key="k", json=wish) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = shop.ask("POST", "/reservation", key="k", json=wish | {"minutes": 11})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    # another's key is another key
    rival = shop.ask("POST", "/reservation", who="rival", key="k", json=wish)
    assert (rival.status_code, rival.json()["code"]) == (409, "number_reserved")


def test_partners_names_never_meet_and_neither_sees_the_other(shop: Shop) -> None:
    assert shop.place(1, key="k").json()["id"] == "88001:o1"
    assert shop.place(2, who="rival", key="k", externalId="o1").json()["id"] == "88002:o1"
    for method, path, body in (
        ("GET", "/productOrder/88001:o1", None),
        ("POST", "/productOrder/88001:o1/cancel", {"cancellationReason": "spite"}),
        ("POST", "/productOrder/88001:o1/payment",
         {"correlatorId": "x", "totalAmount": {"unit": "CNY", "fen": 1}}),
        ("GET", "/productOrder/nobody", None),
        ("GET", "/productOrder/:o1", None),
    ):  # fmt: skip
        found = shop.ask(method, path, who="rival", json=body)
        assert (found.status_code, found.json()["code"]) == (404, "unknown_order")
    assert shop.ask("GET", "/productOrder/88001:o1").json()["state"] == "pending"
    listed = shop.ask("GET", "/productOrder", who="rival").json()
    assert [each["id"] for each in listed] == ["88002:o1"]

    held = shop.ask("POST", "/reservation", json={"msisdn": msisdn(5)}).json()["href"]
    for method in ("GET", "DELETE"):
        found = shop.ask(method, held, who="rival")
        assert (found.status_code, found.json()["code"]) == (404, "unknown_reservation")
    used = shop.place(6, who="rival", reservation=1)
    assert used.json()["code"] == "unknown_reservation"
    assert shop.ask("GET", held).json()["reservationState"] == "inProgress"


def test_a_partner_serves_only_whom_it_opened_for(shop: Shop) -> None:
    carried_out(shop)
    order = {
        "category": "SUSPEND",
        "productOrderItem": [
            {
                "action": "modify",
                "product": {"id": "S1", "productCharacteristic": {"suspendReason": "lost"}},
            }
        ],
    }
    foreign = shop.ask("POST", "/productOrder", who="rival", json=order)
    assert (foreign.status_code, foreign.json()["code"]) == (422, "unknown_subscription")
    assert shop.ask("POST", "/productOrder", json=order).status_code == 201


def test_a_reservation_ends_by_the_clock(shop: Shop) -> None:
    wish = {"msisdn": msisdn(1), "minutes": 10}
    held = shop.ask("POST", "/reservation", json=wish).json()
    shop.now = at(1.5)
    assert shop.ask("GET", held["href"]).json()["reservationState"] == "expired"
    late = shop.place(1, reservation=held["id"])
    assert (late.status_code, late.json()["code"]) == (409, "reservation_ended")
    rival = shop.ask("POST", "/reservation", who="rival", json=wish)
    assert rival.status_code == 201


def test_a_cancelled_reservation_is_free_at_once(shop: Shop) -> None:
    held = shop.ask("POST", "/reservation", json={"msisdn": msisdn(1)}).json()["href"]
    for _ in range(2):
        ended = shop.ask("DELETE", held)
        assert (ended.status_code, ended.json()["reservationState"]) == (200, "cancelled")
    assert shop.ask("POST", "/reservation", who="rival", json={"msisdn": msisdn(1)}).is_success


def test_a_refused_order_leaves_its_reservation_alone(shop: Shop) -> None:
    held = shop.ask("POST", "/reservation", json={"msisdn": msisdn(1)}).json()
    bad = put(opening(1), "relatedParty.0.identification.identificationId", "110101199003011012")
    refused = shop.ask("POST", "/productOrder", json=bad | {"reservation": held["id"]})
    assert (refused.status_code, refused.json()["code"]) == (422, "document_invalid")
    assert shop.ask("GET", held["href"]).json()["reservationState"] == "inProgress"


def test_an_order_is_cancelled_and_its_number_free_again(shop: Shop) -> None:
    shop.place(1)
    pay(shop, "88001:o1", 1000)
    for _ in range(2):
        ended = shop.ask(
            "POST", "/productOrder/88001:o1/cancel", json={"cancellationReason": "客户改主意"}
        )
        assert (ended.status_code, ended.json()["state"]) == (200, "cancelled")
        assert ended.json()["givenBack"]["fen"] == 1000
    assert shop.place(1, who="rival").status_code == 201


def test_personal_data_are_masked_by_role_and_every_look_is_logged(shop: Shop) -> None:
    carried_out(shop, 1)
    shop.place(2)

    def look(who: str, order: str, **headers: str) -> tuple[bool, str, str, str]:
        found = shop.ask("GET", f"/productOrder/88001:{order}", who=who, headers=headers).json()
        (party,) = found["relatedParty"]
        shown = {
            each["name"]: each["value"]
            for each in found["productOrderItem"][0]["productCharacteristic"]
        }
        number = shown["msisdn"]
        number = number[-1] if isinstance(number, list) else number
        return found["masked"], party["name"], party["identificationId"], number

    for order, serial in (("o1", 1), ("o2", 2)):
        masked = (True, "张**", "*" * 16 + resident_id(serial)[-2:], f"138******0{serial}")
        clear = (False, named(serial), resident_id(serial), msisdn(serial))
        assert look("shop", order) == masked
        assert look("counter", order, **{"X-Purpose": "curiosity"}) == masked
        assert look("boss", order) == masked
        assert look("boss", order, **{"X-Purpose": "complaint 17"}) == clear
    log = AccessLog(shop.store)
    found = log.read(actor=BOSS, at=at(2))
    assert len(found) == 8
    assert (found[0].interface_no, found[0].purpose, found[0].what, found[0].at) == (
        "internal", "complaint 17", "productOrder clear", shop.now
    )  # fmt: skip
    assert "party:1" in found[-1].subjects
    assert log.verify(actor=BOSS, at=at(2)) is not None


def test_our_own_people_see_every_order(shop: Shop) -> None:
    shop.place(1)
    for who in ("counter", "boss"):
        assert shop.ask("GET", "/productOrder/88001:o1", who=who).status_code == 200
    assert shop.ask("GET", "/productOrder", who="counter").json() == []


def test_health_needs_no_key(shop: Shop) -> None:
    found = shop.client.get("/health")
    assert (found.status_code, found.json()) == (200, {"status": "pass"})
    assert shop.client.get("/openapi.json").status_code == 200
