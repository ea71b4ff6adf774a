"""Over HTTP: handsets, cards, vouchers, accounts and customers' data, like any other order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from mingdan.orders.access.actor import SYSTEM, Actor
from mingdan.orders.http.order_requests import ProductOrderCreate
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.money.voucher_requests import BatchRequest
from mingdan.orders.money.vouchers import VoucherDesk
from mingdan.orders.offers.customers import CustomerDesk
from mingdan.orders.policy import Policy
from mingdan.orders.store import OrderStore
from tests.orders.access.support import PEPPER
from tests.orders.http.support import Shop, opening, shop_over
from tests.orders.lifecycle.ways import everything
from tests.orders.stock.support import phone, phones, table, taken
from tests.orders.support import at, named, resident_id

BACK = Actor("back_office", "back_office", "li")
CARD = "12345671"


@pytest.fixture
def shop(url: str, tmp_path: Path) -> Iterator[Shop]:
    """Two customers of the channel, two handsets, a prepaid card and a batch of vouchers."""
    policy = Policy.shipped().with_values(password_scrypt_log2_n=10)
    with OrderStore.open(url, policy=policy) as store, shop_over(store) as opened:
        taken(store, "handset", phones(1, 2))
        header = "card_no,iccid,face_value_fen,validity_days,sell_by"
        taken(store, "prepaid_card", table(header, f"{CARD},,5000,90,2026-12-31"))
        batch = BatchRequest(
            batch_ref="B1", face_value_fen=5000, validity_days=90, expires_at=at(300), quantity=4
        )
        VoucherDesk(store, PEPPER).make(batch, tmp_path / "pins.csv", actor=SYSTEM, at=at())
        for serial in (1, 2):
            done(opened, opening(serial))
        yield opened


def item(action: str, product: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"productOrderItem": [{"action": action, "product": product} | more]}


def data(kind: str, has: dict[str, Any], serial: int = 1, **proof: Any) -> dict[str, Any]:
    """A change of a customer's data; by his document unless `proof` says otherwise."""
    shown = proof or {
        "identification": {
            "identificationType": "resident_id",
            "identificationId": resident_id(serial),
        }
    }
    product: dict[str, Any] = {"productCharacteristic": has}
    if kind == "ACCOUNT":
        product["id"] = f"S{serial}"
    party = {"id": f"P{serial}", "role": "customer"} | shown
    return {"category": f"MODIFY_PARTY_{kind}", "relatedParty": [party]} | item("modify", product)


BUY = {"category": "BUY_DEVICE"} | item("add", {"id": "S1", "productSerialNumber": phone(1)})
SWAP = {"category": "SWAP_DEVICE"} | item(
    "modify",
    {
        "id": "S1",
        "productSerialNumber": phone(2),
        "productCharacteristic": {"oldProductSerialNumber": phone(1), "oldIs": "damaged"},
    },
)
CARD_SALE = {"category": "PREPAID_CARD_SALE"} | item("add", {"productSerialNumber": CARD})
VOUCHERS = {"category": "VOUCHER_SALE"} | item(
    "add", {"productCharacteristic": {"voucherBatch": "B1", "priceFen": 4900}}, quantity=2
)
MERGE = {"category": "MERGE_ACCOUNT"} | item(
    "modify", {"id": "S2", "productCharacteristic": {"withProduct": "S1"}}
)
SPLIT = {"category": "SPLIT_ACCOUNT"} | item("modify", {"id": "S2"})


def done(shop: Shop, body: dict[str, Any], **values: Any) -> dict[str, Any]:
    """An order placed and paid over HTTP, provisioned if need be and completed by our people."""
    placed = shop.ask("POST", "/productOrder", json=body, **values)
    assert placed.status_code == 201, placed.json()
    order = placed.json()
    if order["due"]["fen"]:
        payment = {"correlatorId": order["externalId"], "totalAmount": order["due"]}
        shop.ask("POST", f"{order['href']}/payment", json=payment)
    shop.now += timedelta(minutes=1)
    desk = OrderDesk(shop.store)
    desk.provision(order["id"], "done", actor=BACK, at=shop.now)
    desk.complete(order["id"], actor=BACK, at=shop.now)
    shop.now += timedelta(minutes=1)
    found: dict[str, Any] = shop.ask("GET", order["href"]).json()
    assert found["state"] == "completed"
    return found


