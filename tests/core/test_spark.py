"""The Spark engine on a real cluster of two worker processes: the bytes of one machine.

One session for all, since starting it takes longer than most tests: the order of
the tests matters only in that the last one kills it.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from assets.build import step_named
from assets.features import daily_partials
from assets.resources import Installation
from assets.submit import SUBMITTED
from mingdan.engine import Engine, Job, Read, Result
from mingdan.engines.spark import session
from mingdan.errors import LakeError, WrongUsage
from mingdan.features.tables import DAILY_PAIRS, DAILY_USAGE, FEATURES
from mingdan.guiding.tables import GUIDED_USAGE, REJECTED_USAGE
from mingdan.lake import Lake
from mingdan.night import Night
from mingdan.settings import Settings
from tests.core.test_lake import BUCKETED, DAY, SMALL, rows
from tests.worlds import Installed, lake_digests

CLUSTER = {"engine": "spark", "spark_master": "local-cluster[2,1,1024]"}
OTHER = replace(SMALL, name="other")
SLOW = "SELECT (sum(hash(range)) % 1000)::BIGINT + $bucket * 1000 AS k FROM range(20_000_000)"


@pytest.fixture(scope="module", autouse=True)
def _session() -> Iterator[None]:
    """The cluster ends with this module. Java that compiles little starts in half the time."""
    os.environ["JAVA_TOOL_OPTIONS"] = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    yield
    del os.environ["JAVA_TOOL_OPTIONS"]
    with suppress(Exception):  # the last test has killed it
        session(Settings()).stop()


@pytest.fixture
def spark(lake: Lake, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine whose statements are given as texts."""
    monkeypatch.setattr("mingdan.engine.statement", lambda name: name)
    return Engine(lake, settings.model_copy(update=CLUSTER))


def executors() -> list[int]:
    """Process ids of this session's executors."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                command = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if b"CoarseGrainedExecutorBackend" in command and _ours(int(process.name)):
                found.append(int(process.name))
    return found


def _ours(pid: int) -> bool:
    while pid > 1:
        if pid == os.getpid():
            return True
        pid = int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    return False


def test_without_java_it_says_what_to_install(
    spark: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(WrongUsage, match="needs Java 17 or later: install"):
        spark.run("SELECT 1 AS k", inputs=[], output=BUCKETED, day=DAY)


def test_every_large_step_has_the_bytes_of_one_machine(
    finished_world: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Late days repaired, usage nobody fits: all of a simulated night, in pieces."""
    monkeypatch.setattr("mingdan.engines.spark.PIECE_ROWS", 700)
    installed = finished_world.copy(tmp_path / "data")
    night = Night(installed.settings.model_copy(update=CLUSTER))
    for name in SUBMITTED:
        report = step_named(name).run(night, installed.last)
        assert report.partitions
    assert lake_digests(installed.data) == lake_digests(finished_world.data)
    assert night.lake.partition(REJECTED_USAGE, installed.last).rows > 0
    for table in (DAILY_PAIRS, FEATURES, GUIDED_USAGE):
        found = night.engine.compare(table, installed.last)
        assert found is not None
        assert table.name in found.tables
        assert found.differing == ()
    assert night.engine.compare(FEATURES, installed.first) is None
    assert list((night.lake.root / "_staging").iterdir()) == []


def test_the_check_sees_a_bucket_that_differs(spark: Engine, lake: Lake) -> None:
    spark.run("SELECT $bucket AS k", inputs=[], output=BUCKETED, day=DAY)
    found = spark.compare(BUCKETED, DAY)
    assert found is not None
    assert found.differing == ()
    spark._made[BUCKETED.name] = spark._work(
        Job(inputs=[], outputs=[(BUCKETED, "SELECT $bucket + 1 AS k")]), DAY, {}
    )
    found = spark.compare(BUCKETED, DAY)
    assert found is not None
    assert found.differing == (BUCKETED.name,)


