"""The till: an order's money is held, then settled or given back, and never twice."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from mingdan.orders.access.actor import Actor
from mingdan.orders.commands import Pay
from mingdan.orders.journal import Journal
from mingdan.orders.money import ledger, tills
from mingdan.orders.money.accounts import AccountDesk
from mingdan.orders.money.reconcile import mismatches
from mingdan.orders.money.requests import RefundRequest
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from tests.orders.support import at, done, opening, order

CLERK = Actor("manager", "counter", "clerk-7")


@pytest.fixture
def town(store: OrderStore) -> OrderStore:
    """Two subscriptions; their openings are orders 1 and 2."""
    done(store, opening(1), opening(2))
    return store


def take(
    store: OrderStore, fen: Any = 500, name: Any = "t1", order_id: int = 1, **more: Any
) -> str:
    with store.database.writing() as connection:
        journal = Journal(connection, at(1), str(CLERK))
        values = {"amount_fen": fen, "correlator": name, "method": "card"} | more
        return tills.take_for_order(journal, order_id=order_id, at=at(1), **values)


def settle(store: OrderStore, order_id: int = 1, **more: Any) -> None:
    with store.database.writing() as connection:
        journal = Journal(connection, at(2), str(CLERK))
        tills.settle_order(journal, order_id=order_id, account_id=order_id, at=at(2), **more)


def give_back(store: OrderStore, order_id: int = 1) -> int:
    with store.database.writing() as connection:
        journal = Journal(connection, at(3), str(CLERK))
        return tills.give_back_for_order(journal, order_id=order_id, at=at(3))


def code(call: Any, *arguments: Any, **values: Any) -> str:
    with pytest.raises(Refused) as caught:
        call(*arguments, **values)
    return caught.value.code


def totals(store: OrderStore) -> dict[str, int]:
    with store.database.reading() as connection:
        names = ("cash", "order", "customer", "revenue")
        return {name: ledger.balance(connection, name) for name in names}


def test_money_is_taken_once_for_its_correlator(town: OrderStore) -> None:
    receipt = take(town)
    assert take(town) == receipt
    assert take(town, 300, "t2") != receipt
    assert code(take, town, 501) == "correlator_reused"
    assert code(take, town, 500, "t1", 2) == "correlator_reused"
    assert code(take, town, 500, "t1", method="cash") == "correlator_reused"
    assert totals(town) == {"cash": -800, "order": 800, "customer": 0, "revenue": 0}
    with town.database.reading() as connection:
        assert tills.held(connection, 1) == 800


def test_a_completed_order_has_paid_its_charges(town: OrderStore) -> None:
    take(town)
    take(town, 300, "t2")
    settle(town, charged_fen=600)
    settle(town)
    assert totals(town) == {"cash": -800, "order": 0, "customer": 200, "revenue": 600}
    desk = AccountDesk(town)
    shown = desk.show("S1", at=at(9)).accounts[0]
    assert (shown.balance_fen, shown.arrears_fen) == (200, 0)
    assert give_back(town) == 0
    assert code(take, town, 1, "late") == "order_money_closed"
    # What was paid above the charges can be refunded like any payment.
    request = RefundRequest(
        subscription_ref="S1", payment_ref="open-1", amount_fen=201, correlator="r"
    )
    assert code(desk.refund, request, actor=CLERK, at=at(9)) == "refund_exceeds_balance"
    less = RefundRequest(**{**vars(request), "amount_fen": 200})
    assert desk.refund(less, actor=CLERK, at=at(9)).balance_fen == 0
    assert mismatches(town) == []


def test_a_cancelled_order_gives_its_money_back(town: OrderStore) -> None:
    take(town)
    take(town, 300, "t2", method="cash")
    assert give_back(town) == 800
    assert give_back(town) == 0
    settle(town)
    assert set(totals(town).values()) == {0}
    assert code(take, town, 1, "late") == "order_money_closed"
    with town.database.reading() as connection:
        back = connection.execute(
            text(
                "SELECT amount_fen, method FROM receipt WHERE purpose = 'order_refund'"
                " ORDER BY amount_fen"
            )
        ).all()
    assert [tuple(row) for row in back] == [(-500, "card"), (-300, "cash")]
    assert mismatches(town) == []


def test_money_left_at_an_ended_order_is_found(town: OrderStore) -> None:
    take(town)
    assert [(m.check, m.key, m.found_fen) for m in mismatches(town)] == [("ended_orders", "1", 500)]


FORGERIES = [
    ("money_transaction", "UPDATE money_transaction SET kind = 'x'"),
    ("money_transaction", "DELETE FROM money_transaction"),
    ("account_entry", "UPDATE account_entry SET amount_fen = 1 WHERE amount_fen > 0"),
    ("account_entry", "DELETE FROM account_entry"),
    (
        "account_entry",
        (
            "INSERT INTO account_entry (transaction_ref, leg_no, ledger, key, amount_fen)"
            " SELECT transaction_ref, 9, 'cash', 0, 5 FROM money_transaction"
        ),
    ),
    (
        "account_entry",
        (
            "INSERT INTO account_entry (transaction_ref, leg_no, ledger, key, amount_fen)"
            " VALUES ('alone', 1, 'cash', 0, 5)"
        ),
    ),
    (
        "money_transaction",
        (
            "INSERT INTO money_transaction (transaction_ref, kind, effective_at, recorded_at)"
            " SELECT 'empty', 'x', effective_at, recorded_at FROM money_transaction"
        ),
    ),
    ("receipt", "UPDATE receipt SET amount_fen = amount_fen + 1"),
    ("receipt", "DELETE FROM receipt"),
    ("refund", "DELETE FROM refund"),
    (
        "refund",
        (
            "INSERT INTO refund (account_id, order_id, payment_order_id, amount_fen, refunded_at,"
            " recorded_at) SELECT account_id, 2, order_id, amount_fen + 1, paid_at, recorded_at"
            " FROM payment"
        ),
    ),
]


@pytest.mark.parametrize(("table", "statement"), FORGERIES)
def test_the_database_refuses_money_from_nowhere(
    town: OrderStore, table: str, statement: str
) -> None:
    take(town)
    settle(town)
    done(town, order(Pay, "p", at(3), amount_fen=10))
    request = RefundRequest(subscription_ref="S1", payment_ref="p", amount_fen=5, correlator="r")
    AccountDesk(town).refund(request, actor=CLERK, at=at(4))
    with pytest.raises(DatabaseError), town.database.writing() as connection:
        connection.execute(text(statement))
    assert mismatches(town) == []


def test_the_ledger_refuses_what_does_not_balance(town: OrderStore) -> None:
    with town.database.writing() as connection:
        journal = Journal(connection, at(1), str(CLERK))
        with pytest.raises(ValueError, match="do not balance"):
            ledger.book(journal, "x", "x", [("cash", 0, -1), ("order", 1, 2)], at=at(1))
        with pytest.raises(ValueError, match="do not balance"):
            ledger.book(journal, "x", "x", [("cash", 0, -1), ("pocket", 1, 1)], at=at(1))
        ledger.book(journal, "x", "x", [("cash", 0, 0)], at=at(1))


def test_what_was_on_record_before_the_ledger_is_booked(own_url: str) -> None:
    from mingdan.orders.commands import Charge
    from mingdan.orders.database import Database

    with OrderStore.open(own_url) as store:
        done(
            store,
            opening(1),
            order(Charge, "b", at(1), amount_fen=70, due_at=at(2)),
            order(Pay, "p", at(3), amount_fen=30),
        )
    database = Database(own_url)
    database.downgrade("0003")
    database.migrate()
    database.close()
    with OrderStore.open(own_url) as store:
        assert mismatches(store) == []
        assert totals(store) == {"cash": -30, "order": 0, "customer": -40, "revenue": 70}
