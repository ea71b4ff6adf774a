"""Between two nights: the job that renews signatures, and the sensor that tells a person."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from assets.resources import Installation
from mingdan.lists.handing import make_demo
from mingdan.lists.standing import deliver_again
from mingdan.orders.store import OrderStore
from mingdan.reports.partners import partner_named
from mingdan.settings import Settings
from pipelines.channels import channel_alarms, every_six_hours, resign
from tests.lists.channels import publish, token
from tests.lists.pairs import live


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A channel delivered with demonstration keys."""
    monkeypatch.setenv("MINGDAN_DATA", str(tmp_path / "data"))
    made = Settings()
    OrderStore.open(made.database).close()
    bank = partner_named("bank_demo", made)
    now = datetime.now(UTC)
    make_demo(made, bank, now)
    publish(made.releases / "bank_demo", {token(1): live()}, {"channel": bank.channel})
    deliver_again(made, bank, now)
    return made


def timestamp(settings: Settings) -> dict[str, object]:
    path = settings.channels / "c7f3a91d5b20" / "metadata" / "timestamp.json"
    signed: dict[str, object] = json.loads(path.read_text())["signed"]
    return signed


def test_the_job_renews_the_timestamp(settings: Settings) -> None:
    before = timestamp(settings)
    done = resign.execute_in_process(
        resources={"installation": Installation(data=str(settings.data))}
    )
    assert done.success
    assert timestamp(settings)["version"] == int(str(before["version"])) + 1


def test_a_lost_key_fails_the_run_and_says_how_to_go_on(settings: Settings) -> None:
    for path in (settings.secrets / "channels" / "bank_demo").glob("timestamp-*.pem"):
        path.unlink()
    done = resign.execute_in_process(
        resources={"installation": Installation(data=str(settings.data))}, raise_on_error=False
    )
    assert not done.success
    (failed,) = [one for one in done.all_events if one.is_step_failure]
    assert "--rotate timestamp" in str(failed.event_specific_data)


def test_it_runs_four_times_a_timestamps_life() -> None:
    assert every_six_hours.cron_schedule == "15 */6 * * *"
    assert every_six_hours.default_status == dg.DefaultScheduleStatus.RUNNING
    assert channel_alarms.default_status == dg.DefaultSensorStatus.RUNNING


def test_an_alarm_is_told_once_a_day(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, str]] = []
    monkeypatch.setattr("pipelines.channels.send", lambda _, alert: told.append(alert))
    context = dg.build_sensor_context()
    assert isinstance(channel_alarms(context), dg.SkipReason)
    late = datetime.now(UTC) + timedelta(hours=13)

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return late

    monkeypatch.setattr("pipelines.channels.datetime", Later)
    first = channel_alarms(context)
    assert isinstance(first, dg.SensorResult)
    assert [one["message"] for one in told] == ["timestamp_signature_past_half_life"]
    channel_alarms(dg.build_sensor_context(cursor=first.cursor))
    assert len(told) == 1
