"""What the tests of the HTTP service share: a shop with a key, and short ways to ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient

from mingdan.orders.access.offer_requests import OfferRequests
from mingdan.orders.http.app import create_app
from mingdan.orders.store import OrderStore
from tests.orders.access.support import BOSS, MAKER, PEPPER, channel, keys, permit
from tests.orders.support import at, iccid, imsi, msisdn, named, resident_id


@dataclass
class Shop:
    """A service with two marketing channels and our own people; the clock stands still."""

    store: OrderStore
    client: TestClient
    now: datetime = field(default_factory=lambda: at(1))
    keys: dict[str, str] = field(default_factory=dict)
    sent: int = 0

    def ask(
        self, method: str, path: str, *, who: str = "shop", key: str | None = None, **values: Any
    ) -> Response:
        """One request with this caller's API key; a POST with a new Idempotency-Key."""
        headers = {"X-API-Key": self.keys[who]} | values.pop("headers", {})
        if method == "POST" and path in ("/productOrder", "/reservation"):
            self.sent += 1
            headers["Idempotency-Key"] = key or f"try-{self.sent}"
        return self.client.request(method, path, headers=headers, **values)

    def place(self, serial: int = 1, *, who: str = "shop", key: str | None = None,
              **values: Any) -> Response:  # fmt: skip
        return self.ask("POST", "/productOrder", who=who, key=key, json=opening(serial) | values)


def opening(serial: int = 1) -> dict[str, Any]:
    """A request to open subscription `S<serial>`, externalId `o<serial>`."""
    return {
        "category": "OPEN",
        "externalId": f"o{serial}",
        "relatedParty": [
            {
                "id": f"P{serial}",
                "role": "customer",
                "partyType": "individual",
                "formattedName": named(serial),
                "identification": {
                    "identificationType": "resident_id",
                    "identificationId": resident_id(serial),
                },
            }
        ],
        "productOrderItem": [
            {
                "action": "add",
                "productOffering": {"id": "POSTPAID"},
                "product": {
                    "id": f"S{serial}",
                    "productCharacteristic": {
                        "msisdn": msisdn(serial),
                        "imsi": imsi(serial),
                        "iccid": iccid(serial),
                    },
                },
            }
        ],
    }


def put(order: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The request with one value changed, named like `relatedParty.0.id`."""
    *way, last = path.split(".")
    place: Any = order
    for part in way:
        place = place[int(part)] if isinstance(place, list) else place[part]
    place[last] = value
    return order


def offer(store: OrderStore, partner: str, product: str) -> None:
    requests = OfferRequests(store)
    number = requests.ask(
        partner, product_code=product, wish="x", valid_from=at(), valid_to=at(90),
        actor=MAKER, at=at(),
    )  # fmt: skip
    requests.decide(number, approve=True, reason="fits", actor=BOSS, at=at())


@contextmanager
def shop_over(store: OrderStore) -> Iterator[Shop]:
    """Two channels with permissions and approved offers, a counter and a manager."""
    for partner, number in (("shop", "88001"), ("rival", "88002")):
        channel(store, partner, number)
        permit(store, "*", interface_no=number)
        offer(store, partner, "POSTPAID")
    made: dict[str, Shop] = {}
    app = create_app(store, PEPPER, password_pepper=PEPPER, clock=lambda: made["shop"].now)
    with TestClient(app, raise_server_exceptions=True) as client:
        shop = made["shop"] = Shop(store, client)
        desk = keys(store)
        for who, number, role in (
            ("shop", "88001", "partner"),
            ("rival", "88002", "partner"),
            ("counter", "counter", "counter"),
            ("boss", "internal", "manager"),
        ):
            shop.keys[who] = desk.create(number, role=role, actor=MAKER, at=at()).key
        yield shop
