"""SIGKILL in every step of the nightly job: the rerun gives the undisturbed bytes."""

from __future__ import annotations

import os
import signal
import sys
import time
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import dagster as dg

from assets.resources import Installation
from mingdan.steps import STEPS, NamedStep
from pipelines.definitions import build_defs
from tests.worlds import Installed, everything

# A process that has loaded all of Dagster once and is copied for each run.
WARM = get_context("forkserver")
WARM.set_forkserver_preload(["tests.pipelines.test_kill"])


def run(data: Path, day: str, keys: list[str] | None, said: Path) -> None:
    """The job, in a process of its own; what it says goes to a file."""
    sys.stderr = os.fdopen(os.open(said, os.O_CREAT | os.O_WRONLY), "w", buffering=1)
    job = build_defs(Installation(data=str(data))).resolve_job_def("nightly")
    chosen = None if keys is None else [dg.AssetKey(key) for key in keys]
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            partition_key=day, instance=instance, asset_selection=chosen
        )
    sys.exit(0 if result.success else 1)


def begun(installed: Installed, steps: list[NamedStep] | None, said: Path) -> BaseProcess:
    """The job under way: these steps, or all of them."""
    keys = None
    if steps is not None:
        keys = [t.name for step in steps for t in step.tables]
        keys += [step.name for step in steps if not step.tables]
    process = WARM.Process(
        target=run, args=(installed.data, installed.last.isoformat(), keys, said)
    )
    process.start()
    return process


def killed_in(step: NamedStep, installed: Installed, steps: list[NamedStep], said: Path) -> int:
    """Kill the job as soon as it says that `step` has begun; its return code."""
    process = begun(installed, steps, said)
    until = time.monotonic() + 120
    while process.is_alive() and time.monotonic() < until:
        if said.exists() and f" - {step.name} - STEP_START" in said.read_text(errors="replace"):
            os.kill(process.pid or 0, signal.SIGKILL)
            break
        time.sleep(0.002)
    process.join(10)
    assert process.exitcode is not None
    return process.exitcode


def test_a_night_killed_in_every_step_ends_as_if_undisturbed(
    world_before_last_night: Installed, finished_world: Installed, tmp_path: Path
) -> None:
    """Each time taken up where it was killed before, and killed in the next step."""
    installed = world_before_last_night.copy(tmp_path / "data")
    undone: list[NamedStep] = []
    for step in STEPS:
        undone.append(step)
        said = tmp_path / step.name
        died = killed_in(step, installed, undone, said)
        text = said.read_text(errors="replace")
        assert died == -signal.SIGKILL, f"{step.name}: {text[-2000:]}"
        undone = [each for each in undone if f" - {each.name} - STEP_SUCCESS" not in text]
        assert step in undone
    whole = begun(installed, None, tmp_path / "whole")
    whole.join(300)
    assert whole.exitcode == 0, (tmp_path / "whole").read_text()[-2000:]
    assert everything(installed.data) == everything(finished_world.data)
