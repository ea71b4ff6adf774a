"""What the service does not do: it says why in two languages, and nothing is changed."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from mingdan.orders import database
from mingdan.orders.access.interfaces import Interfaces
from mingdan.orders.access.partners import Partners
from mingdan.orders.access.permissions import Permissions
from mingdan.orders.schema import METADATA
from mingdan.orders.store import OrderStore
from mingdan.reference import load
from tests.orders.access.support import BOSS, MAKER, keys, permit
from tests.orders.http.support import Shop, opening, put, shop_over
from tests.orders.support import at, msisdn, postgresql_url, resident_id, sqlite_url

NAME = "relatedParty.0.formattedName"
DOCUMENT = "relatedParty.0.identification.identificationId"
NUMBER = "productOrderItem.0.product.productCharacteristic.msisdn"
SUBSCRIPTION = "productOrderItem.0.product.id"
SQL = "x'; DROP TABLE party; --"


@pytest.fixture
def shop(store: OrderStore) -> Iterator[Shop]:
    with shop_over(store) as opened:
        yield opened


@pytest.fixture
def small_shop(sqlite_store: OrderStore) -> Iterator[Shop]:
    with shop_over(sqlite_store) as opened:
        yield opened


def everything(store: OrderStore) -> dict[str, list[Any]]:
    """All rows but the meter's, which counts refused requests too."""
    with store.database.reading() as connection:
        return {
            name: sorted(connection.execute(table.select()).all(), key=repr)
            for name, table in METADATA.tables.items()
            if name != "rate_counter"
        }


def refused(response: Any) -> tuple[int, str]:
    """Status and code of an answer that has the one form of all refusals."""
    found = response.json()
    assert set(found) == {"code", "reason", "reasonZh", "status"}
    assert found["status"] == str(response.status_code)
    assert found["reason"]
    assert re.search("[\u4e00-\u9fff]", found["reasonZh"])
    assert response.headers["Cache-Control"] == "no-store"
    return response.status_code, found["code"]


BAD_ORDERS = [
    (opening(9) | {"category": "STEAL"}, 422, "invalid_value"),
    (opening(9) | {"extra": 1}, 422, "invalid_value"),
    (opening(9) | {"externalId": "a b"}, 422, "invalid_value"),
    (opening(9) | {"externalId": "8613800138000" * 9}, 422, "invalid_value"),
    (opening(9) | {"externalId": "ｏ９"}, 422, "invalid_value"),
    (opening(9) | {"productOrderItem": []}, 422, "invalid_value"),
    (opening(9) | {"productOrderItem": opening(9)["productOrderItem"] * 2}, 422, "invalid_value"),
    (opening(9) | {"reservation": -1}, 422, "invalid_value"),
    (opening(9) | {"reservation": 10**30}, 422, "invalid_value"),
    (opening(9) | {"reservation": True}, 422, "invalid_value"),
    (opening(9) | {"reservation": 77}, 404, "unknown_reservation"),
    (put(opening(9), NAME, "张" * 201), 422, "invalid_value"),
    (put(opening(9), NAME, ""), 422, "invalid_value"),
    (put(opening(9), NAME, "a\u0000b"), 422, "invalid_value"),
    (put(opening(9), NAME, "\ud800"), 422, "invalid_value"),
    (put(opening(9), NAME, ["张三"]), 422, "invalid_value"),
    (put(opening(9), "relatedParty.0.role", "friend"), 422, "invalid_value"),
    (put(opening(9), DOCUMENT, "110101199003011012"), 422, "document_invalid"),
    (put(opening(9), DOCUMENT, SQL), 422, "document_invalid"),
    (put(opening(9), "relatedParty.0.identification.identificationType", SQL), 422,
     "unknown_document_type"),
    (put(opening(9), "relatedParty.0.partyType", "organization"), 422, "document_party_type"),
    (put(opening(9), NUMBER, "12345"), 422, "number_invalid"),
    (put(opening(9), NUMBER, "8613800138000" * 5), 422, "number_invalid"),
    (put(opening(9), NUMBER, SQL), 422, "number_invalid"),
    (put(opening(9), NUMBER, 13800138000), 422, "invalid_value"),
    (put(opening(9), "productOrderItem.0.productOffering.id", "PREPAID"), 403,
     "offer_not_approved"),
    (put(opening(9), "productOrderItem.0.productOffering.id", SQL), 403, "offer_not_approved"),
    ({"category": "TERMINATE", "productOrderItem": [
        {"action": "delete", "product": {"id": SQL}}]}, 422, "unknown_subscription"),
    ({"category": "TERMINATE", "productOrderItem": [
        {"action": "add", "product": {"id": "S1"}}]}, 422, "invalid_value"),
    ([], 422, "invalid_value"),
    ("OPEN", 422, "invalid_value"),
    (None, 422, "invalid_value"),
]  # fmt: skip


