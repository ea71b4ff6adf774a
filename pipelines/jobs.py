"""The jobs: a night, a late delivery, history, retention.

Here: what runs together, with typed config where a person may start it. Not
here: when (`schedules`, `sensors`) and what the assets do (`assets`).
"""

from datetime import date

import dagster as dg

from assets.resources import Installation
from mingdan.calendar import days
from mingdan.classes.tables import LABELS
from mingdan.maintenance import retain
from mingdan.night import Report
from mingdan.steps import NamedStep, run_night

WRITER = {"mingdan/writer": "true"}
"""Tag of whatever writes the lake; the production instance runs one at a time."""

nightly = dg.define_asset_job(
    name="nightly",
    selection=dg.AssetSelection.all(),
    tags=WRITER,
    description="One business day from raw files to the signed-off release.",
)

late_usage = dg.define_asset_job(
    name="late_usage",
    selection=dg.AssetSelection.assets("daily_usage").upstream().required_multi_asset_neighbors(),
    tags=WRITER,
    description="Files that came after their night: land them, re-guide and repair the"
    " partials. Labels follow with the next night.",
)


class HistoryConfig(dg.Config):
    """Which nights to make up for."""

    first: str
    """First business day, ISO (2026-10-01)."""
    last: str
    """Last business day, ISO."""


@dg.op(description="Runs the missing nights one after another, each as its own night.")
def make_history(
    context: dg.OpExecutionContext, config: HistoryConfig, installation: Installation
) -> None:
    night = installation.night
    wanted = list(days(date.fromisoformat(config.first), date.fromisoformat(config.last)))
    for number, day in enumerate(wanted, 1):

        def materialised(step: NamedStep, report: Report, day: date = day) -> None:
            for table in step.tables:
                partition = night.lake.partition(table, day)
                context.log_event(
                    dg.AssetMaterialization(
                        asset_key=table.name,
                        partition=day.isoformat(),
                        metadata={
                            "dagster/partition_row_count": partition.rows,
                            "digest": partition.digest,
                        },
                    )
                )
            if not step.tables:
                context.log_event(
                    dg.AssetMaterialization(
                        asset_key=step.name,
                        partition=day.isoformat(),
                        metadata=dict(report.facts),
                    )
                )

        run_night(night, day, materialised)
        context.log.info(f"night {number} of {len(wanted)}: {day}")


@dg.job(tags=WRITER, description="Nights of the past, in order, in one run.")
def history() -> None:
    make_history()


class RetentionConfig(dg.Config):
    """How much history to keep."""

    keep_days: int = 0
    """Days to keep; 0: the setting `MINGDAN_RETENTION_DAYS`."""


@dg.op(description="Drops days older than the policy and frees their files.")
def forget_old_days(
    context: dg.OpExecutionContext, config: RetentionConfig, installation: Installation
) -> None:
    night = installation.night
    held = night.lake.days(LABELS)
    if not held:
        context.log.info("no night has been run yet")
        return
    dropped = retain(night, held[-1], config.keep_days or None)
    context.log.info(f"days dropped: { {k: v for k, v in dropped.items() if v} or 'none' }")


@dg.job(tags=WRITER, description="Retention of the lake.")
def retention() -> None:
    forget_old_days()
