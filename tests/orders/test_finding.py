"""Many keys asked for at once: the same rows, whichever way a database is asked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mingdan.orders import finding, queries
from mingdan.orders import model as m
from mingdan.orders.commands import ChangeNumber, Protect, Suspend
from mingdan.orders.database import locking
from mingdan.orders.finding import Maker, find, find_all
from mingdan.orders.store import OrderStore
from tests.orders.support import at, done, imsi, msisdn, opening, order

KNOWN = range(1, 4)
QUESTIONS: tuple[tuple[Maker, Any], ...] = (
    (queries.subscriptions, lambda serial: f"S{serial}"),
    (queries.orders, lambda serial: f"open-{serial}"),
    (queries.numbers, msisdn),
    (queries.sims_by_imsi, imsi),
    (queries.parties_by_ref, lambda serial: f"P{serial}"),
    (queries.spans(m.NumberHolding, m.NumberHolding.subscription_id), int),
    (queries.spans(m.SubscriptionBlock, m.SubscriptionBlock.subscription_id), int),
    (queries.in_service, int),
    (queries.protections, int),
)
"""Texts and integers; instants that are there and that are not, booleans, counts, no rows."""
asked = st.lists(
    st.tuples(st.sampled_from(QUESTIONS), st.sets(st.sampled_from([*KNOWN, 77]))), max_size=6
)


@pytest.fixture
def town(store: OrderStore) -> OrderStore:
    done(
        store,
        *(opening(serial) for serial in KNOWN),
        order(Suspend, "stop", at(1), reason="lost"),
        order(ChangeNumber, "number", at(2), subscription_ref="S2", msisdn=msisdn(9)),
        order(Protect, "vip", at(3), party_ref="P3", scope="all", until=at(9), maker="a",
              checker="b"),
    )  # fmt: skip
    return store


def alike(rows: Any) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in rows), key=repr)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(asked, st.sampled_from([0, finding.KEYS_TOGETHER]))
def test_questions_asked_together_find_what_each_finds(
    town: OrderStore, questions: list[Any], together: int
) -> None:
    asking = [(make, {key(serial) for serial in some}) for (make, key), some in questions]
    with town.database.reading() as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(finding, "KEYS_TOGETHER", together)
        found = [alike(rows) for rows in find_all(connection, asking)]
        assert found == [alike(find(connection, make, keys)) for make, keys in asking]


def test_what_comes_first_is_done_first_and_alone_too(town: OrderStore) -> None:
    with town.database.writing() as connection:
        first = locking({"customers": ["orders:open-1"], "resources": ["numbers:13812345678"]})
        assert find_all(connection, [(queries.orders, ())], first=first) == [()] or (
            not town.database.is_postgresql
        )
        (orders,) = find_all(connection, [(queries.orders, ["open-1"])], first=first)
        assert [row[0] for row in orders] == ["open-1"]
        if town.database.is_postgresql:
            held = connection.exec_driver_sql(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                " AND pid = pg_backend_pid()"
            ).scalar()
            # nobody may say "no writer is at work", the order's own and the number's
            assert held == 3
