"""Orders known late: what they touch is guided again, as the whole history says, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mingdan.guiding.guide import guide, reopened
from mingdan.guiding.tables import GUIDED_USAGE
from mingdan.lake import DataFile, Lake
from mingdan.night import Night
from mingdan.settings import Settings
from tests.guiding.rows import Row, at, put_orders, put_usage, record
from tests.guiding.test_guide import BEGIN, DAY, NEW_NUMBER, OLD_NUMBER, outcome
from tests.guiding.test_reference import Holding, expected

YESTERDAY = DAY - timedelta(days=1)
NUMBERS, SIMS = (101, 102), (901, 902, 903)
AGEING = 2
"""Seconds a number rests between two subscriptions."""
SECONDS = (0, 1, 2, 3, 5, 43_200, 43_201, 43_203, 86_399)


@dataclass
class Operator:
    """Lifecycle orders carried out one after the other; what cannot be done is refused."""

    numbers: list[list[Any]] = field(default_factory=list)
    parties: list[list[Any]] = field(default_factory=list)

    def do(self, order: tuple[Any, ...], second: int, who: int) -> None:
        kind, number, sim, other = order
        held, free = self._of("msisdn", number), self._of("imsi", sim) is None
        if kind == "open" and held is None and free and self._rested(number, second):
            self._begin("msisdn", number, who, second)
            self._begin("imsi", sim, who, second)
            self.parties.append([who, who + 10, at(YESTERDAY, second), None])
        elif held is None:
            return
        elif kind == "terminate":
            for row in (*self.numbers, *self.parties):
                if held in (row[0], row[1]) and row[-1] is None:
                    row[-1] = at(YESTERDAY, second)
        elif kind == "swap" and free:
            self._end("imsi", held, second)
            self._begin("imsi", sim, held, second)
        elif kind == "renumber" and self._of("msisdn", other) is None:
            self._end("msisdn", held, second)
            self._begin("msisdn", other, held, second)
        elif kind == "transfer":
            (row,) = (row for row in self.parties if row[0] == held and row[-1] is None)
            row[-1] = at(YESTERDAY, second)
            self.parties.append([held, row[1] + 100, at(YESTERDAY, second), None])

    def _of(self, kind: str, key: int) -> int | None:
        found = [row[1] for row in self.numbers if row[0] == (kind, key) and row[-1] is None]
        return found[0] if found else None

    def _rested(self, number: int, second: int) -> bool:
        ends = [row[-1] for row in self.numbers if row[0] == ("msisdn", number)]
        return all(end + timedelta(seconds=AGEING) <= at(YESTERDAY, second) for end in ends)

    def _begin(self, kind: str, key: int, who: int, second: int) -> None:
        self.numbers.append([(kind, key), who, at(YESTERDAY, second), None])

    def _end(self, kind: str, who: int, second: int) -> None:
        for row in self.numbers:
            if row[0][0] == kind and row[1] == who and row[-1] is None:
                row[-1] = at(YESTERDAY, second)


def histories(
    orders: list[tuple[int, tuple[Any, ...], bool]], *, late: bool
) -> tuple[list[Holding], list[Holding]]:
    """Holdings by all orders, or by those that were known in time; empty intervals left out."""
    operator = Operator()
    for who, (second, order, known_late) in enumerate(orders, start=1):
        if late or not known_late:
            operator.do(order, second, who)

    def lasting(rows: list[list[Any]]) -> Iterator[Holding]:
        yield from ((a, b, since, end) for a, b, since, end in rows if since != end)

    return list(lasting(operator.numbers)), list(lasting(operator.parties))


ORDER = st.tuples(
    st.sampled_from(("open", "open", "terminate", "swap", "renumber", "transfer")),
    st.sampled_from(NUMBERS),
    st.sampled_from(SIMS),
    st.sampled_from(NUMBERS),
)
ORDERS = st.lists(st.tuples(st.sampled_from(SECONDS), ORDER, st.booleans()), max_size=9)


def new_night(factory: pytest.TempPathFactory) -> Night:
    """An empty installation: what a later night knew would otherwise stand."""
    folder = factory.mktemp("corrections")
    Lake(folder / "lake", buckets=2)
    return Night(Settings(data=folder))


def every_second() -> list[Row]:
    """A record of each number, SIM and both, at every instant that may matter."""
    asked = [
        (second, number, sim)
        for second in SECONDS
        for number, sim in ((101, None), (102, None), (None, 901), (101, 901), (102, 902))
    ]
    return [
        record(key, at(YESTERDAY, second), served_msisdn=number, served_imsi=sim)
        for key, (second, number, sim) in enumerate(asked)
    ]


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(orders=ORDERS.map(lambda found: sorted(found, key=lambda order: order[0])))
def test_number_change_swap_transfer_end_and_reissue_on_one_day_known_in_time_or_late(
    tmp_path_factory: pytest.TempPathFactory, orders: list[tuple[int, tuple[Any, ...], bool]]
) -> None:
    operator = new_night(tmp_path_factory)
    rows = every_second()
    before: dict[int, tuple[Any, ...]] = {}
    for night, late in ((YESTERDAY, False), (DAY, True)):
        numbers, parties = histories(orders, late=late)
        known = [("OPEN", at(YESTERDAY, second)) for second, _, is_late in orders if is_late]
        put_orders(
            operator.lake,
            night,
            numbers=[(*key, who, since, end) for key, who, since, end in numbers],
            parties=parties,
            events=known if late else (),
        )
        put_usage(operator.lake, rows if night == YESTERDAY else [], night)
        report = guide(operator, night)
        found = outcome(operator, YESTERDAY)
        assert found == {row["record_id"]: expected(row, numbers, parties) for row in rows}
        if night == DAY and any(is_late for *_, is_late in orders):
            rejected_no_more = [
                key for key in before if len(before[key]) == 1 and len(found[key]) == 3
            ]
            assert report.facts["recycled"] == len(rejected_no_more)
        before = found


def test_what_a_late_order_does_not_touch_is_not_guided_again(night: Night) -> None:
    """Shown by a mark no guiding would make: it stays on what was left alone."""
    noon = at(YESTERDAY, 43_200)
    parties = [(who, 10 * who, BEGIN, None) for who in (1, 2)]
    numbers: list[tuple[str, int, int, datetime, datetime | None]] = [
        ("msisdn", OLD_NUMBER, 1, BEGIN, None),
        ("msisdn", NEW_NUMBER, 2, BEGIN, None),
    ]
    rows = [
        record(key, at(YESTERDAY, 43_199 + key), served_msisdn=number)
        for key, number in enumerate((OLD_NUMBER, OLD_NUMBER, NEW_NUMBER))
    ]
    put_orders(night.lake, YESTERDAY, numbers=numbers, parties=parties)
    put_usage(night.lake, rows, YESTERDAY)
    guide(night, YESTERDAY)
    _mark(night)
    moved = [
        ("msisdn", OLD_NUMBER, 1, BEGIN, noon),
        ("msisdn", OLD_NUMBER, 2, noon, None),
        numbers[1],
    ]
    put_orders(night.lake, DAY, numbers=moved, parties=parties, events=[("CHANGE_NUMBER", noon)])
    put_usage(night.lake, [], DAY)
    assert reopened(night, DAY) == [YESTERDAY, DAY]
    guide(night, DAY)
    assert outcome(night, YESTERDAY) == {
        0: (1, 10, "msisdn"),
        1: (2, 20, "msisdn"),
        2: (2, -20, "msisdn"),
    }


def test_a_transfer_known_late_moves_the_usage_of_its_subscription(night: Night) -> None:
    numbers = [("msisdn", OLD_NUMBER, 1, BEGIN, None)]
    noon = at(YESTERDAY, 43_200)
    rows = [record(s, at(YESTERDAY, s), served_msisdn=OLD_NUMBER) for s in (43_199, 43_200)]
    put_orders(night.lake, YESTERDAY, numbers=numbers, parties=[(1, 10, BEGIN, None)])
    put_usage(night.lake, rows, YESTERDAY)
    guide(night, YESTERDAY)
    parties = [(1, 10, BEGIN, noon), (1, 20, noon, None)]
    put_orders(night.lake, DAY, numbers=numbers, parties=parties, events=[("TRANSFER", noon)])
    put_usage(night.lake, [], DAY)
    guide(night, DAY)
    assert outcome(night, YESTERDAY) == {43_199: (1, 10, "msisdn"), 43_200: (1, 20, "msisdn")}


def _mark(night: Night) -> None:
    """Turn the party of every row that is guided to its negative."""
    with night.lake.staging() as folder:
        made = []
        for file in night.lake.files(GUIDED_USAGE, [YESTERDAY]):
            rows = pl.read_parquet(file, hive_partitioning=False)
            bucket = int(file.split("/bucket=")[1].split("/")[0])
            path = folder / f"{bucket}.parquet"
            rows.with_columns(-pl.col("party_id")).write_parquet(path)
            made.append(DataFile(path, rows.height, bucket))
        night.lake.replace(GUIDED_USAGE, YESTERDAY, made)