def test_handsets_cards_and_vouchers_are_ordered_like_anything_else(shop: Shop) -> None:
    found = [done(shop, body) for body in (BUY, SWAP, CARD_SALE, VOUCHERS)]
    assert [(each["category"], each["due"]["fen"]) for each in found] == [
        ("BUY_DEVICE", 199_900),
        ("SWAP_DEVICE", 150_900),
        ("PREPAID_CARD_SALE", 5000),
        ("VOUCHER_SALE", 9800),
    ]
    open_ = shop.ask("POST", "/productOrder", json=SWAP | item(
        "modify", {"id": "S1", "productSerialNumber": phone(1),
                   "productCharacteristic": {"oldProductSerialNumber": phone(2)}}))  # fmt: skip
    assert open_.json()["code"] == "handset_unavailable", "the old one is damaged"
    shown = str(found) + str(shop.ask("GET", "/productOrder").json())
    assert not any(secret in shown for secret in (phone(1), phone(2), CARD))


def test_an_order_on_its_way_shows_no_serial_in_clear(shop: Shop) -> None:
    done(shop, BUY)
    for body in (SWAP, CARD_SALE):
        href = shop.ask("POST", "/productOrder", json=body).json()["href"]
        shown = shop.ask("GET", href).text
        assert not any(secret in shown for secret in (phone(1), phone(2), CARD))


def test_customers_data_are_changed_by_who_is_identified(shop: Shop) -> None:
    contact = data("CONTACT", {"contactMedium": "13900139000"})
    changes = (
        contact,
        data("NAME", {"formattedName": "张山"}),
        data("ACCOUNT", {"billMedium": "sms"}),
        data("PASSWORD", {"password": "830715"}),
    )
    for body in changes:
        href = done(shop, body)["href"]
        assert not any(s in shop.ask("GET", href).text for s in ("139001", "张山", "830715"))
    customers = CustomerDesk(shop.store, PEPPER)
    customers.check_password("P1", "830715", actor=BACK, at=at(2))
    history = customers.history("P1", actor=BACK, at=at(2))
    assert [each.state for each in history] == ["completed"] * 4
    by_password = data("CONTACT", {"contactMedium": None}, password="830715")
    assert shop.ask("POST", "/productOrder", json=by_password).json()["state"] == "inProgress"