def test_bad_orders_are_refused_and_leave_nothing_behind(shop: Shop) -> None:
    before = everything(shop.store)
    found = []
    for n, (body, _, _) in enumerate(BAD_ORDERS):
        # as text: the client would not encode what a hostile one sends
        raw = json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"bad-{n}"}
        found.append(
            refused(shop.ask("POST", "/productOrder", key=f"b{n}", content=raw, headers=headers))
        )
    assert found == [(status, code) for _, status, code in BAD_ORDERS]
    assert everything(shop.store) == before


def test_look_alikes_of_a_taken_number_are_that_number(shop: Shop) -> None:
    shop.place(1)
    for number in (msisdn(1), "+86 138-0000-0001", "１３８００００００01", "0086138 0000 0001"):
        again = shop.ask("POST", "/productOrder", json=put(opening(2), NUMBER, number))
        assert refused(again) == (409, "number_reserved")


UNREADABLE: list[tuple[bytes, dict[str, str], tuple[int, str]]] = [
    (b"{", {}, (422, "invalid_value")),
    (b"", {}, (422, "invalid_value")),
    (b"[" * 50_000, {}, (422, "invalid_value")),
    (b"\xff\xfe", {}, (422, "invalid_value")),
    (b'{"category": NaN}', {}, (422, "invalid_value")),
    (b"1" * 5000, {}, (422, "invalid_value")),
    (b"x" * 65_537, {}, (413, "request_too_large")),
    (b"x" * 65_536, {}, (422, "invalid_value")),
    (b"category=OPEN", {"Content-Type": "application/x-www-form-urlencoded"},
     (422, "invalid_value")),
    (b"{}", {"Idempotency-Key": ""}, (422, "invalid_value")),
    (b"{}", {"Idempotency-Key": "k" * 129}, (422, "invalid_value")),
    (b"{}", {"Idempotency-Key": SQL}, (422, "invalid_value")),
    (b"{}", {"X-API-Key": ""}, (401, "unauthenticated")),
    (b"{}", {"X-API-Key": "mdk_000000000000_" + "A" * 43}, (401, "unauthenticated")),
    (b"{}", {"X-API-Key": SQL}, (401, "unauthenticated")),
    (b"x" * 70_000, {"X-API-Key": "no"}, (401, "unauthenticated")),
]  # fmt: skip


def test_requests_that_cannot_be_read(small_shop: Shop) -> None:
    plain = {
        "X-API-Key": small_shop.keys["shop"],
        "Idempotency-Key": "k",
        "Content-Type": "application/json",
    }
    found = [
        refused(small_shop.client.post("/productOrder", content=content, headers=plain | headers))
        for content, headers, _ in UNREADABLE
    ]
    assert found == [expected for _, _, expected in UNREADABLE]


def test_a_body_of_unknown_length_is_cut_off(small_shop: Shop) -> None:
    pieces = (b'{"a": "' + b"x" * 30_000 for _ in range(5))
    found = small_shop.ask("POST", "/productOrder", content=pieces)
    assert refused(found) == (413, "request_too_large")


