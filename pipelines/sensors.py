"""Sensors that start work: late files.

Here: noticing what arrived after its night. Not here: alerts (`alerts`).
"""

import hashlib

import dagster as dg

from mingdan.lake import Lake
from mingdan.settings import Settings
from mingdan.usage.waiting import waiting_files
from pipelines.jobs import late_usage


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
