"""The one partition definition: business days in Asia/Shanghai.

Here: `DAILY`, which every daily asset and check uses. Not here: provinces,
sources and partners, which are columns and never partitions.
"""

import warnings
from datetime import date

import dagster as dg

from mingdan.settings import Settings

# Partitioned checks and bounded partition windows are Preview and Beta in the
# pinned Dagster (docs/adr/0003-dagster-pins.md); said once there, not thirty times a run.
for _category in (dg.BetaWarning, dg.PreviewWarning):
    warnings.filterwarnings("ignore", category=_category)

DAILY = dg.DailyPartitionsDefinition(
    start_date=Settings().first_day.isoformat(), timezone="Asia/Shanghai"
)


def day_of(context: dg.AssetExecutionContext) -> date:
    """The business day a run is about."""
    return date.fromisoformat(context.partition_key)
