"""SIGKILL in every step of the nightly job: the rerun gives the undisturbed bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from mingdan.steps import STEPS
from tests.worlds import Installed, everything

NIGHT = """
import sys
import dagster as dg
from assets.resources import Installation
from pipelines.definitions import build_defs
job = build_defs(Installation(data=sys.argv[1])).resolve_job_def("nightly")
with dg.DagsterInstance.ephemeral() as instance:
    result = job.execute_in_process(partition_key=sys.argv[2], instance=instance)
sys.exit(0 if result.success else 1)
"""


def killed_in(step: str, installed: Installed) -> int:
    """Start the job, kill it as soon as it says that `step` has begun; its return code."""
    process = subprocess.Popen(
        [sys.executable, "-c", NIGHT, str(installed.data), installed.last.isoformat()],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )
    assert process.stderr is not None
    for line in process.stderr:
        if f"{step} - STEP_START" in line:
            process.send_signal(signal.SIGKILL)
            break
    process.stderr.close()
    return process.wait(timeout=120)


def test_a_night_killed_in_every_step_ends_as_if_undisturbed(
    world_before_last_night: Installed, finished_world: Installed, tmp_path: Path
) -> None:
    installed = world_before_last_night.copy(tmp_path / "data")
    for step in STEPS:
        assert killed_in(step.name, installed) == -signal.SIGKILL, step.name
    done = subprocess.run(
        [sys.executable, "-c", NIGHT, str(installed.data), installed.last.isoformat()],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert everything(installed.data) == everything(finished_world.data)
