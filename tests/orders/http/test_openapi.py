"""The service keeps to its own OpenAPI document, whatever is sent to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from mingdan.orders.access.permissions import Permissions
from mingdan.orders.http.answers import OrderState
from mingdan.orders.store import OrderStore
from mingdan.reference import load
from tests.orders.access.support import BOSS
from tests.orders.http.support import Shop, shop_over
from tests.orders.support import at, msisdn, sqlite_url

load_all_checks()
LEFT_OUT = (
    # A request of the right form may still be refused: a wrong checksum, a taken number.
    "positive_data_acceptance",
    # Nothing is deleted: a cancelled reservation is still there to be looked at.
    "use_after_free",
)
OPERATIONS = (
    ("GET", "/health"),
    ("GET", "/productOrder"),
    ("POST", "/productOrder"),
    ("GET", "/productOrder/{id}"),
    ("POST", "/productOrder/{id}/payment"),
    ("POST", "/productOrder/{id}/cancel"),
    ("POST", "/reservation"),
    ("GET", "/reservation/{id}"),
    ("DELETE", "/reservation/{id}"),
)
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
FEW = settings(
    max_examples=20,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    url = sqlite_url(tmp_path_factory.mktemp("service"))
    with OrderStore.open(url) as store, shop_over(store) as opened:
        Permissions(store).limit(
            "88001", requests=1_000_000, per_seconds=1, burst=1_000_000, valid_from=at(),
            actor=BOSS, at=at(),
        )  # fmt: skip
        opened.place(1)
        opened.ask("POST", "/reservation", json={"msisdn": msisdn(2)})
        yield opened


@pytest.fixture(scope="module")
def document(shop: Shop) -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", shop.client.app)


def operations(document: Any) -> set[tuple[str, str]]:
    return {
        (method.upper(), path)
        for path, methods in document.raw_schema["paths"].items()
        for method in methods
    }


def test_every_path_is_tried(document: Any) -> None:
    assert operations(document) == set(OPERATIONS)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_service_keeps_to_its_document(
    shop: Shop, document: Any, method: str, path: str, mode: GenerationMode
) -> None:
    operation = document[path][method]
    nothing_to_spoil = not operation.definition.raw.get("parameters") and method == "GET"
    if mode is GenerationMode.NEGATIVE and nothing_to_spoil:
        assert path == "/health"
        return
    left_out = CHECKS.get_by_names(LEFT_OUT)
    seen: set[int] = set()

    @FEW
    @given(operation.as_strategy(generation_mode=mode))
    def tried(case: Any) -> None:
        response = case.call_and_validate(
            headers={"X-API-Key": shop.keys["shop"]}, excluded_checks=left_out
        )
        seen.add(response.status_code)

    tried()
    assert seen


def test_the_states_are_those_of_tmf622() -> None:
    assert set(get_args(OrderState)) == {row["state"] for row in load.rows("order_state")}


def test_every_path_but_health_needs_a_key(document: Any) -> None:
    for method, path in OPERATIONS:
        needs = document.raw_schema["paths"][path][method.lower()].get("security")
        assert bool(needs) == (path != "/health")


def test_a_reservation_that_is_not_there_is_a_documented_answer(shop: Shop, document: Any) -> None:
    answer = shop.place(7, reservation=10**6)
    assert (
        str(answer.status_code)
        in document.raw_schema["paths"]["/productOrder"]["post"]["responses"]
    )
