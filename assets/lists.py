"""The joint list and what each partner receives.

Here: the assets of stage `lists`; the release is the only thing that leaves.
Not here: labels (`classes`).
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import polars as pl

from assets.build import OWNER, POOL, Check, assets_of, run_step, step_named
from assets.partitions import DAILY, day_of
from assets.plots import picture
from assets.resources import Installation
from mingdan.classes.tables import LABELS
from mingdan.errors import MingdanError
from mingdan.lists.format import LATEST
from mingdan.lists.health import write_pages
from mingdan.lists.policy import list_policy
from mingdan.lists.reader import verify
from mingdan.lists.standing import standing
from mingdan.lists.tables import LIST_ENTRIES
from mingdan.night import Night
from mingdan.orders.tables import PROTECTIONS, SUBSCRIPTION_HOLDINGS
from mingdan.reports.partners import partner_named
from mingdan.settings import Settings

list_entries = assets_of(
    "list_entries",
    deps=[LABELS.name, SUBSCRIPTION_HOLDINGS.name, PROTECTIONS.name],
    checks=[
        Check(
            "nobody_protected_is_listed",
            LIST_ENTRIES,
            (LIST_ENTRIES, PROTECTIONS),
            "No entry is about a protected (红名单) party or subscription.",
        ),
        Check(
            "every_entry_ends",
            LIST_ENTRIES,
            (LIST_ENTRIES,),
            "Every entry has a reason, a confidence and an end after its start.",
        ),
    ],
)


@dg.asset(
    name="release",
    deps=[LIST_ENTRIES.name],
    group_name="lists",
    owners=[OWNER],
    kinds={"python", "file"},
    partitions_def=DAILY,
    pool=POOL,
    check_specs=[
        dg.AssetCheckSpec(
            name="release_verifies",
            asset="release",
            description="The partner's reader accepts the release: digests, order, state.",
            blocking=True,
            partitions_def=DAILY,
        ),
        dg.AssetCheckSpec(
            name="channel_stands",
            asset="release",
            description="The partner's channel is delivered, its signatures have more than half "
            "of their life, and what was taken back is confirmed by a receipt.",
            partitions_def=DAILY,
        ),
    ],
    description="What the configured partner receives: snapshot, delta and manifest, signed "
    "and encrypted in its channel.",
)
def release(
    context: dg.AssetExecutionContext, installation: Installation
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:  # type: ignore[type-arg]
    night = installation.night
    report = run_step(context, step_named("release"), night)
    channel = night.settings.releases / night.settings.partner
    yield dg.MaterializeResult(
        metadata={
            **report.facts,
            "folder": dg.MetadataValue.path(str(channel)),
            "health": dg.MetadataValue.path(_pages(night)),
            "plot": dg.MetadataValue.md(_changes(report.facts, str(day_of(context)))),
        }
    )
    yield verified(channel)
    yield stands(night.settings)


def _pages(night: Night) -> str:
    """Where the pages on how the lists are lie; a release that is out is not undone for them."""
    try:
        return str(write_pages(night, datetime.now(UTC))[0])
    except OSError as error:
        return f"not written: {error.strerror}"


def stands(settings: Settings) -> dg.AssetCheckResult:
    """Whether the configured partner's channel needs a person's attention."""
    partner = partner_named(settings.partner, settings)
    if partner.channel is None:
        return dg.AssetCheckResult(
            check_name="channel_stands", passed=True, metadata={"channel": "none"}
        )
    found = standing(settings, partner, list_policy(settings).envelope, datetime.now(UTC))
    told = {name: value for name, value in found.told().items() if value is not None}
    return dg.AssetCheckResult(
        check_name="channel_stands",
        passed=not found.alarms,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=told,
    )


def verified(channel: Path) -> dg.AssetCheckResult:
    """What the partner's own reader says of the channel."""
    if not (channel / LATEST).exists():
        return dg.AssetCheckResult(
            check_name="release_verifies", passed=True, metadata={"released": "nothing yet"}
        )
    try:
        state = verify(channel)
    except MingdanError as error:
        return dg.AssetCheckResult(
            check_name="release_verifies", passed=False, metadata={"refused": str(error)}
        )
    return dg.AssetCheckResult(
        check_name="release_verifies",
        passed=True,
        metadata={"seq": state.seq, "entries": len(state.rows)},
    )


def _changes(facts: dict[str, int | float | str], day: str) -> str:
    ops = ("added", "modified", "deleted")
    frame = pl.DataFrame(
        {"series": ["changes"] * 3, "x": list(ops), "y": [int(facts.get(op, 0)) for op in ops]}
    )
    return picture(frame, title=f"changes released, {day}")
