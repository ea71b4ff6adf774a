"""What others say: complaints and partners' lists.

Here: the assets of stage `reports`. Not here: labels (`classes`).
"""

from __future__ import annotations

from assets.build import Check, assets_of
from mingdan.orders.tables import APPEALS, NUMBER_HOLDINGS, PROTECTIONS, SUBSCRIPTION_HOLDINGS
from mingdan.reports.tables import REPORT_ASSERTIONS

reports = assets_of(
    "reports",
    deps=[NUMBER_HOLDINGS.name, SUBSCRIPTION_HOLDINGS.name, PROTECTIONS.name, APPEALS.name],
    checks=[
        Check(
            "assertions_name_evidence",
            REPORT_ASSERTIONS,
            (REPORT_ASSERTIONS,),
            "Every assertion says what it rests on and never scores outside 0-100.",
        ),
    ],
)
