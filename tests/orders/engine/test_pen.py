"""A load's parts: written beside each other's thinking, done together or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from mingdan.orders.commands import Charge, Pay, Suspend
from mingdan.orders.store import OrderStore
from tests.orders.support import at, opening, order


@pytest.fixture(autouse=True)
def small_parts() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mingdan.orders.intake.PART", 2)
        yield


def test_what_the_database_refuses_undoes_the_whole_load(own_url: str) -> None:
    load = [opening(n) for n in range(1, 10)]
    with OrderStore.open(own_url) as store:
        with store.database.writing() as connection:
            # The third part's second row is refused, while the fourth is worked out.
            connection.execute(
                text("CREATE UNIQUE INDEX spoilt ON product_order_item (action) WHERE order_id > 4")
            )
        driver = store.database.engine.dialect.loaded_dbapi
        with pytest.raises(driver.IntegrityError):
            store.apply(load)
        assert store.outbox().events == ()
        with store.database.writing() as connection:
            connection.execute(text("DROP INDEX spoilt"))
        assert store.apply(load).completed == 9
        assert store.apply(load).repeated == 9


def test_a_part_sees_what_those_before_it_did(own_url: str) -> None:
    # In parts of one, two, two ...: the last two touch the first and the second.
    load = [
        opening(1),
        opening(2),
        order(Charge, "bill", at(1), amount_fen=500, due_at=at(2)),
        opening(3, when=at(1)),
        order(Pay, "pay", at(3), amount_fen=500),
        opening(4, when=at(3)),
        opening(1, order_ref="again", when=at(4)),
        order(Pay, "pay-2", at(4), subscription_ref="S2", amount_fen=500),
        opening(5, when=at(5)),
        order(Suspend, "stop", at(6), subscription_ref="S2", reason="lost"),
    ]
    with OrderStore.open(own_url) as store:
        applied = store.apply(load)
    assert applied.completed == 9
    assert [each.code for each in applied.refused] == ["subscription_exists"]
