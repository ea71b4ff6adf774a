"""Usage as delivered and as it happened.

Here: the assets of stage `usage`: files, landed records, quarantine, usage of
the event day. Not here: who it belongs to (`guiding`).
"""

from __future__ import annotations

from assets.build import Check, assets_of
from mingdan.usage.tables import LANDED_USAGE, USAGE, USAGE_FILES, USAGE_QUARANTINE

landed_usage = assets_of(
    "landed_usage",
    checks=[
        Check(
            "counts_add_up",
            USAGE_FILES,
            (USAGE_FILES, LANDED_USAGE, USAGE_QUARANTINE),
            "received = landed + quarantined + duplicate for every loaded file, and the"
            " tables hold exactly those rows: nothing is lost.",
        ),
        Check(
            "few_quarantined",
            USAGE_QUARANTINE,
            (USAGE_FILES,),
            "At most 2 % of the lines delivered are set aside.",
            blocking=False,
        ),
    ],
)

usage = assets_of(
    "usage",
    deps=[LANDED_USAGE.name],
    checks=[
        Check(
            "records_once",
            USAGE,
            (USAGE,),
            "Every record_id stands once in its event day.",
        ),
    ],
)
