"""The steps of a night in their order, and a night run from first to last.

Here: `STEPS`, the one list of what a night does, and `run_night`. Not here:
what a step does (its stage) and scheduling, retries, alerts (`pipelines`).
Dagster's assets take their functions from this list, so that a night run by
Dagster and a night run by `run_night` are the same night.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import wraps

from mingdan.classes.decide import decide
from mingdan.classes.tables import INPUTS, LABEL_EVENTS, LABELS
from mingdan.features.partials import build as build_partials
from mingdan.features.rolling import build as build_features
from mingdan.features.tables import FEATURES, PARTIALS
from mingdan.guiding.guide import guide
from mingdan.guiding.tables import GUIDED_USAGE, REJECTED_USAGE
from mingdan.lists.joint import build as build_list
from mingdan.lists.release import publish
from mingdan.lists.tables import LIST_ENTRIES
from mingdan.night import Night, Report, Step
from mingdan.orders.reconcile import reconcile_night
from mingdan.orders.snapshot import snapshot
from mingdan.orders.tables import (
    APPEALS,
    NUMBER_HOLDINGS,
    ORDER_EVENTS,
    PROTECTIONS,
    RECONCILIATION,
    SUBSCRIPTION_HOLDINGS,
    SUBSCRIPTIONS,
)
from mingdan.reports.intake import take
from mingdan.reports.tables import (
    COMPLAINTS,
    COMPLAINTS_WITHDRAWN,
    PARTNER_ENTRIES,
    REPORT_ASSERTIONS,
    REPORTS_QUARANTINE,
    TOLD,
)
from mingdan.senders.flag import flag
from mingdan.senders.tables import SENDER_ASSERTIONS
from mingdan.tables import Table
from mingdan.usage.days import build as build_usage
from mingdan.usage.intake import land
from mingdan.usage.tables import LANDED_USAGE, USAGE, USAGE_FILES, USAGE_QUARANTINE


@dataclass(frozen=True)
class NamedStep:
    """A step, its stage, and the lake tables it replaces (none: writes outside the lake)."""

    name: str
    stage: str
    run: Step
    tables: tuple[Table, ...]


def once(run: Step, *tables: Table) -> Step:
    """`run`, but what a night concluded stays as it is once a later night stands on it.

    Usage, guiding and partials of a past day may still be repaired by what comes
    late; a past night run again must not mistake that for what was known then.
    """

    @wraps(run)
    def step(night: Night, day: date) -> Report:
        followed = any(decided > day for decided in night.lake.days(LABELS))
        if followed and all(day in night.lake.days(table) for table in tables):
            kept = tuple(night.lake.partition(table, day) for table in tables)
            return Report(kept, {"kept": "a later night stands on it"})
        return run(night, day)

    return step


STEPS = (
    NamedStep(
        "order_snapshot",
        "orders",
        snapshot,
        (
            ORDER_EVENTS,
            NUMBER_HOLDINGS,
            SUBSCRIPTION_HOLDINGS,
            SUBSCRIPTIONS,
            PROTECTIONS,
            APPEALS,
        ),
    ),
    NamedStep("reconciliation", "orders", once(reconcile_night, RECONCILIATION), (RECONCILIATION,)),
    NamedStep("landed_usage", "usage", land, (LANDED_USAGE, USAGE_FILES, USAGE_QUARANTINE)),
    NamedStep("usage", "usage", build_usage, (USAGE,)),
    NamedStep("guided_usage", "guiding", guide, (GUIDED_USAGE, REJECTED_USAGE)),
    NamedStep(
        "reports",
        "reports",
        take,
        (
            COMPLAINTS,
            COMPLAINTS_WITHDRAWN,
            PARTNER_ENTRIES,
            REPORTS_QUARANTINE,
            REPORT_ASSERTIONS,
        ),
    ),
    NamedStep("daily_partials", "features", build_partials, PARTIALS),
    NamedStep("features", "features", once(build_features, FEATURES), (FEATURES,)),
    NamedStep("sender_assertions", "senders", once(flag, SENDER_ASSERTIONS), (SENDER_ASSERTIONS,)),
    NamedStep("labels", "classes", decide, (LABELS, LABEL_EVENTS, INPUTS)),
    NamedStep("list_entries", "lists", build_list, (LIST_ENTRIES, TOLD)),
    NamedStep("release", "lists", publish, ()),
)

TABLES: dict[str, Table] = {table.name: table for step in STEPS for table in step.tables}
"""Every lake table by name."""


def run_night(
    night: Night, day: date, on_step: Callable[[NamedStep, Report], None] | None = None
) -> dict[str, Report]:
    """All steps for `day`; the caller holds `night.lock()`.

    `on_step` is called after each step. Raises what the step raises; the steps
    before it stay done, and running the night again completes it.
    """
    reports: dict[str, Report] = {}
    for step in STEPS:
        reports[step.name] = step.run(night, day)
        if on_step is not None:
            on_step(step, reports[step.name])
    return reports
