"""Usage guided to whoever held the SIM or number at that instant.

Here: the assets of stage `guiding`. Not here: holdings (`orders`).
"""

from __future__ import annotations

from assets.build import Check, assets_of, late_days
from mingdan.guiding.tables import GUIDED_USAGE, REJECTED_USAGE
from mingdan.orders.tables import NUMBER_HOLDINGS, SUBSCRIPTION_HOLDINGS
from mingdan.usage.tables import LANDED_USAGE, USAGE, USAGE_FILES

guided_usage = assets_of(
    "guided_usage",
    deps=[USAGE.name, NUMBER_HOLDINGS.name, SUBSCRIPTION_HOLDINGS.name],
    checks=[
        Check(
            "guided_plus_rejected",
            GUIDED_USAGE,
            (USAGE, GUIDED_USAGE, REJECTED_USAGE),
            "received = guided + rejected, record by record.",
        ),
        Check(
            "every_line_accounted",
            GUIDED_USAGE,
            (USAGE_FILES, LANDED_USAGE, USAGE, GUIDED_USAGE, REJECTED_USAGE),
            "received = guided + rejected + quarantined + duplicate (+ the few that wait for"
            " the next day), of everything delivered that day.",
            over={table.name: late_days for table in (USAGE, GUIDED_USAGE, REJECTED_USAGE)},
        ),
        Check(
            "most_guided",
            GUIDED_USAGE,
            (GUIDED_USAGE, REJECTED_USAGE),
            "At least half of the day's usage fits somebody: else the orders are not those"
            " of this usage.",
        ),
        Check(
            "few_rejected",
            REJECTED_USAGE,
            (GUIDED_USAGE, REJECTED_USAGE),
            "At most 2 % of the day's usage fits nobody.",
            blocking=False,
        ),
    ],
)
