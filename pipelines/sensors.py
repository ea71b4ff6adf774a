"""Sensors that start work: files that came after their night, or that their night waited for.

Here: noticing what arrived. Not here: alerts (`alerts`) and the night at its hour
(`schedules`).
"""

import hashlib
from datetime import UTC, datetime, timedelta

import dagster as dg

from mingdan.lake import Lake
from mingdan.settings import Settings
from mingdan.usage.waiting import missed_nights, waiting_files
from pipelines.jobs import late_usage, nightly


@dg.sensor(
    job=late_usage,
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Files in the landing folder of a night already run: land and re-guide them.",
)
def late_files(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    del context
    settings = Settings()
    waiting = waiting_files(Lake(settings.lake), settings)
    requests = [
        dg.RunRequest(
            # The same files never start a second run, however often the sensor looks.
            run_key=f"late-{day}-{hashlib.sha256(chr(10).join(files).encode()).hexdigest()[:16]}",
            partition_key=day.isoformat(),
            tags={"mingdan/late_files": str(len(files))},
        )
        for day, files in sorted(waiting.items())
    ]
    if not requests:
        return dg.SkipReason("no file has come after its night")
    return dg.SensorResult(run_requests=requests)


HEAD_START = timedelta(minutes=30)
"""How long a night that is due is left to its schedule."""


@dg.sensor(
    job=nightly,
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A night that failed or never ran, and whose files are there by now: run it.",
)
def missed_night(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    settings = Settings()
    missed = missed_nights(Lake(settings.lake), settings, datetime.now(UTC) - HEAD_START)
    if not missed:
        return dg.SkipReason("every night that is due and has its files was run")
    # nights build on each other: the earliest first, the others once it is done
    day, delivery = min(missed.items())
    partition = day.isoformat()
    runs = context.instance.get_run_records(
        dg.RunsFilter(job_name=nightly.name, tags={"dagster/partition": partition}), limit=1
    )
    if runs and not runs[0].dagster_run.is_finished:
        return dg.SkipReason(f"the night of {partition} is under way")
    tried = runs[0].create_timestamp.timestamp() if runs else 0.0
    if delivery.newest <= tried:
        return dg.SkipReason(f"the night of {partition} failed with the files that are there")
    return dg.RunRequest(run_key=f"missed-{partition}-{delivery.digest}", partition_key=partition)
