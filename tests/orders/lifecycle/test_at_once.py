"""受理, 施工 and 竣工 in one transaction: few statements, and all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event, select

from mingdan.orders import model as m
from mingdan.orders.journal_model import EntityEvent
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.lifecycle.payment import Money
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from tests.orders.lifecycle.ways import COUNTER, everything
from tests.orders.support import at, opening, postgresql_url


def opened(desk: OrderDesk, serial: int, correlator: str) -> str:
    money = Money(amount_fen=1000, correlator=correlator)
    return desk.run(opening(serial), actor=COUNTER, at=at(serial), payment=money).state


def test_a_receipt_of_other_money_leaves_nothing_of_the_order(
    store: OrderStore, desk: OrderDesk
) -> None:
    assert opened(desk, 1, "paid") == "completed"
    before = everything(store)
    with pytest.raises(Refused, match="correlator_reused"):
        opened(desk, 2, "paid")
    assert everything(store) == before
    with pytest.raises(Refused, match="unknown_order"):
        desk.get("open-2")
    assert opened(desk, 2, "paid again") == "completed"


def test_the_order_tells_its_money_itself(store: OrderStore, desk: OrderDesk) -> None:
    opened(desk, 1, "paid")
    with store.database.reading() as connection:
        payloads = connection.execute(select(m.OrderEvent.payload)).scalars()
        (written,) = [each["new"] for each in payloads if each is not None]
        journalled = set(connection.execute(select(EntityEvent.entity)).scalars())
    assert {"payment", "customer_bill", "account_entry", "money_transaction"} <= written.keys()
    assert journalled == {"receipt", "archive", "notice"}


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements sent to PostgreSQL in the block, the driver's and SQLAlchemy's own."""
    sent: list[str] = []
    plain = psycopg.RawCursor.execute

    def noting(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        sent.append(str(query))
        return plain(self, query, *arguments, **options)

    def noted(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.RawCursor, "execute", noting)
        event.listen(Engine, "before_cursor_execute", noted)
        try:
            yield sent
        finally:
            event.remove(Engine, "before_cursor_execute", noted)


def test_an_opening_takes_few_statements() -> None:
    with OrderStore.open(postgresql_url()) as store:
        desk = OrderDesk(store)
        opened(desk, 1, "first")
        with counted() as sent:
            opened(desk, 2, "second")
        # Keys are taken in blocks, now and then.
        assert len([each for each in sent if "nextval" not in each]) == 3, sent
