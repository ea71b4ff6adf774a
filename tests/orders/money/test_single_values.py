"""Single values that are refused, each with a code and no trace; on one database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mingdan.orders.money import ledger
from mingdan.orders.money.accounts import AccountDesk
from mingdan.orders.money.vouchers import VoucherDesk
from mingdan.orders.store import OrderStore
from tests.orders.money.test_accounts import code, pay
from tests.orders.money.test_tills import settle, take, totals
from tests.orders.money.test_vouchers import made, sell
from tests.orders.support import PEPPER, at, done, opening


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"fen": -5}, "invalid_value"),
        ({"fen": 0}, "invalid_value"),
        ({"fen": 10**13}, "invalid_value"),
        ({"fen": 1.5}, "invalid_value"),
        ({"fen": True}, "invalid_value"),
        ({"fen": "１００"}, "invalid_value"),
        ({"currency": "USD"}, "currency_not_accepted"),
        ({"currency": "cny"}, "currency_not_accepted"),
        ({"currency": "ＣＮＹ"}, "currency_not_accepted"),
        ({"currency": ""}, "invalid_value"),
        ({"method": "voucher"}, "invalid_value"),
        ({"method": "'; DROP TABLE receipt; --"}, "invalid_value"),
        ({"correlator": ""}, "invalid_value"),
        ({"correlator": "x" * 201}, "invalid_value"),
        ({"correlator": "a\x00b"}, "invalid_value"),
        ({"correlator": "mingdan:back:R1"}, "invalid_value"),
        ({"ref": "S1' OR '1'='1"}, "unknown_subscription"),
        ({"ref": "Ｓ１"}, "unknown_subscription"),
        ({"payer_ref": "P404"}, "unknown_party"),
    ],
)
def test_a_bad_payment_is_refused_and_leaves_nothing(
    sqlite_store: OrderStore, values: dict[str, Any], expected: str
) -> None:
    desk = AccountDesk(sqlite_store)
    done(sqlite_store, opening(1))
    asked = {"ref": "S1", "fen": 100, "correlator": "'; DROP TABLE payment; --"} | values
    ref, fen, correlator = asked.pop("ref"), asked.pop("fen"), asked.pop("correlator")
    assert code(pay, desk, ref, fen, correlator, **asked) == expected
    with sqlite_store.database.reading() as connection:
        assert ledger.balance(connection, "cash") == 0
    assert pay(desk, "S1", 100, "'; DROP TABLE payment; --").balance_fen == 100


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"quantity": 0}, "invalid_value"),
        ({"quantity": 100_001}, "invalid_value"),
        ({"face_value_fen": -1}, "invalid_value"),
        ({"face_value_fen": 10**13}, "invalid_value"),
        ({"validity_days": 0}, "invalid_value"),
        ({"expires_at": at(1)}, "invalid_value"),
        ({"ref": "a\x00"}, "invalid_value"),
        ({"ref": "张" * 201}, "invalid_value"),
    ],
)
def test_a_bad_batch_is_refused(
    sqlite_store: OrderStore, tmp_path: Path, values: dict[str, Any], expected: str
) -> None:
    desk = VoucherDesk(sqlite_store, PEPPER)
    assert code(made, desk, tmp_path, **values) == expected
    assert list(tmp_path.glob("*.csv*")) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"count": 0}, "invalid_value"),
        ({"count": -1}, "invalid_value"),
        ({"price_fen": 5001}, "invalid_value"),
        ({"price_fen": -1}, "invalid_value"),
        ({"currency": "HKD"}, "currency_not_accepted"),
        ({"batch_ref": "B1' OR '1'='1"}, "unknown_voucher_batch"),
        ({"count": 5}, "voucher_stock"),
    ],
)
def test_a_bad_sale_is_refused(
    sqlite_store: OrderStore, tmp_path: Path, values: dict[str, Any], expected: str
) -> None:
    desk = VoucherDesk(sqlite_store, PEPPER)
    made(desk, tmp_path)
    assert code(sell, desk, **values) == expected
    assert desk.batch("B1", at=at(2)).states == {"available": 4}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"fen": 0}, "invalid_value"),
        ({"fen": -1}, "invalid_value"),
        ({"fen": "500"}, "invalid_value"),
        ({"name": None}, "invalid_value"),
        ({"name": "mingdan:x"}, "invalid_value"),
        ({"method": "gold"}, "invalid_value"),
        ({"currency": "USD"}, "currency_not_accepted"),
    ],
)
def test_bad_money_is_not_taken(
    sqlite_store: OrderStore, values: dict[str, Any], expected: str
) -> None:
    done(sqlite_store, opening(1))
    assert code(take, sqlite_store, **values) == expected
    assert code(settle, sqlite_store, charged_fen=1) == "invalid_value"
    assert set(totals(sqlite_store).values()) == {0}
