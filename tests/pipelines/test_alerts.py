"""Alerts over real HTTP: what is sent, and that a dead receiver hides nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import dagster as dg
import pytest

from pipelines.alerts import check_failed, run_failed, send

RECEIVED: list[dict[str, str]] = []


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        RECEIVED.append(json.loads(body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        del args


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    RECEIVED.clear()
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/alerts"
    monkeypatch.setenv("MINGDAN_ALERT_WEBHOOK", url)
    yield url
    server.shutdown()
    server.server_close()


@dg.op
def breaks() -> None:
    raise dg.Failure("source smsc has not delivered 2026-11-20", allow_retries=False)


@dg.job
def broken_job() -> None:
    breaks()


def test_a_failed_run_tells_the_webhook_which_step_and_why(webhook: str) -> None:
    assert webhook
    with dg.DagsterInstance.ephemeral() as instance:
        result = broken_job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            tags={"dagster/partition": "2026-11-20"},
        )
        context = dg.build_run_status_sensor_context(
            sensor_name="run_failed",
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            dagster_event=result.get_run_failure_event(),
        ).for_run_failure()
        run_failed(context)
    (alert,) = RECEIVED
    assert alert["alert"] == "run_failed"
    assert alert["job"] == "broken_job"
    assert alert["day"] == "2026-11-20"
    assert alert["step"] == "breaks"
    assert "smsc has not delivered" in alert["message"]


@dg.asset(check_specs=[dg.AssetCheckSpec("few", asset="numbers")])
def numbers() -> Iterator[object]:
    yield dg.MaterializeResult()
    yield dg.AssetCheckResult(check_name="few", passed=False, severity=dg.AssetCheckSeverity.WARN)


def test_a_failed_warning_in_a_green_run_tells_the_webhook(webhook: str) -> None:
    assert webhook
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([numbers], instance=instance)
        assert result.success
        context = dg.build_run_status_sensor_context(
            sensor_name="check_failed",
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            dagster_event=result.get_run_success_event(),
        )
        check_failed(context)
    (alert,) = RECEIVED
    assert (alert["alert"], alert["asset"], alert["check"]) == ("check_failed", "numbers", "few")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "file:///etc/passwd", "nonsense"])
def test_a_dead_or_wrong_receiver_is_said_and_hides_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MINGDAN_ALERT_WEBHOOK", url)
    context = dg.build_op_context()
    assert send(context.log, {"alert": "run_failed"}) is False
    said = capfd.readouterr().err
    assert "ALERT" in said
    assert "webhook" in said.lower()
