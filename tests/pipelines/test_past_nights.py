"""Nights of the past from the UI: the job `history` and backfills over a range.

Here: what an analyst starts and sees. Not here: the bytes of a past night run
again (`tests/scenarios`).
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster_graphql.schema import create_schema

from assets.resources import Installation
from mingdan import engine
from mingdan.lake import Lake
from mingdan.orders.tables import ORDER_EVENTS
from mingdan.steps import TABLES
from pipelines.definitions import build_defs
from tests.worlds import Installed, everything, lake_digests

LAUNCH = """
mutation ($backfill: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $backfill) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""


@pytest.fixture
def installed(world_before_last_night: Installed, tmp_path: Path) -> Installed:
    return world_before_last_night.copy(tmp_path / "data")


def history(installed: Installed, first: str, last: str) -> dg.ExecuteInProcessResult:
    installation = Installation(data=str(installed.data), lock_wait_seconds=0.5)
    job = build_defs(installation).resolve_job_def("history")
    config = {"ops": {"make_history": {"config": {"first": first, "last": last}}}}
    return job.execute_in_process(run_config=config, raise_on_error=False)


def test_history_shows_and_checks_each_night(installed: Installed) -> None:
    day = installed.last.isoformat()
    result = history(installed, day, day)
    assert result.success
    shown = {
        event.asset_key.to_user_string(): event.step_materialization_data.materialization
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }
    assert set(shown) == {*TABLES, "release"}
    for name in TABLES:
        assert {"dagster/partition_row_count", "digest", "preview"} <= set(shown[name].metadata)
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert {"redlist_is_honoured", "nobody_protected_is_listed", "release_verifies"} <= set(checks)
    assert all(check.passed for check in checks.values() if check.blocking)
    assert {check.partition for check in checks.values()} == {day}


def test_history_stops_at_a_check_that_fails(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = engine.statement
    broken = {"classes/check_redlist_is_honoured": "SELECT 3 AS failing"}
    monkeypatch.setattr(engine, "statement", lambda name: broken.get(name) or plain(name))
    before = everything(installed.data / "releases")
    result = history(installed, installed.last.isoformat(), installed.last.isoformat())
    assert not result.success
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert "redlist_is_honoured" in str(failed.step_failure_data.error)
    assert everything(installed.data / "releases") == before


@pytest.mark.parametrize("lost", ["file", "older copy"])
def test_a_lost_order_store_stops_the_night(installed: Installed, lost: str) -> None:
    """It is not an operator whose customers all left."""
    store = installed.data / "orders.db"
    if lost == "file":
        for part in installed.data.glob("orders.db*"):
            part.unlink()
    else:
        lake = Lake(installed.settings.lake)
        day = lake.days(ORDER_EVENTS)[-1]
        frame = lake.scan(ORDER_EVENTS, [day]).select(ORDER_EVENTS.names).collect()
        lake.write(ORDER_EVENTS, day, frame.with_columns(seq=frame["seq"] + 1_000_000))
    labels = {k: v for k, v in lake_digests(installed.data).items() if k.startswith("labels")}
    releases = everything(installed.data / "releases")
    result = history(installed, installed.last.isoformat(), installed.last.isoformat())
    assert not result.success
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert "order store" in str(failed.step_failure_data.error)
    assert store.exists() == (lost != "file")
    now = {k: v for k, v in lake_digests(installed.data).items() if k.startswith("labels")}
    assert now == labels
    assert everything(installed.data / "releases") == releases


def test_the_ui_backfills_assets_over_a_range(
    installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `Materialize all` with a range of days sends."""
    monkeypatch.setenv("MINGDAN_DATA", str(installed.data))
    days = [(installed.last - timedelta(days=back)).isoformat() for back in (2, 1)]
    home = tmp_path / "home"
    home.mkdir()
    with (
        dg.DagsterInstance.local_temp(str(home)) as instance,
        WorkspaceProcessContext(
            instance, ModuleTarget("pipelines.definitions", None, "", "mingdan")
        ) as process,
    ):
        context = process.create_request_context()
        assets = [{"path": [name]} for name in (*TABLES, "release")]
        answer: Any = create_schema().execute(
            LAUNCH,
            context_value=context,
            variable_values={"backfill": {"assetSelection": assets, "partitionNames": days}},
        )
    assert not answer.errors
    assert answer.data["launchPartitionBackfill"]["__typename"] == "LaunchBackfillSuccess", (
        json.dumps(answer.data)
    )
