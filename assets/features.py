"""Daily partials and rolling features per subscription.

Here: the assets of stage `features`. Not here: what they are used for.
"""

from __future__ import annotations

from assets.build import Check, SameBits, assets_of, window
from mingdan.features.tables import DAILY_USAGE, FEATURES, PARTIALS
from mingdan.guiding.tables import GUIDED_USAGE
from mingdan.orders.tables import SUBSCRIPTIONS
from mingdan.reports.tables import COMPLAINTS, COMPLAINTS_WITHDRAWN

daily_partials = assets_of(
    "daily_partials",
    deps=[GUIDED_USAGE.name],
    checks=[
        Check(
            "events_kept",
            DAILY_USAGE,
            (GUIDED_USAGE, DAILY_USAGE),
            "The day's seconds of talk, octets and fen in the partials equal those guided.",
        ),
        SameBits(
            "partials_same_bits",
            DAILY_USAGE,
            (),
            "What Spark made of a bucket, DuckDB makes byte for byte.",
        ),
    ],
)

features = assets_of(
    "features",
    deps=[
        *(window(table, 30) for table in PARTIALS),
        SUBSCRIPTIONS.name,
        window(COMPLAINTS, 30),
        COMPLAINTS_WITHDRAWN.name,
    ],
    checks=[
        Check(
            "everybody_active_is_there",
            FEATURES,
            (DAILY_USAGE, FEATURES),
            "Every subscription with usage on the day has exactly one row of features.",
        ),
        Check(
            "shares_in_range",
            FEATURES,
            (FEATURES,),
            "Shares lie in 0-1 and counts are not negative.",
        ),
        SameBits(
            "features_same_bits",
            FEATURES,
            (),
            "What Spark made of a bucket, DuckDB makes byte for byte.",
        ),
    ],
)
