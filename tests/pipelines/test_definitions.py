"""What Dagster loads: every asset fully described, everything that must run is on."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from mingdan.steps import STEPS, TABLES
from pipelines.definitions import build_defs, defs

GRAPH = defs.resolve_asset_graph()
KEYS = sorted(key.to_user_string() for key in GRAPH.get_all_asset_keys())


def test_the_location_loads() -> None:
    dg.Definitions.validate_loadable(build_defs())


def test_every_table_and_the_release_are_assets() -> None:
    assert sorted([*TABLES, "release"]) == KEYS


@pytest.mark.parametrize("key", KEYS)
def test_every_asset_is_described(key: str) -> None:
    node = GRAPH.get(dg.AssetKey(key))
    assert node.owners == ["team:mingdan"]
    assert node.group_name == (TABLES[key].stage if key in TABLES else "lists")
    assert node.description
    # Indented, Markdown takes a paragraph for code.
    assert "\n    " not in node.description
    assert node.kinds
    assert node.pools == {"lake"}
    assert node.partitions_def is not None
    if key in TABLES:
        schema = node.metadata["dagster/column_schema"]
        assert [column.name for column in schema.columns] == list(TABLES[key].names)  # type: ignore[attr-defined]


def test_the_assets_depend_along_the_flow() -> None:
    stages = list(dict.fromkeys(step.stage for step in STEPS))
    assert stages == [
        "orders", "usage", "guiding", "reports", "features", "senders", "classes", "lists",
    ]  # fmt: skip
    stage_of = {name: table.stage for name, table in TABLES.items()} | {"release": "lists"}
    for key in KEYS:
        for parent in GRAPH.get(dg.AssetKey(key)).parent_keys:
            assert stages.index(stage_of[parent.to_user_string()]) <= stages.index(stage_of[key])
    assert {k.to_user_string() for k in GRAPH.get(dg.AssetKey("release")).parent_keys} == {
        "list_entries"
    }


def test_the_night_is_scheduled_at_half_past_two_and_is_on() -> None:
    schedule = defs.resolve_schedule_def("every_night")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    tick = schedule.evaluate_tick(
        dg.build_schedule_context(
            repository_def=defs.get_repository_def(),
            scheduled_execution_time=datetime(
                2026, 11, 21, 2, 30, tzinfo=ZoneInfo("Asia/Shanghai")
            ),
        )
    )
    assert tick.run_requests is not None
    (request,) = tick.run_requests
    assert (request.partition_key, request.run_key) == ("2026-11-20", "2026-11-20")
    assert schedule.cron_schedule == "30 2 * * *"
    assert schedule.execution_timezone == "Asia/Shanghai"


@pytest.mark.parametrize("name", ["late_files", "missed_night", "run_failed", "check_failed"])
def test_sensors_are_on(name: str) -> None:
    sensor = defs.resolve_sensor_def(name)
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING


def test_what_leaves_the_house_is_behind_blocking_checks() -> None:
    blocking = {
        f"{key.asset_key.to_user_string()}:{key.name}"
        for key in GRAPH.asset_check_keys
        if GRAPH.get_check_spec(key).blocking
    }
    assert {
        "number_holdings:numbers_never_overlap",
        "usage_files:counts_add_up",
        "guided_usage:guided_plus_rejected",
        "guided_usage:every_line_accounted",
        "labels:redlist_is_honoured",
        "list_entries:nobody_protected_is_listed",
        "release:release_verifies",
    } <= blocking
