"""The engine: parameters, buckets, same bytes, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from mingdan.engine import Engine, Read, define_view, used, write_parquet
from mingdan.errors import LakeError
from mingdan.identifiers import pseudonym
from mingdan.lake import Lake
from mingdan.settings import Settings
from mingdan.tables import Column
from mingdan.usage.tables import USAGE_FILES
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


def test_a_failing_statement_leaves_the_day_as_it_was(
    engine: Engine, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = lake.write(SMALL, DAY, rows(1))
    monkeypatch.setattr("mingdan.engine.statement", lambda name: "" if name == "macros" else name)
    with pytest.raises(LakeError, match="small of 2026-11-01"):
        engine.run("SELECT error('broken') AS k, '' AS v", inputs=[], output=SMALL, day=DAY)
    assert lake.partition(SMALL, DAY) == held


def test_a_column_added_later_is_null_in_older_days(engine: Engine, lake: Lake) -> None:
    """A table may gain a column; days from before it stay readable, alone and beside others."""
    grown = replace(USAGE_FILES, columns=(*USAGE_FILES.columns, Column("note", "VARCHAR", "x")))
    row = dict.fromkeys(grown.names) | {"file": "a", "note": "new", "status": "loaded"}
    days = [date(2026, 11, 1), date(2026, 11, 2)]
    for table, day in zip((USAGE_FILES, grown), days, strict=True):
        lake.write(table, day, pl.DataFrame([row], schema=Lake.schema(grown)).select(table.names))
    assert lake.scan(grown, days).collect()["note"].sort().to_list() == [None, "new"]
    for chosen, expected in ((days, [None, "new"]), (days[:1], [None])):
        with engine.connect() as connection:
            define_view(connection, "grown", grown, lake.files(grown, chosen))
            found = connection.sql("SELECT note FROM grown ORDER BY note NULLS FIRST").fetchall()
        assert [note for (note,) in found] == expected
