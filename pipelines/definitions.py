"""Everything Dagster loads, put together in one place.

Here: the assembly. Not here: any logic; nothing is opened or read at import.
"""

from __future__ import annotations

import dagster as dg

from assets import classes, features, guiding, lists, orders, reports, senders, usage
from assets.resources import Installation
from pipelines.alerts import check_failed, run_failed
from pipelines.channels import channel_alarms, every_six_hours, resign
from pipelines.history import history
from pipelines.jobs import late_usage, nightly, retention
from pipelines.schedules import every_night, every_week
from pipelines.sensors import late_files

ASSETS = [
    orders.order_snapshot,
    orders.reconciliation,
    usage.landed_usage,
    usage.usage,
    guiding.guided_usage,
    reports.reports,
    features.daily_partials,
    features.features,
    senders.sender_assertions,
    classes.labels,
    lists.list_entries,
    lists.release,
]


def build_defs(installation: Installation | None = None) -> dg.Definitions:
    """The code location; tests pass an installation of their own."""
    return dg.Definitions(
        assets=ASSETS,
        jobs=[nightly, late_usage, history, retention, resign],
        schedules=[every_night, every_week, every_six_hours],
        sensors=[late_files, run_failed, check_failed, channel_alarms],
        resources={"installation": installation or Installation()},
        # One process a run: the lock and the lake are opened once, and a night
        # of twelve steps does not pay eleven interpreter starts.
        executor=dg.in_process_executor,
    )


defs = build_defs()
