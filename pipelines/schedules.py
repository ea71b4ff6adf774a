"""The schedules, both running as soon as the location is loaded.

Here: when. Not here: what (`jobs`).
"""

from datetime import UTC, datetime

import dagster as dg

from mingdan.calendar import last_business_day
from pipelines.jobs import nightly, retention


@dg.schedule(
    job=nightly,
    cron_schedule="30 2 * * *",
    execution_timezone="Asia/Shanghai",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="02:30 Asia/Shanghai: the business day that has just ended.",
)
def every_night(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    day = last_business_day(context.scheduled_execution_time.astimezone(UTC)).isoformat()
    # The key makes a second tick of the same night a no-op.
    return dg.RunRequest(run_key=day, partition_key=day)


@dg.schedule(
    job=retention,
    cron_schedule="0 5 * * 0",
    execution_timezone="Asia/Shanghai",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Sunday 05:00 Asia/Shanghai: retention.",
)
def every_week(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    when: datetime = context.scheduled_execution_time
    return dg.RunRequest(run_key=f"retention-{when:%Y-%m-%d}")
