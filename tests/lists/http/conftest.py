"""A bank at the door of the partners' service, with real keys on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from mingdan.lists.http.app import create_app
from mingdan.orders.access.permissions import Permissions
from mingdan.orders.access.rules import LIST_EXCHANGE
from mingdan.orders.store import OrderStore
from tests.lists.pairs import Pair, now
from tests.orders.access.support import BOSS, PEPPER, channel, keys, permit
from tests.orders.support import at, put_store

KINDS = {"shop": "marketing_channel"}
SHIPPED = Path("mingdan/reports/partners.toml")


@dataclass
class Counter:
    """The service, its clock, and whoever has a key."""

    pair: Pair
    store: OrderStore
    client: TestClient
    now: datetime = field(default_factory=now)
    keys: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, *, who: str = "bank", **values: Any) -> Response:
        headers = {"X-API-Key": self.keys.get(who, who)} | values.pop("headers", {})
        return self.client.request(method, path, headers=headers, **values)


def agree(pair: Pair, **lines: str) -> None:
    """The installation's own partners' file; `lines` replace those of the bank's entry."""
    head, police, bank = SHIPPED.read_text("utf-8").split("[[partner]]")
    made = [
        f"{name} = {lines.pop(name)}" if (name := line.split(" = ")[0]) in lines else line
        for line in bank.splitlines()
    ]
    made += [f"{name} = {value}" for name, value in lines.items()]
    path = pair.settings.data / "policy" / "reports" / "partners.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "[[partner]]".join([head, police, "\n".join(made) + "\n"])
    path.write_text(text, "utf-8")


@pytest.fixture(params=["keyed"])
def counter(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Counter]:
    """bank_demo with a key of its own; `shop` may sell but exchanges no lists."""
    pair = Pair(tmp_path, disclosure=request.param, quota=100)
    agree(pair, asserts='["fraud"]', disclosure=f'"{request.param}"', evaluations_per_year="100")
    put_store(pair.settings.data)
    with OrderStore.open(f"sqlite:///{pair.settings.data / 'orders.db'}") as store:
        made: list[Counter] = []
        app = create_app(pair.settings, store, PEPPER, clock=lambda: made[0].now)
        with TestClient(app, raise_server_exceptions=False) as client:
            made.append(Counter(pair, store, client))
            for who, number in (("bank", "JK-0002"), ("police", "JK-0001"), ("shop", "88001")):
                channel(store, who, number, kind=KINDS.get(who, "information_exchange"))
                permit(store, LIST_EXCHANGE, interface_no=number)
                Permissions(store).limit(
                    number, requests=1_000_000, per_seconds=1, burst=1_000_000,
                    valid_from=at(), actor=BOSS, at=at(),
                )  # fmt: skip
                made[0].keys[who] = (
                    keys(store).create(number, role="partner", actor=BOSS, at=at(1)).key
                )
            yield made[0]
