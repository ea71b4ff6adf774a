"""The partners' service keeps to its own OpenAPI document, whatever is sent to it."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from tests.lists.http.conftest import Counter

load_all_checks()
LEFT_OUT = (
    # A body of the right form may still be no list, question or receipt of this partner.
    "positive_data_acceptance",
    # Any bytes are of the documented form.
    "negative_data_rejection",
)
OPERATIONS = (
    ("GET", "/health"),
    ("POST", "/lists"),
    ("POST", "/questions"),
    ("POST", "/receipts"),
    ("GET", "/standing"),
    ("GET", "/status"),
    ("GET", "/channels/{channel}/{folder}/{file}"),
)
OPEN = ("/health", "/channels/{channel}/{folder}/{file}")
FEW = settings(
    max_examples=10,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def test_it_keeps_to_its_document(counter: Counter) -> None:
    document: Any = schemathesis.openapi.from_asgi("/openapi.json", counter.client.app)
    paths = document.raw_schema["paths"]
    assert {(m.upper(), path) for path, methods in paths.items() for m in methods} == set(
        OPERATIONS
    )
    left_out = CHECKS.get_by_names(LEFT_OUT)
    for method, path in OPERATIONS:
        assert bool(paths[path][method.lower()].get("security")) == (path not in OPEN)
        operation = document[path][method]
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            given_something = operation.definition.raw.get("parameters") or method == "POST"
            if mode is GenerationMode.NEGATIVE and not given_something:
                continue

            @FEW
            @given(operation.as_strategy(generation_mode=mode))
            def tried(case: Any) -> None:
                case.call_and_validate(
                    headers={"X-API-Key": counter.keys["bank"]}, excluded_checks=left_out
                )

            tried()


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/health"])
def test_what_needs_no_key(counter: Counter, path: str) -> None:
    assert counter.client.get(path).status_code == 200
