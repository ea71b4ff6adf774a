"""The engine: parameters, buckets, same bytes, and what it refuses."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from mingdan.calendar import day_start, naive_utc
from mingdan.engine import Engine, Read, used, write_parquet
from mingdan.engines.duck import store
from mingdan.errors import LakeError
from mingdan.features.partials import _job
from mingdan.features.tables import DAILY_USAGE
from mingdan.guiding.tables import GUIDED_USAGE
from mingdan.identifiers import pseudonym
from mingdan.lake import DataFile, Lake
from mingdan.settings import Settings
from tests.core.test_lake import DAY, SMALL, rows


@pytest.fixture
def engine(lake: Lake, settings: Settings) -> Engine:
    return Engine(lake, settings)


def test_only_parameters_a_statement_names_are_passed() -> None:
    assert used("SELECT $a, $b_c", {"a": 1, "b_c": 2, "d": 3}) == {"a": 1, "b_c": 2}


def test_a_query_sees_its_inputs_and_an_absent_day_is_empty(engine: Engine, lake: Lake) -> None:
    lake.write(SMALL, DAY, rows(1, 2))
    reads = (Read(SMALL, [DAY, date(2020, 1, 1)]),)
    with engine.connect() as connection:
        assert connection.sql("SELECT 1").fetchall() == [(1,)]
    with pytest.raises(FileNotFoundError):
        engine.query("usage/no_such_statement", reads)


def test_the_macro_and_the_function_give_the_same_pseudonym(engine: Engine) -> None:
    key = bytes(range(32))
    with engine.connect() as connection:
        found = connection.sql(
            "SELECT pseudonym($key, 'number', '8613800138000')", params={"key": key.hex()}
        ).fetchall()
    assert found == [(pseudonym(key, "number", "8613800138000"),)]
    assert pseudonym(key, "imei", "8613800138000") != pseudonym(key, "number", "8613800138000")


def test_rows_are_written_in_the_table_order_whatever_the_statement_says(
    engine: Engine, tmp_path: pytest.TempPathFactory
) -> None:
    paths = []
    for number, order in enumerate(("k", "k DESC")):
        path = tmp_path / f"{number}.parquet"  # type: ignore[operator]
        with engine.connect() as connection:
            count = write_parquet(
                connection,
                f"SELECT range AS k, 'v' AS v FROM range(300000) ORDER BY {order}",  # noqa: S608
                SMALL,
                path,
            )
        assert count == 300_000
        paths.append(path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert pl.read_parquet(paths[0])["k"].is_sorted()


def test_a_stored_result_keeps_its_types_or_is_refused(engine: Engine, tmp_path: Path) -> None:
    with engine.connect() as connection:
        for text in ("SELECT sum(range) AS total FROM range(3)", "SELECT 1::UHUGEINT AS total"):
            with pytest.raises(LakeError, match=r"total of x\.parquet is HUGEINT: cast it"):
                store(connection, text, tmp_path / "x.parquet", {})
        rows = store(connection, "SELECT hash(1) AS h, $a AS a", tmp_path / "x.parquet", {"a": 1})
    assert rows == 1


def test_one_enormous_sender_does_not_break_its_bucket(lake: Lake, settings: Settings) -> None:
    """A tenth of the memory its rows take: sorting and counting them spills to disk."""
    guided = 300_000
    who = {"subscription_id": 4, "served_imei": 5, "served_imsi": 6}
    text = ", ".join(
        {
            "record_id": "range::BIGINT",
            "usage_type": "'sms'",
            "direction": "'out'",
            "other_party": "8613800000000 + hash(range) % 150000",
            "other_kind": "'mobile'",
            "event_at": "TIMESTAMP '2026-10-31 16:00:00' + to_milliseconds(range * 200)",
            "message_ref": "range % 65536",
            **{name: str(key) for name, key in who.items()},
        }.get(column.name, f"NULL::{column.type}")
        + f" AS {column.name}"
        for column in GUIDED_USAGE.columns
    )
    tight = Engine(lake, settings.model_copy(update={"memory_limit": "40MB", "threads": 1}))
    with tight.lake.staging() as folder, tight.connect() as connection:
        path = folder / "sender.parquet"
        select = f"SELECT {text} FROM range({guided})"  # noqa: S608
        write_parquet(connection, select, GUIDED_USAGE, path)
        lake.replace(GUIDED_USAGE, DAY, [DataFile(path, guided, 0)])
    values = {"day_start": naive_utc(day_start(DAY)), "pepper": "00"}
    held = tight.make(_job(DAY, []), DAY, values)
    (row,) = lake.scan(DAILY_USAGE, [DAY]).select("records").collect().iter_rows()
    assert row == (guided,)
    ample = Engine(lake, settings)
    assert ample.make(_job(DAY, []), DAY, values) == held


def test_a_failing_statement_leaves_the_day_as_it_was(
    engine: Engine, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = lake.write(SMALL, DAY, rows(1))
    monkeypatch.setattr("mingdan.engine.statement", lambda name: "" if name == "macros" else name)
    with pytest.raises(LakeError, match="small of 2026-11-01"):
        engine.run("SELECT error('broken') AS k, '' AS v", inputs=[], output=SMALL, day=DAY)
    assert lake.partition(SMALL, DAY) == held
