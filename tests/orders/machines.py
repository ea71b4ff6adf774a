"""What the state machines over an order store share: opening it, running them, what always holds.

Here: the base of the machines and the checks no model is needed for. Not here: the
models (`engine/test_model.py`, `lifecycle/test_model.py`).
"""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from sqlalchemy import func, select

from mingdan.orders.money.model import AccountEntry
from mingdan.orders.policy import Policy
from mingdan.orders.store import OrderStore
from tests.orders.engine.test_replay import rebuilt
from tests.orders.support import PEPPER, sqlite_url
from tests.orders.test_histories import assert_apart, assert_states_fit, assert_whole


class StoreMachine(RuleBasedStateMachine):
    """A machine over an empty store by `make_url`, with `policy`; `check` is its last word."""

    make_url: Any = None
    policy: Policy

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.url = type(self).make_url(Path(self.folder.name))
        self.store = self.opened()

    def opened(self) -> OrderStore:
        return OrderStore.open(self.url, policy=self.policy)

    def check(self) -> None:
        """What holds in the store is what the model holds."""
        raise NotImplementedError

    def teardown(self) -> None:
        """At the end, and the logs alone give the same tables."""
        try:
            self.check()
            self.store.close()
            assert rebuilt(self.url, sqlite_url(Path(self.folder.name))) == []
        finally:
            self.store.close()
            self.folder.cleanup()


def held(store: OrderStore, end: datetime) -> dict[tuple[str, int], str]:
    """Who holds which number and IMSI at last: (kind, key) -> reference; what must hold, holds."""
    numbers = store.number_holdings(end)
    subscriptions = store.subscriptions(end, end.date(), pepper=PEPPER)
    assert_apart(numbers, "key_kind", "key")
    assert_apart(numbers, "subscription_id", "key_kind")
    assert_apart(store.subscription_holdings(end), "subscription_id")
    assert_states_fit(store)
    assert_whole(numbers, subscriptions)
    with store.database.reading() as connection:
        money = connection.execute(select(func.sum(AccountEntry.amount_fen))).scalar()
    assert not money, "money was created or lost"
    names = dict(subscriptions.select("subscription_id", "external_id").rows())
    return {
        (row["key_kind"], row["key"]): names[row["subscription_id"]]
        for row in numbers.filter(pl.col("valid_to").is_null()).iter_rows(named=True)
    }


def run(machine: type[StoreMachine], make_url: Any, *, examples: int, steps: int) -> None:
    """Run a machine over stores by `make_url`, which is given a folder of its own."""
    run_state_machine_as_test(
        type(machine.__name__, (machine,), {"make_url": staticmethod(make_url)}),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
