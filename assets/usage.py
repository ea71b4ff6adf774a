"""Usage as delivered and as it happened.

Here: the assets of stage `usage`: files, landed records, quarantine, usage of
the event day. Not here: who it belongs to (`guiding`).
"""

from __future__ import annotations

from datetime import date, timedelta

from assets.build import Check, assets_of
from mingdan.night import Night
from mingdan.usage.specs import sources
from mingdan.usage.tables import LANDED_USAGE, USAGE, USAGE_FILES, USAGE_QUARANTINE

WEEKS = 4


def same_weekdays(_: Night, day: date) -> list[date]:
    """A day and the same weekday of the weeks before."""
    return [day - timedelta(weeks=weeks) for weeks in range(WEEKS + 1)]


def expected_files(night: Night) -> dict[str, object]:
    """How many files a day the sources say they deliver."""
    known = {
        name: source.files_a_day
        for name, source in sources(night.settings).items()
        if source.files_a_day is not None
    }
    return {"sources": list(known), "files_a_day": list(known.values())}


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
        Check(
            "deliveries_complete",
            USAGE_FILES,
            (USAGE_FILES,),
            "Each source delivered the files it delivers a day (`files_a_day`) and no less than"
            " half, no more than double the lines of this weekday in the four weeks before.",
            blocking=False,
            over={USAGE_FILES.name: same_weekdays},
            values=expected_files,
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
