"""The price list: product before every product, the day before the next price."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from mingdan.calendar import day_start
from mingdan.orders.journal import Journal
from mingdan.orders.offers import prices
from mingdan.orders.offers.prices import Charge, Price, quote
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from tests.orders.support import at


def quoted(store: OrderStore, product: str, business: str, when: Any = None) -> dict[str, int]:
    with store.database.reading() as connection:
        found = quote(connection, product_code=product, order_type=business, at=when or at())
    return {charge.code: charge.amount_fen for charge in found}


def price(**values: Any) -> Price:
    plain: dict[str, Any] = {
        "product_code": "POSTPAID",
        "order_type": "CHANGE_FEATURE",
        "code": "setup",
        "valid_from": date(2026, 11, 1),
        "amount_fen": 500,
        "name": "set-up",
        "name_zh": "开通费",
    }
    return Price(**plain | values)


def put(store: OrderStore, *entries: Price) -> int:
    with store.database.writing() as connection:
        return prices.add(Journal(connection, at(), "test"), entries)


def test_a_price_is_for_product_business_and_time(store: OrderStore) -> None:
    assert quoted(store, "POSTPAID", "OPEN") == {"sim_fee": 1000}
    assert quoted(store, "PREPAID", "OPEN") == {"advance": 5000, "sim_fee": 1000}
    # its own price of nothing goes before everybody's
    assert quoted(store, "POSTPAID_5G", "OPEN") == {}
    last = day_start(date(2019, 11, 1)) - timedelta(microseconds=1)
    assert quoted(store, "POSTPAID_5G", "OPEN", last) == {"sim_fee": 1000}
    assert quoted(store, "POSTPAID", "TRANSFER_OWNER") == {}
    assert quoted(store, "POSTPAID", "TRANSFER_OWNER", day_start(date(2016, 12, 31)))
    with store.database.reading() as connection:
        (charge,) = quote(connection, product_code="POSTPAID", order_type="SIM_REPLACE", at=at())
    assert charge == Charge("sim_fee", 1000, "SIM card", "补卡工本费")


def test_an_operators_price_begins_on_its_day(store: OrderStore) -> None:
    assert put(store, price(), price(product_code="*", code="setup", amount_fen=900)) == 2
    first = day_start(date(2026, 11, 1))
    assert quoted(store, "POSTPAID", "CHANGE_FEATURE", first - timedelta(seconds=1)) == {}
    assert quoted(store, "POSTPAID", "CHANGE_FEATURE", first) == {"setup": 500}
    assert quoted(store, "PREPAID", "CHANGE_FEATURE", first) == {"setup": 900}
    # opening the store again adds nothing and changes nothing
    with OrderStore.open(store.database.engine.url.render_as_string(hide_password=False)) as again:
        assert quoted(again, "POSTPAID", "CHANGE_FEATURE", first) == {"setup": 500}


@pytest.mark.parametrize(
    ("code", "entry"),
    [
        ("price_not_in_future", price(valid_from=date(2026, 10, 1))),
        ("price_not_in_future", price(valid_from=date(2020, 1, 1))),
        ("price_exists", price()),
        ("unknown_product", price(product_code="'; DROP TABLE charge_price; --")),
        ("unknown_business", price(order_type="open")),
        ("invalid_value", price(amount_fen=-1)),
        ("invalid_value", price(amount_fen=10**13)),
        ("invalid_value", price(amount_fen=True)),
        ("invalid_value", price(amount_fen=1.5)),
        ("invalid_value", price(name="x" * 201)),
        ("invalid_value", price(name_zh="\x00")),
    ],
)
def test_a_price_out_of_order_is_refused_whole(
    sqlite_store: OrderStore, code: str, entry: Price
) -> None:
    put(sqlite_store, price())
    with pytest.raises(Refused) as refused:
        put(sqlite_store, price(code="fine"), entry)
    assert refused.value.code == code
    assert quoted(sqlite_store, "POSTPAID", "CHANGE_FEATURE", at(60)) == {"setup": 500}


@pytest.mark.parametrize(
    ("code", "product", "business", "when"),
    [
        ("unknown_product", "NONE", "OPEN", at()),
        ("unknown_product", "*", "OPEN", at()),
        ("unknown_product", "ＰＲＥＰＡＩＤ", "OPEN", at()),
        ("unknown_business", "PREPAID", "x' OR '1'='1", at()),
        ("invalid_value", "", "OPEN", at()),
        ("invalid_value", "PREPAID", "OPEN", at().replace(tzinfo=None)),
        ("product_not_on_sale", "PREPAID", "OPEN", at(-9999)),
    ],
)
def test_no_quote(
    sqlite_store: OrderStore, code: str, product: str, business: str, when: Any
) -> None:
    with pytest.raises(Refused) as refused:
        quoted(sqlite_store, product, business, when)
    assert refused.value.code == code


def test_the_database_takes_no_negative_price(store: OrderStore) -> None:
    statement = text("UPDATE charge_price SET amount_fen = -1")
    with pytest.raises(DatabaseError), store.database.writing() as connection:
        connection.execute(statement)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["*", "POSTPAID", "PREPAID"]),
            st.sampled_from(["a", "b"]),
            st.integers(1, 40),
            st.integers(0, 900),
        ),
        max_size=12,
        unique_by=lambda entry: entry[:3],
    ),
    st.integers(0, 45),
)
def test_any_price_list_is_read_as_it_says(
    sqlite_store: OrderStore, entries: list[tuple[str, str, int, int]], day: int
) -> None:
    first = date(2026, 10, 1)
    expected: dict[str, int] = {}
    for code in ("a", "b"):
        for product in ("*", "POSTPAID"):
            told = [e for e in entries if e[:2] == (product, code) and e[2] <= day]
            if told:
                expected[code] = max(told, key=lambda entry: entry[2])[3]
    with sqlite_store.database.engine.connect() as connection:
        # undone at the end: every example begins with the shipped list
        for product, code, days, fen in entries:
            values = {"product_code": product, "code": code, "amount_fen": fen}
            begins = {"valid_from": first + timedelta(days=days)}
            prices.add(Journal(connection, at(), "test"), [price(**values, **begins)])
        found = quote(connection, product_code="POSTPAID", order_type="CHANGE_FEATURE", at=at(day))
        assert {c.code: c.amount_fen for c in found} == {k: v for k, v in expected.items() if v}
        connection.rollback()
