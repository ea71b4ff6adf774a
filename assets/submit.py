"""A step in a driver of its own: `spark-submit`, reported back by Dagster Pipes.

Here: starting it and what comes back. Not here: what runs there (`spark_step.py`).
"""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import dagster as dg

from assets.partitions import day_of
from mingdan.errors import LakeError
from mingdan.night import Night, Report
from mingdan.steps import NamedStep

SUBMITTED = ("usage", "guided_usage", "daily_partials", "features")
"""Steps whose work grows with usage; the others take this machine minutes at most."""
SCRIPT = Path(__file__).with_name("spark_step.py")
STAYS = {"pepper", "orders_url", "alert_webhook", "spark_master", "spark_submit", "engine"}
"""Settings that are not told to the driver: secrets, and what it decides itself."""


def submitted(context: dg.AssetExecutionContext, step: NamedStep, night: Night) -> Report:
    """Run a step by the command `spark_submit` and wait; its facts are those it reports.

    This process stays the installation's one writer and the driver writes in its name.
    Context and messages go through files in the data folder, which the driver sees in
    every deploy mode. Raises what the step refused: LakeError, or Failure.
    """
    folder = night.settings.data / "pipes"
    folder.mkdir(exist_ok=True)
    name = f"{context.run.run_id}-{step.name}-{context.retry_number}"
    with dg.open_pipes_session(
        context=context,
        context_injector=dg.PipesFileContextInjector(str(folder / f"{name}.context.json")),
        message_reader=dg.PipesFileMessageReader(
            str(folder / f"{name}.messages"), cleanup_file=True
        ),
        extras={
            "step": step.name,
            "day": day_of(context).isoformat(),
            "settings": night.settings.model_dump(mode="json", exclude=STAYS)
            | {"data": str(night.settings.data.resolve())},
        },
    ) as session:
        told = [part for pair in session.get_bootstrap_cli_arguments().items() for part in pair]
        command = [*shlex.split(night.settings.spark_submit or ""), str(SCRIPT)]
        try:
            with subprocess.Popen([*command, *told]) as process:
                try:
                    code = process.wait()
                except BaseException:
                    # the run was stopped: the driver must not commit after it
                    process.terminate()
                    raise
        except OSError as error:
            raise dg.Failure(f"MINGDAN_SPARK_SUBMIT: {error}", allow_retries=False) from error
    answers = session.get_custom_messages()
    for answer in answers:
        if "facts" in answer:
            return Report((), answer["facts"])
        if answer.get("lake"):
            raise LakeError(answer["refused"])
        raise dg.Failure(answer["refused"], allow_retries=False)
    raise dg.Failure(
        f"{shlex.join(command)} ended with {code} and without an answer; its own log says why"
    )
