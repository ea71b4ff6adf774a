"""Random histories: intervals never overlap, leave no gap, and the known past is stable."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from mingdan.calendar import business_day, naive_utc
from mingdan.orders.commands import (
    AnyCommand,
    Applied,
    ChangeNumber,
    Charge,
    Pay,
    Resume,
    Suspend,
    SwapSim,
    Terminate,
    TransferOwner,
)
from mingdan.orders.model import Msisdn, SimCard
from mingdan.orders.store import OrderStore
from tests.orders.support import (
    PEPPER,
    at,
    emptied_postgresql_url,
    iccid,
    imsi,
    msisdn,
    opening,
    order,
    person,
    sqlite_url,
    young,
)

HOUR = timedelta(hours=1)
END = at(100)


@dataclass(frozen=True)
class Draw:
    """One random request over few numbers, SIMs and people, so that they collide."""

    kind: str
    subscription: int
    number: int
    sim: int
    party: int
    hour: int
    delay: int

    def command(self, serial: int) -> AnyCommand:
        when = at(hours=self.hour)
        frame: dict[str, Any] = {"recorded_at": when + self.delay * HOUR}
        if self.kind == "open":
            return opening(
                self.subscription,
                when=when,
                order_ref=f"r{serial}",
                party=person(self.party),
                msisdn=msisdn(self.number),
                imsi=imsi(self.sim),
                iccid=iccid(self.sim),
                **frame,
            )
        sim = {"imsi": imsi(self.sim), "iccid": iccid(self.sim)}
        kind, values = {
            "number": (ChangeNumber, {"msisdn": msisdn(self.number)}),
            "swap": (SwapSim, {**sim, "reason": "swap"}),
            "replace": (SwapSim, {**sim, "reason": "replace"}),
            "transfer": (TransferOwner, {"party": person(self.party)}),
            "suspend": (Suspend, {"reason": "lost" if self.party % 2 else "arrears"}),
            "resume": (Resume, {"reason": "lost" if self.party % 2 else "arrears"}),
            "charge": (Charge, {"amount_fen": 100, "due_at": when + 9 * HOUR}),
            "pay": (Pay, {"amount_fen": 100}),
            "terminate": (Terminate, {}),
        }[self.kind]
        return order(
            kind, f"r{serial}", when, subscription_ref=f"S{self.subscription}", **frame, **values
        )


KINDS = (
    ["open"] * 4 + ["number"] * 5 + ["swap", "replace", "transfer", "transfer", "terminate"]
    + ["suspend", "suspend", "resume", "charge", "pay"]
)  # fmt: skip
Sizes = tuple[int, int]
"""Commands of one transaction, and of one part of it."""
SIZES = st.sampled_from([(1, 1), (3, 3), (100, 100), (100, 1), (100, 4)])
DRAWS = st.lists(
    st.builds(
        Draw,
        kind=st.sampled_from(KINDS),
        subscription=st.integers(1, 3),
        number=st.integers(1, 4),
        sim=st.integers(1, 9),
        party=st.integers(1, 3),
        hour=st.integers(0, 24),
        delay=st.sampled_from([0, 0, 0, 1, 5, 20]),
    ),
    min_size=3,
    max_size=30,
)


def recorded(command: AnyCommand) -> datetime:
    assert command.recorded_at is not None
    return command.recorded_at


def frames(store: OrderStore, known: datetime) -> list[pl.DataFrame]:
    return [
        store.number_holdings(known),
        store.subscription_holdings(known),
        store.subscriptions(known, business_day(known), pepper=PEPPER),
        store.order_events(at(-1), known),
    ]


def assert_apart(frame: pl.DataFrame, *key: str) -> None:
    """Intervals of one key are half-open, not empty, and never overlap."""
    ordered = frame.sort(*key, "valid_from")
    follows = ordered.select(
        (pl.col("valid_to").shift(1).over(key) <= pl.col("valid_from")).fill_null(
            pl.col("valid_from").shift(1).over(key).is_null()
        )
    )
    assert follows.to_series().all(), ordered
    assert (frame["valid_to"].drop_nulls() > frame.drop_nulls("valid_to")["valid_from"]).all()


def assert_whole(numbers: pl.DataFrame, subscriptions: pl.DataFrame) -> None:
    """A subscription has a number and a SIM at every instant of its life, and none outside."""
    for row in subscriptions.iter_rows(named=True):
        for kind in ("msisdn", "imsi"):
            own = numbers.filter(
                (pl.col("subscription_id") == row["subscription_id"]) & (pl.col("key_kind") == kind)
            ).sort("valid_from")
            assert own["valid_from"][0] == row["activated_at"]
            assert own["valid_to"][-1] == row["terminated_at"]
            assert own["valid_to"][:-1].to_list() == own["valid_from"][1:].to_list()


def assert_states_fit(store: OrderStore) -> None:
    """A number or SIM is in use by whoever holds it now, and by nobody else."""
    numbers = store.number_holdings(END).filter(pl.col("valid_to").is_null())
    for kind, key, state, used in (
        ("msisdn", Msisdn.number, Msisdn.state, "in_service"),
        ("imsi", SimCard.imsi, SimCard.state, "in_use"),
    ):
        held = numbers.filter(pl.col("key_kind") == kind)
        expected = set(held.select("key", "subscription_id").rows())
        with store._database.reading() as connection:
            rows = connection.execute(select(key, state, key.class_.subscription_id)).all()
        assert {(int(name), holder) for name, now, holder in rows if now == used} == expected
        assert all(holder is None for _, now, holder in rows if now != used)


def assert_as_told(store: OrderStore, commands: list[AnyCommand], applied: Applied) -> None:
    """The numbers now believed are those of the accepted orders, by when they took effect."""
    refused = {each.order_ref for each in applied.refused}
    told: dict[int, dict[datetime, int | None]] = {}
    for command in sorted(commands, key=recorded):
        ref = getattr(command, "subscription_ref", "")
        if command.order_ref in refused:
            continue
        if isinstance(command, Terminate):
            told[applied.subscription_ids[ref]][command.at] = None
        elif hasattr(command, "msisdn"):
            told.setdefault(applied.subscription_ids[ref], {})[command.at] = int(command.msisdn)
    expected = {
        (key, number, naive_utc(start), naive_utc(end) if end else None)
        for key, changes in told.items()
        for (start, number), end in zip(
            sorted(changes.items()), [*sorted(changes)[1:], None], strict=True
        )
        if number is not None
    }
    frame = store.number_holdings(END).filter(pl.col("key_kind") == "msisdn")
    merged = set(frame.select("subscription_id", "key", "valid_from", "valid_to").rows())
    assert merged == expected


def check(url: str, draws: list[Draw], batch: Sizes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # one transaction each, a few, or all at once: it must make no difference
        patch.setattr("mingdan.orders.store.BATCH", batch[0])
        patch.setattr("mingdan.orders.intake.PART", batch[1])
        _check(url, draws)


def _check(url: str, draws: list[Draw]) -> None:
    commands = [draw.command(serial) for serial, draw in enumerate(draws)]
    ordered = sorted(commands, key=recorded)
    half = len(ordered) // 2
    instants = sorted({recorded(command) for command in ordered[:half]})[-3:]
    with OrderStore.open(url, policy=young(0)) as store:
        first = store.apply(ordered[:half])
        before = [frames(store, instant) for instant in instants]
        second = store.apply(
            [c for c in ordered[half:] if not instants or recorded(c) > instants[-1]]
        )
        for instant, known in zip(instants, before, strict=True):
            for old, new in zip(known, frames(store, instant), strict=True):
                assert old.equals(new), f"what was known at {instant} has changed"
        kept = [c for c in ordered[half:] if instants and recorded(c) <= instants[-1]]
        third = store.apply(kept)
        for hour in range(0, 50, 6):
            numbers = store.number_holdings(at(hours=hour))
            assert_apart(numbers, "key_kind", "key")
            assert_apart(numbers, "subscription_id", "key_kind")
            assert_apart(store.subscription_holdings(at(hours=hour)), "subscription_id")
        last = store.number_holdings(END)
        assert_states_fit(store)
        assert_whole(last, store.subscriptions(END, business_day(END), pepper=PEPPER))
        if not kept:
            assert_as_told(store, ordered, first.plus(second).plus(third))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DRAWS, SIZES)
def test_any_history_on_sqlite(draws: list[Draw], batch: Sizes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check(sqlite_url(Path(folder)), draws, batch)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DRAWS, SIZES)
def test_any_history_on_postgresql(draws: list[Draw], batch: Sizes) -> None:
    check(emptied_postgresql_url(), draws, batch)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DRAWS)
def test_what_is_written_beside_is_as_what_is_written_one_by_one(draws: list[Draw]) -> None:
    commands = [draw.command(serial) for serial, draw in enumerate(draws)]
    found = []
    for transaction, part in ((1, 1), (100, 3)):
        with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            patch.setattr("mingdan.orders.store.BATCH", transaction)
            patch.setattr("mingdan.orders.intake.PART", part)
            with OrderStore.open(sqlite_url(Path(folder)), policy=young(0)) as store:
                applied = store.apply(commands)
                # Not the events: keys of refused orders are given again in the next transaction.
                found.append((applied, frames(store, END)[:3]))
    (alone, known), (beside, same) = found
    assert beside == alone
    assert all(one.equals(other) for one, other in zip(known, same, strict=True))