def test_a_change_sent_again_is_made_once_and_can_be_cancelled(shop: Shop) -> None:
    body = data("PASSWORD", {"password": "830715"})
    first, again = (shop.ask("POST", "/productOrder", key="k", json=body) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = shop.ask(
        "POST", "/productOrder", key="k", json=data("PASSWORD", {"password": "402918"})
    )
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    href = first.json()["href"]
    ended = shop.ask("POST", f"{href}/cancel", json={"cancellationReason": "客户改主意"})
    assert ended.json()["state"] == "cancelled"
    [change] = CustomerDesk(shop.store, PEPPER).history("P1", actor=BACK, at=at(2))
    assert change.state == "cancelled"


def test_accounts_are_joined_and_parted(shop: Shop) -> None:
    assert done(shop, MERGE)["category"] == "MERGE_ACCOUNT"
    later = item("modify", {"id": "S2", "productCharacteristic": {
        "effectiveFrom": "2026-12-01T00:00:00+08:00"}})  # fmt: skip
    assert done(shop, SPLIT | later)["category"] == "SPLIT_ACCOUNT"
    now = SPLIT | item("modify", {"id": "S2", "productCharacteristic": {}})
    refused = shop.ask("POST", "/productOrder", json=now)
    assert refused.json()["code"] == "account_change_pending"
    off = {"category": "CANCEL_ACCOUNT_CHANGE"} | item("modify", {"id": "S2"})
    assert done(shop, off)["category"] == "CANCEL_ACCOUNT_CHANGE"
    naive = item("modify", {"id": "S2", "productCharacteristic": {
        "effectiveFrom": "2026-12-01T00:00:00"}})  # fmt: skip
    assert shop.ask("POST", "/productOrder", json=SPLIT | naive).json()["code"] == "invalid_value"


def test_both_are_there_when_a_number_changes_hands(shop: Shop) -> None:
    def transfer(shown: int) -> dict[str, Any]:
        proof = {
            "identificationType": "resident_id",
            "identificationId": resident_id(shown),
        }
        new = {
            "id": "P7",
            "role": "customer",
            "partyType": "individual",
            "formattedName": named(7),
            "identification": {**proof, "identificationId": resident_id(7)},
        }
        parties = [new, {"role": "presentHolder", "identification": proof}]
        return {"category": "TRANSFER_OWNER", "relatedParty": parties} | item(
            "modify", {"id": "S1"}
        )

    alone = transfer(1)
    alone["relatedParty"] = alone["relatedParty"][:1]
    assert shop.ask("POST", "/productOrder", json=alone).status_code == 422
    other = shop.ask("POST", "/productOrder", json=transfer(2))
    assert other.json()["code"] == "holder_not_verified"
    assert done(shop, transfer(1))["category"] == "TRANSFER_OWNER"


SQL = "S1'; DROP TABLE party; --"
HOSTILE: list[tuple[dict[str, Any], str]] = [
    (BUY | item("add", {"id": SQL, "productSerialNumber": phone(1)}), "unknown_subscription"),
    (BUY | item("add", {"id": "S1", "productSerialNumber": SQL}), "invalid_value"),
    (BUY | item("add", {"id": "S1", "productSerialNumber": phone(1)[:-1] + "x"}), "invalid_value"),
    (CARD_SALE | item("add", {"productSerialNumber": SQL}), "invalid_value"),
    (CARD_SALE | item("add", {"productSerialNumber": "1" * 201}), "invalid_value"),
    (VOUCHERS | item("add", {"productCharacteristic": {"voucherBatch": SQL, "priceFen": 1}},
                     quantity=1), "unknown_voucher_batch"),
    (VOUCHERS | item("add", {"productCharacteristic": {"voucherBatch": "B1", "priceFen": -1}},
                     quantity=1), "invalid_value"),
    (VOUCHERS | item("add", {"productCharacteristic": {"voucherBatch": "B1", "priceFen": 1}},
                     quantity=True), "invalid_value"),
    (VOUCHERS | item("add", {"productCharacteristic": {"voucherBatch": "B1", "priceFen": 1}},
                     quantity=5), "voucher_stock"),
    (data("NAME", {"formattedName": SQL}), "name_unacceptable"),
    (data("NAME", {"formattedName": "张\u202e三"}), "name_unacceptable"),
    (data("NAME", {"formattedName": "Ivan Пeтров"}), "name_unacceptable"),
    (data("NAME", {"formattedName": "张" * 200}), "name_unacceptable"),
    (data("NAME", {"formattedName": "张山"}, password="1"), "proof_missing"),
    (data("CONTACT", {"contactMedium": "x"}, nothing=None), "invalid_value"),
    (data("PASSWORD", {"password": "123456"}), "password_weak"),
    (data("ACCOUNT", {"billMedium": "pigeon"}), "invalid_value"),
    (data("CONTACT", {"contactMedium": "x"}, identification={
        "identificationType": "resident_id", "identificationId": resident_id(2)}),
     "party_mismatch"),
]  # fmt: skip


def unmoved(shop: Shop) -> dict[str, Any]:
    """Everything but how many requests there were."""
    return everything(shop.store) | {"rate_counter": []}


def test_hostile_requests_are_refused_and_leave_nothing_behind(shop: Shop) -> None:
    before = unmoved(shop)
    found = []
    for n, (body, _) in enumerate(HOSTILE):
        answer = shop.ask("POST", "/productOrder", key=f"bad-{n}", json=body).json()
        assert answer["reason"]
        assert answer["reasonZh"]
        found.append(answer["code"])
    assert found == [code for _, code in HOSTILE]
    assert unmoved(shop) == before


def test_a_partner_changes_no_data_and_sells_no_handset_to_others_customers(shop: Shop) -> None:
    before = unmoved(shop)
    for body, code in (
        (BUY, "unknown_subscription"),
        (MERGE, "unknown_subscription"),
        (data("CONTACT", {"contactMedium": "x"}), "unknown_party"),
        (data("CONTACT", {"contactMedium": "x"}, password="guess"), "unknown_party"),
    ):
        found = shop.ask("POST", "/productOrder", who="rival", json=body)
        assert found.json()["code"] == code
    assert unmoved(shop) == before


def test_every_business_has_an_example_that_is_a_request(shop: Shop) -> None:
    path = shop.client.get("/openapi.json").json()["paths"]["/productOrder"]["post"]
    body = path["requestBody"]["content"]["application/json"]
    examples = [each["value"] for each in body["examples"].values()]
    for example in examples:
        TypeAdapter(ProductOrderCreate).validate_python(example)
    assert {each["category"] for each in examples} == set(
        body["schema"]["discriminator"]["mapping"]
    )