def test_what_is_not_there(small_shop: Shop) -> None:
    ask = small_shop.ask
    assert refused(ask("GET", "/nothing")) == (404, "unknown_resource")
    assert refused(ask("PUT", "/productOrder")) == (405, "method_not_allowed")
    assert refused(ask("GET", "/reservation/1")) == (404, "unknown_reservation")
    assert refused(ask("GET", "/reservation/0")) == (422, "invalid_value")
    assert refused(ask("GET", f"/reservation/{10**30}")) == (422, "invalid_value")
    assert refused(ask("GET", f"/productOrder/88001:{SQL}")) == (404, "unknown_order")
    assert refused(ask("GET", "/productOrder/%00")) == (404, "unknown_order")
    assert refused(ask("GET", "/productOrder?limit=101")) == (422, "invalid_value")
    assert refused(ask("GET", "/productOrder?state=lost")) == (422, "invalid_value")
    assert refused(small_shop.client.get("/productOrder")) == (401, "unauthenticated")


AMOUNTS: list[tuple[dict[str, object], str]] = [
    ({"unit": "USD", "fen": 1000}, "invalid_value"),
    ({"unit": "CNY", "fen": -1000}, "invalid_value"),
    ({"unit": "CNY", "fen": 0}, "invalid_value"),
    ({"unit": "CNY", "fen": 10.5}, "invalid_value"),
    ({"unit": "CNY", "fen": "1000"}, "invalid_value"),
    ({"unit": "CNY", "fen": 10**13}, "invalid_value"),
    ({"unit": "CNY", "fen": 1001}, "payment_too_much"),
]


def test_payments_that_are_not_taken(small_shop: Shop) -> None:
    small_shop.place(1)
    before = everything(small_shop.store)
    for amount, code in AMOUNTS:
        found = small_shop.ask(
            "POST",
            "/productOrder/88001:o1/payment",
            json={"correlatorId": "p", "totalAmount": amount},
        )
        assert refused(found) == (422, code)
    assert everything(small_shop.store) == before


def test_the_gate_is_asked_for_every_request(shop: Shop) -> None:
    permit(shop.store, "TERMINATE", "never")
    permit(shop.store, "OPEN", "1-7 00:00-08:00")
    permit(shop.store, "RESERVE", "never", start=at(2))
    order = {"category": "TERMINATE", "productOrderItem": [
        {"action": "delete", "product": {"id": "S1"}}]}  # fmt: skip
    ask = shop.ask
    assert refused(ask("POST", "/productOrder", json=order)) == (403, "business_not_permitted")
    assert refused(shop.place(1)) == (403, "out_of_hours")
    made = ask("POST", "/reservation", json={"msisdn": msisdn(1)})
    assert made.status_code == 201
    shop.now = at(2)
    for method, path in (("POST", "/reservation"), ("DELETE", "/reservation/1")):
        found = ask(method, path, **({"json": {"msisdn": msisdn(2)}} if method == "POST" else {}))
        assert refused(found) == (403, "business_not_permitted")
    Partners(shop.store).suspend("shop", reason="audit", actor=MAKER, at=at(2))
    for method, path in (
        ("GET", "/productOrder"),
        ("GET", "/productOrder/88001:o1"),
        ("GET", "/reservation/1"),
    ):
        assert refused(ask(method, path)) == (403, "interface_closed")
    assert ask("GET", "/productOrder", who="rival").status_code == 200
    shop.now = at(301)
    found = refused(ask("GET", "/productOrder", who="rival"))
    assert found == (403, "agreement_not_in_force")


def test_a_key_dies_with_its_interface_and_by_the_clock(shop: Shop) -> None:
    Interfaces(shop.store).close("88001", reason="leak", actor=MAKER, at=at(1))
    assert refused(shop.ask("GET", "/productOrder")) == (401, "unauthenticated")
    shop.keys["short"] = keys(shop.store).create(
        "88002", role="partner", days=1, actor=MAKER, at=at(1)
    ).key  # fmt: skip
    assert shop.ask("GET", "/productOrder", who="short").status_code == 200
    shop.now = at(2)
    assert refused(shop.ask("GET", "/productOrder", who="short")) == (401, "unauthenticated")


def test_too_many_requests_are_told_when_to_come_again(shop: Shop) -> None:
    Permissions(shop.store).limit(
        "88001", requests=6, per_seconds=60, burst=3, valid_from=at(), actor=BOSS, at=at()
    )
    found = [shop.ask("GET", "/productOrder") for _ in range(4)]
    assert [each.status_code for each in found] == [200, 200, 200, 429]
    assert refused(found[-1]) == (429, "rate_limited")
    assert found[-1].headers["Retry-After"] == "10"
    assert shop.ask("GET", "/productOrder", who="rival").status_code == 200
    shop.now += timedelta(seconds=10)
    assert shop.ask("GET", "/productOrder").status_code == 200