def test_shared_results_in_pieces_of_a_stored_result(
    spark: Engine, lake: Lake, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A result over another's pieces, with one made whole in between."""
    monkeypatch.setattr("mingdan.engines.spark.PIECE_ROWS", 3)
    lake.write(SMALL, DAY, rows(*range(10)))
    job = Job(
        inputs=[Read(SMALL, [DAY])],
        shared=[
            Result("tens", "SELECT k * 10 AS k FROM small", over="small"),
            Result("most", "SELECT max(k) AS top FROM tens"),
            Result("left_over", "SELECT top - k AS k FROM tens, most", over="tens"),
        ],
        outputs=[
            (BUCKETED, "SELECT k FROM left_over WHERE k // 10 % $buckets = $bucket"),
            (SMALL, "SELECT k, 'v' AS v FROM left_over"),
        ],
    )
    made = spark.make(job, DAY)
    assert [part.rows for part in made] == [10, 10]
    again = Engine(lake, settings)
    lake.write(SMALL, DAY, rows(*range(10)))
    assert [part.digest for part in again.make(job, DAY)] == [part.digest for part in made]


def test_what_duckdb_refuses_is_said_in_a_line_and_the_day_is_as_it_was(
    spark: Engine, lake: Lake
) -> None:
    held = lake.write(SMALL, DAY, rows(1))
    with pytest.raises(LakeError, match=r"broken$"):
        spark.run("SELECT error('broken') AS k, '' AS v", inputs=[], output=SMALL, day=DAY)
    assert lake.partition(SMALL, DAY) == held


def test_a_file_that_is_gone_is_tried_elsewhere_and_then_given_up(
    spark: Engine, lake: Lake
) -> None:
    lake.write(SMALL, DAY, rows(1))
    (file,) = lake.files(SMALL, [DAY])
    Path(file).unlink()
    with pytest.raises(LakeError, match=r"^other of 2026-11-01: Spark gave up: .* No files .*$"):
        spark.run(
            "SELECT k, 'v' AS v FROM small", inputs=[Read(SMALL, [DAY])], output=OTHER, day=DAY
        )
    assert not lake.exists(OTHER)
    assert list((lake.root / "_staging").iterdir()) == []


def test_a_worker_killed_in_the_middle_changes_nothing(spark: Engine, lake: Lake) -> None:
    def kill() -> None:
        """An executor, as soon as the first bucket is there."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if list((lake.root / "_staging").glob("*/*.parquet")):
                victim = executors()[0]
                os.kill(victim, signal.SIGKILL)
                killed.append(victim)
                return
            time.sleep(0.01)

    killed: list[int] = []
    killer = threading.Thread(target=kill)
    killer.start()
    made = spark.run(SLOW, inputs=[], output=BUCKETED, day=DAY)
    killer.join()
    assert killed
    assert made.rows == lake.buckets
    plain = Engine(lake, spark.settings.model_copy(update={"engine": "duckdb"}))
    assert plain.run(SLOW, inputs=[], output=BUCKETED, day=DAY) == made


def partials(installed: Installed) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [daily_partials],
        partition_key=installed.last.isoformat(),
        resources={"installation": Installation(data=str(installed.data), lock_wait_seconds=0.5)},
        raise_on_error=False,
    )


def test_a_step_submitted_by_pipes_is_reported_and_has_the_same_bytes(
    finished_world: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = finished_world.copy(tmp_path / "data")
    shutil.rmtree(installed.data / "lake" / DAILY_USAGE.name)
    spark_submit = Path(sys.executable).with_name("spark-submit")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.setenv(
        "MINGDAN_SPARK_SUBMIT", f"{spark_submit} --master local[2] --conf spark.ui.enabled=false"
    )
    result = partials(installed)
    assert result.success
    (made,) = result.asset_materializations_for_node("daily_partials")[:1]
    lake, plain = Lake(installed.data / "lake"), Lake(finished_world.data / "lake")
    held = plain.partition(DAILY_USAGE, installed.last)
    assert lake.partition(DAILY_USAGE, installed.last).digest == held.digest
    assert made.metadata["digest"].value == held.digest
    assert made.metadata["event days"].value
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert checks["partials_same_bits"].passed
    assert list((installed.data / "pipes").iterdir()) == []

    # a refusal comes back as it was said there, before anything needs a cluster
    monkeypatch.setenv("MINGDAN_SPARK_SUBMIT", sys.executable)
    shutil.rmtree(installed.data / "lake" / GUIDED_USAGE.name)
    result = partials(installed)
    assert not result.success
    assert "guided_usage of " in failure(result)
    assert "run step guided_usage" in failure(result)


@pytest.mark.parametrize(("command", "said"), [("no-such-thing", "no-such-thing"), ("false", "1")])
def test_a_driver_that_cannot_start_is_named(
    finished_world: Installed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    said: str,
) -> None:
    installed = finished_world.copy(tmp_path / "data")
    monkeypatch.setenv("MINGDAN_SPARK_SUBMIT", command)
    result = partials(installed)
    assert not result.success
    assert said in failure(result)
    assert lake_digests(installed.data) == lake_digests(finished_world.data)


def failure(result: dg.ExecuteInProcessResult) -> str:
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    return str(failed.step_failure_data.error)


def test_a_driver_that_dies_leaves_the_lake_as_it_was(spark: Engine, lake: Lake) -> None:
    """Last, for it takes the session along."""
    held = spark.run("SELECT $bucket AS k", inputs=[], output=BUCKETED, day=DAY)

    def kill() -> None:
        from pyspark import SparkContext

        until = time.monotonic() + 60
        while time.monotonic() < until:
            if list((lake.root / "_staging").glob("*/*.parquet")):
                gateway = SparkContext._gateway
                assert gateway is not None
                os.kill(gateway.proc.pid, signal.SIGKILL)
                return
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(LakeError, match="Spark gave up: "):
        spark.run(SLOW, inputs=[], output=BUCKETED, day=DAY)
    killer.join()
    assert lake.partition(BUCKETED, DAY) == held
    assert list((lake.root / "_staging").iterdir()) == []
