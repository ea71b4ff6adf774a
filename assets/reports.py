"""What others say: complaints and partners' lists.

Here: the assets of stage `reports`. Not here: labels (`classes`).
"""

from __future__ import annotations

from assets.build import Check, assets_of
from mingdan.orders.tables import NUMBER_HOLDINGS, PROTECTIONS, SUBSCRIPTION_HOLDINGS
from mingdan.reports.tables import COMPLAINTS, PARTNER_ENTRIES, REPORT_ASSERTIONS

HELD = [NUMBER_HOLDINGS.name, SUBSCRIPTION_HOLDINGS.name, PROTECTIONS.name]

reports = assets_of(
    "reports",
    deps={COMPLAINTS.name: HELD, PARTNER_ENTRIES.name: HELD, REPORT_ASSERTIONS.name: HELD},
    checks=[
        Check(
            "assertions_name_evidence",
            REPORT_ASSERTIONS,
            (REPORT_ASSERTIONS,),
            "Every assertion says what it rests on and never scores outside 0-100.",
        ),
    ],
)
