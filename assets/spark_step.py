"""One step of a night as a Spark application, told and answering by Dagster Pipes.

    spark-submit --master yarn assets/spark_step.py --dagster-pipes-context=... ...

Here: what the driver runs (`submit.py` starts it and is answered). Not here: the
step. The installation's lock is held by who started this, and the driver must see
the data folder at the same path.
"""

from __future__ import annotations

import sys
from datetime import date

from dagster_pipes import PipesCliArgsParamsLoader, PipesContext, open_dagster_pipes

from assets import features
from assets.build import CHECKS, SameBits
from mingdan.errors import LakeError, MingdanError
from mingdan.night import Night
from mingdan.settings import Settings
from mingdan.steps import STEPS

SHIPPED = (features,)
"""Stages whose checks compare engines: importing them makes these known."""


def main() -> int:
    """Run the step and answer its facts, or why it was refused; 0 or 1."""
    with open_dagster_pipes(params_loader=PipesCliArgsParamsLoader()) as pipes:
        try:
            pipes.report_custom_message({"facts": run(pipes)})
        except MingdanError as error:
            lake = isinstance(error, LakeError)
            pipes.report_custom_message({"refused": str(error), "lake": lake})
            return 1
    return 0


def run(pipes: PipesContext) -> dict[str, int | float | str]:
    """The step's facts. Raises what the step refuses; LakeError if the bytes differ."""
    settings = Settings(**pipes.get_extra("settings"), engine="spark")
    night = Night(settings)
    day = pipes.get_extra("day")
    (step,) = (step for step in STEPS if step.name == pipes.get_extra("step"))
    report = step.run(night, date.fromisoformat(day))
    for check in CHECKS.get(step.name, ()):
        if isinstance(check, SameBits) and not check.result(night, day).passed:
            raise LakeError(f"{check.table.name} of {day}: Spark and DuckDB make other bytes of it")
    pipes.log.info(f"{step.name} of {day}: {len(report.partitions)} partitions")
    return report.facts


if __name__ == "__main__":
    sys.exit(main())
