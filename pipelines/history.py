"""Nights of the past, in order, in one run.

Here: the job `history` and what it shows of each night. Not here: the night of a
day (`jobs.nightly`), which a backfill runs day by day, each in a run of its own:
the same steps and checks, at twenty times the cost.
"""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from assets.build import CHECKS
from assets.lists import stands, verified
from assets.present import facts_of, preview
from assets.resources import Installation
from mingdan.calendar import days
from mingdan.errors import MingdanError
from mingdan.night import Night, Report
from mingdan.steps import NamedStep, run_night
from pipelines.jobs import WRITER


class HistoryConfig(dg.Config):
    """Which nights to make up for."""

    first: str
    """First business day, ISO (2026-10-01)."""
    last: str
    """Last business day, ISO."""


@dg.op(description="Runs the missing nights one after another, each as its own night.")
def make_history(
    context: dg.OpExecutionContext, config: HistoryConfig, installation: Installation
) -> None:
    night = installation.night
    wanted = list(days(date.fromisoformat(config.first), date.fromisoformat(config.last)))
    for number, day in enumerate(wanted, 1):

        def shown(step: NamedStep, report: Report, day: date = day) -> None:
            for event in _materialised(night, step, report, day):
                context.log_event(event)
            for check in _checked(night, step, day):
                context.log_event(check)  # type: ignore[arg-type] # it takes one, untyped
                if check.blocking and not check.passed:
                    raise dg.Failure(
                        f"{day}: check {check.check_name} of {check.asset_key.to_user_string()} "
                        "failed; what depends on it was not made",
                        metadata=check.metadata,
                        allow_retries=False,
                    )

        try:
            run_night(night, day, shown)
        except MingdanError as error:
            raise dg.Failure(f"{day}: {error}", allow_retries=False) from error
        context.log.info(f"night {number} of {len(wanted)}: {day}")


def _materialised(
    night: Night, step: NamedStep, report: Report, day: date
) -> Iterator[dg.AssetMaterialization]:
    """Counts, facts and a masked preview; the plot is drawn for the newest night alone."""
    for table in step.tables:
        yield dg.AssetMaterialization(
            asset_key=table.name,
            partition=day.isoformat(),
            metadata=facts_of(night.lake.partition(table, day), report.facts)
            | {"preview": preview(night, table, day)},
        )
    if not step.tables:
        yield dg.AssetMaterialization(
            asset_key=step.name, partition=day.isoformat(), metadata=dict(report.facts)
        )


def _checked(night: Night, step: NamedStep, day: date) -> Iterator[dg.AssetCheckEvaluation]:
    results = [
        (check.table.name, check.blocking, check.result(night, day.isoformat()))
        for check in CHECKS.get(step.name, ())
    ]
    if step.name == "release":
        results.append(
            (step.name, True, verified(night.settings.releases / night.settings.partner))
        )
        results.append((step.name, False, stands(night.settings)))
    for asset, blocking, result in results:
        yield dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(asset),
            check_name=str(result.check_name),
            passed=result.passed,
            metadata=result.metadata,
            severity=result.severity,
            blocking=blocking,
            partition=day.isoformat(),
        )


@dg.job(tags=WRITER, description="Nights of the past, in order, in one run.")
def history() -> None:
    make_history()