def test_neither_log_nor_refusal_repeats_what_was_entered(
    small_shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop = small_shop
    secrets = ["欧阳娜娜", resident_id(7), msisdn(7)[2:], "13912345678"]
    bodies = [
        put(opening(7), NAME, "欧阳娜娜"),
        put(put(opening(7), NAME, "欧阳娜娜"), "relatedParty.0.role", "欧阳娜娜"),
        put(opening(7) | {"category": "13912345678"}, NAME, "欧阳娜娜"),
        put(opening(7) | {"欧阳娜娜": 1}, NAME, "欧阳娜娜"),
        put(opening(7), DOCUMENT, resident_id(7)[:-1] + "?"),
    ]
    with caplog.at_level(logging.DEBUG):
        answers = [shop.ask("POST", "/productOrder", json=body) for body in bodies]
        answers.append(shop.ask("GET", "/productOrder/13912345678"))
        shop.ask("GET", "/productOrder?state=13912345678")
        shop.ask("GET", "/productOrder/88001:o7")
    own = [r.getMessage() for r in caplog.records if r.name.startswith("mingdan")]
    assert len(own) == 8
    assert "POST /productOrder interface=88001 status=201" in own[0]
    for secret in secrets:
        assert not [line for line in own if secret in line]
        assert not [a for a in answers if a.status_code == 422 and secret in a.text]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_failure_says_nothing_of_the_inside(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = sqlite_url(tmp_path) if kind == "sqlite" else postgresql_url()
    with OrderStore.open(url) as store, shop_over(store) as shop:
        shop.place(1)
        with store.database.writing() as connection:
            connection.execute(text("ALTER TABLE archive RENAME TO elsewhere"))
        with caplog.at_level(logging.INFO):
            answer = shop.ask("GET", "/productOrder", params={"idempotencyKey": "13912345678"})
        assert refused(answer) == (500, "service_failed")
        number = re.search("under ([0-9a-f]{8})", answer.json()["reason"])
        assert number is not None
        log = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("mingdan"))
        assert f"failure {number[1]}: " in log
        for inside in ("archive", "SELECT", "13912345678"):
            assert inside not in answer.text + log


def test_a_busy_store_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOCK_WAIT_SECONDS", 0.2)
    url = sqlite_url(tmp_path)
    with OrderStore.open(url) as store, shop_over(store) as shop, OrderStore.open(url) as other:
        with other.database.writing():
            answer = shop.ask("GET", "/productOrder")
        assert refused(answer) == (503, "store_busy")
        assert answer.headers["Retry-After"] == "5"
        assert shop.ask("GET", "/productOrder").status_code == 200


def test_every_status_is_of_a_refusal_there_is() -> None:
    assert set(load.by("http_status", "code")) <= set(load.by("refusal", "code"))


def test_a_category_there_is_not_is_answered_with_those_there_are(small_shop: Shop) -> None:
    for body, problem, words in (
        ({"category": "13912345678"}, "is none of OPEN, CHANGE_NUMBER", "须为其中之一：OPEN, "),
        ({}, "missing", "缺少"),
    ):
        answer = small_shop.ask("POST", "/productOrder", json=body).json()
        assert answer["reason"].startswith(f"body.category: {problem}")
        assert words in answer["reasonZh"]
        assert "13912345678" not in answer["reason"] + answer["reasonZh"]


def test_what_is_wrong_with_the_form_is_said_in_chinese_too(small_shop: Shop) -> None:
    kind = {"Content-Type": "application/json"}
    for n, (body, status, _) in enumerate(BAD_ORDERS):
        if status != 422:
            continue
        raw, headers = json.dumps(body).encode(), kind | {"Idempotency-Key": f"bad-{n}"}
        answer = small_shop.ask("POST", "/productOrder", key=f"b{n}", content=raw, headers=headers)
        said = answer.json()["reasonZh"]
        # What is wrong comes behind the place, or the sentence is of one piece.
        assert re.search("[\u4e00-\u9fff]", said.partition("不合要求：")[2] or said), said
