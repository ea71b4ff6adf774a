"""The nightly job on a small operator: what an analyst sees, reruns, missing input."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from assets.resources import Installation
from mingdan.classes.tables import LABELS
from mingdan.lake import Lake
from mingdan.night import Night
from mingdan.steps import TABLES
from pipelines.definitions import build_defs
from tests.worlds import Installed, everything

# Not within a digest or after a decimal point: enough of them hold eleven such digits by chance.
NUMBER = re.compile(r"(?<![0-9a-f])(?<![0-9][.])(?:86)?1[3-9]\d{9}(?![0-9a-f])")


@pytest.fixture
def installed(world_before_last_night: Installed, tmp_path: Path) -> Installed:
    return world_before_last_night.copy(tmp_path / "data")


def nightly(
    installed: Installed, instance: dg.DagsterInstance, **options: object
) -> dg.ExecuteInProcessResult:
    installation = Installation(data=str(installed.data), lock_wait_seconds=0.5)
    return (
        build_defs(installation)
        .resolve_job_def("nightly")
        .execute_in_process(
            partition_key=installed.last.isoformat(),
            instance=instance,
            raise_on_error=False,
            **options,  # type: ignore[arg-type]
        )
    )


def test_a_night_shows_every_asset_with_counts_preview_and_plot(
    installed: Installed, finished_world: Installed
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = nightly(installed, instance)
        assert result.success
        materialised = {
            event.asset_key.to_user_string(): event.step_materialization_data.materialization
            for event in result.get_asset_materialization_events()
            if event.asset_key
        }
        checks = result.get_asset_check_evaluations()
    assert set(materialised) == {*TABLES, "release"}
    lake = Lake(installed.settings.lake)
    for name, table in TABLES.items():
        metadata = materialised[name].metadata
        rows = lake.partition(table, installed.last).rows
        assert metadata["dagster/partition_row_count"].value == rows
        assert str(metadata["plot"].value).startswith("![")
        # the ledger of files is shown whole
        expected = rows if name == "usage_files" else min(rows, 5)
        assert len(metadata["preview"].records) == expected
    shown = " ".join(
        str(value.value) for entry in materialised.values() for value in entry.metadata.values()
        if not str(value.value).startswith("![")
    )  # fmt: skip
    assert not NUMBER.search(shown)
    assert all(check.passed for check in checks if check.blocking)
    assert everything(installed.data) == everything(finished_world.data)


def test_running_the_same_night_again_changes_no_byte(installed: Installed) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert nightly(installed, instance).success
        first = everything(installed.data)
        assert nightly(installed, instance).success
    assert everything(installed.data) == first


def test_a_missing_source_fails_the_night_and_freezes_everything(installed: Installed) -> None:
    shutil.rmtree(installed.settings.landing / "usage" / "smsc" / installed.last.isoformat())
    before = everything(installed.data)
    with dg.DagsterInstance.ephemeral() as instance:
        result = nightly(installed, instance)
    assert not result.success
    (failure,) = [e for e in result.all_events if e.event_type_value == "STEP_FAILURE"]
    message = failure.step_failure_data.user_failure_data.description
    assert "smsc" in message
    assert installed.last.isoformat() in message
    after = everything(installed.data)
    touched = {name.split(" ")[0] for name in after.items() ^ before.items() for name in [name[0]]}
    assert touched <= {
        "order_events", "number_holdings", "subscription_holdings", "subscriptions", "protections",
        "appeals",
        "reconciliation",
        "complaints", "complaints_withdrawn", "partner_entries", "reports_quarantine",
        "report_assertions",
    }  # fmt: skip
    assert Lake(installed.settings.lake).days(LABELS)[-1] == installed.last - timedelta(days=1)


def test_a_second_run_at_once_is_refused_and_says_why(installed: Installed) -> None:
    before = everything(installed.data)
    with Night(installed.settings).lock(), dg.DagsterInstance.ephemeral() as instance:
        result = nightly(installed, instance)
    assert not result.success
    failure = next(e for e in result.all_events if e.event_type_value == "STEP_FAILURE")
    message = failure.step_failure_data.user_failure_data.description
    assert "another run is writing" in message
    assert "Start again when it is done" in message
    assert everything(installed.data) == before
