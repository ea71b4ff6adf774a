"""Partners' channels between two nights: signatures renewed, alarms raised.

Here: the job, its schedule and the sensor that tells a person. Not here: what a
channel is (`mingdan.lists`) and the nightly delivery (`assets/lists.py`). The
job takes no writer's lock: a long night must not let a signature run out.
"""

import json
from datetime import UTC, datetime

import dagster as dg

from assets.resources import Installation
from mingdan.errors import MingdanError
from mingdan.lists.passing import order_store
from mingdan.lists.policy import list_policy
from mingdan.lists.standing import renew_all, standing
from mingdan.reports.partners import load_partners
from pipelines.alerts import send


@dg.op(description="Signs every channel's timestamp anew, unless its agreement is not in force.")
def renew_timestamps(context: dg.OpExecutionContext, installation: Installation) -> None:
    try:
        done = renew_all(installation.settings(), datetime.now(UTC))
    except MingdanError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    for code, what in done.items():
        context.log.info(f"{code}: {what}")


@dg.job(description="Keeps partners' channels fresh between two nights.")
def resign() -> None:
    renew_timestamps()


@dg.schedule(
    job=resign,
    cron_schedule="15 */6 * * *",
    execution_timezone="Asia/Shanghai",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every 6 hours, a quarter of the timestamp's life.",
)
def every_six_hours(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    return dg.RunRequest(run_key=f"resign-{context.scheduled_execution_time:%Y-%m-%dT%H}")


@dg.sensor(
    name="channel_alarms",
    minimum_interval_seconds=1800,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A signature past half of its life, or a retraction nobody confirmed: tell the"
    " webhook, once a day for each.",
)
def channel_alarms(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    installation = Installation()
    settings = installation.settings()
    now = datetime.now(UTC)
    policy = list_policy(settings).envelope
    told: dict[str, str] = json.loads(context.cursor or "{}")
    with order_store(settings) as store:
        raised = [
            (partner.code, alarm)
            for partner in load_partners(settings).values()
            if partner.channel is not None
            for alarm in standing(settings, partner, policy, now, store).alarms
        ]
    if not raised:
        return dg.SkipReason("every channel is fresh and confirmed")
    today = now.date().isoformat()
    kept = {}
    for code, alarm in raised:
        key = f"{code}: {alarm}"
        if told.get(key) != today:
            send(context.log, {"alert": "channel", "partner": code, "message": alarm})
        kept[key] = today
    return dg.SensorResult(cursor=json.dumps(kept, sort_keys=True))
