"""The jobs: a night, a late delivery, retention.

Here: what runs together, with typed config where a person may start it. Not
here: nights of the past (`history`), when (`schedules`, `sensors`) and what the
assets do (`assets`).
"""

import dagster as dg

from assets.resources import Installation
from mingdan.classes.tables import LABELS
from mingdan.maintenance import retain

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
