"""Alerts: a failed run and a failed check reach a person.

Here: what is said and where (log, webhook). Not here: what failed. An alert
names the job, the day, the step and Mingdan's own message, never a number.
"""

import json
import logging
import urllib.error
import urllib.request

import dagster as dg

from mingdan.settings import Settings

TIMEOUT_SECONDS = 10
CHECKS_PER_TICK = 50
"""Cap, so that one broken check over a backfill cannot flood the receiver."""


def send(log: logging.Logger, alert: dict[str, str]) -> bool:
    """Log an alert and POST it as JSON to the webhook, if one is set.

    Returns whether the webhook took it (False without one). An unreachable
    webhook is logged as an error and never hides the alert itself.
    """
    log.error(f"ALERT {json.dumps(alert, ensure_ascii=False, sort_keys=True)}")
    url = Settings().alert_webhook
    if not url:
        return False
    if not url.startswith(("https://", "http://")):
        log.error("MINGDAN_ALERT_WEBHOOK is not an http(s) URL; the alert stays in the log")
        return False
    request = urllib.request.Request(  # noqa: S310 - scheme checked above
        url,
        data=json.dumps(alert, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json; charset=utf-8"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
            return True
    except (urllib.error.URLError, OSError) as error:
        log.error(f"the alert webhook did not take it: {error}")
        return False


@dg.run_failure_sensor(
    name="run_failed",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A run failed: log it and tell the webhook.",
)
def run_failed(context: dg.RunFailureSensorContext) -> None:
    steps = context.get_step_failure_events()
    failed = steps[0] if steps else None
    error = failed.event_specific_data.error if failed else None  # type: ignore[union-attr]
    cause = error.message if error else (context.failure_event.message or "")
    send(
        context.log,
        {
            "alert": "run_failed",
            "job": context.dagster_run.job_name,
            "day": context.dagster_run.tags.get("dagster/partition", ""),
            "step": (failed.step_key or "") if failed else "",
            "run_id": context.dagster_run.run_id,
            "message": cause.strip().splitlines()[0] if cause.strip() else "",
        },
    )


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    name="check_failed",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A warning check failed in a run that went through: tell the webhook.",
)
def check_failed(context: dg.RunStatusSensorContext) -> None:
    run = context.dagster_run
    records = context.instance.all_logs(
        run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    )
    failed = [
        record.dagster_event.asset_check_evaluation_data
        for record in records
        if record.dagster_event and not record.dagster_event.asset_check_evaluation_data.passed
    ]
    for evaluation in failed[:CHECKS_PER_TICK]:
        send(
            context.log,
            {
                "alert": "check_failed",
                "job": run.job_name,
                "day": run.tags.get("dagster/partition", ""),
                "asset": evaluation.asset_key.to_user_string(),
                "check": evaluation.check_name,
                "run_id": run.run_id,
                "count": str(len(failed)),
            },
        )
