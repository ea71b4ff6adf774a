"""Two things that were wrong near the stock: resident IDs of young areas, and reading numbers."""

from __future__ import annotations

from typing import Any

import pytest
from stdnum.cn import ric

from mingdan.orders import finding, reading
from mingdan.orders.store import OrderStore
from tests.orders.support import at, done, msisdn, opening, person, refusal


def resident(area: str, birth: str, serial: str = "101") -> str:
    body = area + birth + serial
    return body + ric.calc_check_digit(body + "0")


@pytest.mark.parametrize(
    ("area", "birth"),
    [
        ("140213", "19850101"),  # 平城区, a code since 2018
        ("140109", "19600229"),  # 万柏林区, a code since 1997
        ("110101", "19900307"),
        ("140112", "19900101"),  # 南郊区 until 1997: in force at birth
        ("140121", "19500101"),
    ],
)
def test_a_code_may_be_younger_than_its_bearer(
    sqlite_store: OrderStore, area: str, birth: str
) -> None:
    done(sqlite_store, opening(1, party=person(1, document_number=resident(area, birth))))


@pytest.mark.parametrize(
    ("area", "birth"),
    [
        ("140112", "20050101"),  # 南郊区 had been gone for eight years
        ("999999", "19900101"),
        ("149999", "19900101"),
        ("110101", "19900230"),
    ],
)
def test_a_code_of_nowhere_or_withdrawn_before_the_birth_is_refused(
    sqlite_store: OrderStore, area: str, birth: str
) -> None:
    command = opening(1, party=person(1, document_number=resident(area, birth)))
    assert refusal(sqlite_store, command) == "document_invalid"


def test_only_the_numbers_asked_for_are_read(
    store: OrderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(store, *(opening(serial) for serial in range(1, 6)))
    read: list[int] = []

    def counted(*arguments: Any, **values: Any) -> Any:
        rows = finding.find(*arguments, **values)
        read.append(len(rows))
        return rows

    monkeypatch.setattr(reading, "find", counted)
    assert store.current_numbers([2, 4, 99], at(1)) == {2: msisdn(2), 4: msisdn(4)}
    assert store.current_numbers([], at(1)) == {}
    assert store.current_numbers([1], at(-1)) == {}
    assert store.current_numbers(range(1, 6), at(1)) == {n: msisdn(n) for n in range(1, 6)}
    assert read == [2, 0, 0, 5]
