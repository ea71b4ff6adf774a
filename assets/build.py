"""One way to make an asset: from a step of the night and its tables.

Here: the factory every stage module uses, and checks written as SQL. Not here:
what exists (the stage modules) and when it runs (`pipelines`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg

from assets.partitions import DAILY, day_of
from assets.present import column_schema, metadata
from assets.resources import Installation
from assets.submit import SUBMITTED, submitted
from mingdan.calendar import known_at, naive_utc
from mingdan.engine import Read
from mingdan.errors import LakeError, MingdanError
from mingdan.night import Night, Report
from mingdan.steps import STEPS, NamedStep
from mingdan.tables import Table

OWNER = "team:mingdan"
POOL = "lake"
IO_RETRIES = 1
IO_RETRY_SECONDS = 5
"""Only for the disk: whatever Mingdan refuses knowingly, and any bug, is not tried again."""

Deps = Sequence[dg.AssetDep | str]

CHECKS: dict[str, tuple["Check", ...]] = {}
"""The checks of each step, for whoever runs a night without its assets (`history`)."""


@dataclass(frozen=True)
class Check:
    """A statement `sql/<stage>/check_<name>.sql` over tables of the day.

    It gives one row: `failing` (rows at fault; 0 passes) and whatever else is
    worth showing. A blocking check that fails stops what depends on the asset.
    """

    name: str
    table: Table
    reads: tuple[Table, ...]
    description: str
    blocking: bool = True

    @property
    def spec(self) -> dg.AssetCheckSpec:
        return dg.AssetCheckSpec(
            name=self.name,
            asset=self.table.name,
            description=self.description,
            blocking=self.blocking,
            partitions_def=DAILY,
        )

    def result(self, night: Night, day_key: str) -> dg.AssetCheckResult:
        day = date.fromisoformat(day_key)
        row = night.engine.query(
            f"{self.table.stage}/check_{self.name}",
            [Read(table, [day], whole=True) for table in self.reads],
            {"known_at": naive_utc(known_at(day))},
        ).row(0, named=True)
        return dg.AssetCheckResult(
            asset_key=self.table.name,
            check_name=self.name,
            passed=int(row["failing"]) == 0,
            severity=dg.AssetCheckSeverity.ERROR if self.blocking else dg.AssetCheckSeverity.WARN,
            metadata={name: value for name, value in row.items() if value is not None},
        )


@dataclass(frozen=True)
class SameBits(Check):
    """What another engine than DuckDB in one process made has the same bytes.

    A bucket a night is made again (`Engine.compare`), none if DuckDB made it.
    """

    def result(self, night: Night, day_key: str) -> dg.AssetCheckResult:
        found = night.engine.compare(self.table, date.fromisoformat(day_key))
        if found is None:
            compared = "nothing: made by DuckDB, or by another process, which compared it"
        else:
            compared = f"bucket {found.bucket} of {', '.join(found.tables)}"
        differing = found.differing if found else ()
        return dg.AssetCheckResult(
            asset_key=self.table.name,
            check_name=self.name,
            passed=not differing,
            metadata={"compared": compared, "differing": ", ".join(differing)},
        )


def step_named(name: str) -> NamedStep:
    """The step of the night with that name."""
    return next(step for step in STEPS if step.name == name)


def run_step(context: dg.AssetExecutionContext, step: NamedStep, night: Night) -> Report:
    """The step's report; what Mingdan refuses becomes a failure that is not retried."""
    try:
        submit = night.settings.spark_submit and step.name in SUBMITTED
        report = (submitted if submit else _here)(context, step, night)
    except LakeError as error:
        raise dg.RetryRequested(IO_RETRIES, IO_RETRY_SECONDS) from error
    except MingdanError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    for name, value in report.facts.items():
        context.log.info(f"{name}: {value}")
    return report


def _here(context: dg.AssetExecutionContext, step: NamedStep, night: Night) -> Report:
    return step.run(night, day_of(context))


def assets_of(
    step_name: str,
    *,
    deps: Deps = (),
    checks: Sequence[Check] = (),
    kinds: set[str] | None = None,
) -> dg.AssetsDefinition:
    """The assets of one step: a table each, made together, checked before they are used.

    `deps` is what the step reads. All its tables have the same ones: a backfill
    asks for the tables of one step together or is refused.
    """
    step = step_named(step_name)
    CHECKS[step.name] = tuple(checks)
    specs = [
        dg.AssetSpec(
            key=table.name,
            deps=deps,
            description=_description(step, table),
            group_name=table.stage,
            owners=[OWNER],
            kinds=kinds or {"duckdb", "deltalake"},
            metadata={
                "dagster/column_schema": column_schema(table),
                "grain": table.grain,
                "key": ", ".join(table.key),
            },
            partitions_def=DAILY,
        )
        for table in step.tables
    ]

    @dg.multi_asset(
        name=step.name,
        specs=specs,
        check_specs=[check.spec for check in checks],
        pool=POOL,
        backfill_policy=None,
    )
    def stage_step(
        context: dg.AssetExecutionContext, installation: Installation
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:  # type: ignore[type-arg]
        night = installation.night
        report = run_step(context, step, night)
        day = day_of(context)
        for table in step.tables:
            yield dg.MaterializeResult(
                asset_key=table.name,
                metadata=metadata(night, table, night.lake.partition(table, day), report.facts),
            )
        for check in checks:
            yield check.result(night, context.partition_key)

    return stage_step


def window(table: Table, nights: int) -> dg.AssetDep:
    """A dependency on the last `nights` days of a table, the run's own included."""
    return dg.AssetDep(
        table.name,
        partition_mapping=dg.TimeWindowPartitionMapping(
            start_offset=1 - nights, end_offset=0, allow_nonexistent_upstream_partitions=True
        ),
    )


def _description(step: NamedStep, table: Table) -> str:
    return f"{table.grain[0].upper()}{table.grain[1:]}.\n\n{(step.run.__doc__ or '').strip()}"
