"""Labels: who is what tonight, and why.

Here: the assets of stage `classes`. Not here: who asserts (`senders`,
`reports`) and what leaves (`lists`).
"""

from __future__ import annotations

from assets.build import Check, assets_of
from mingdan.classes.tables import LABELS
from mingdan.features.tables import FEATURES
from mingdan.orders.tables import APPEALS, PROTECTIONS, SUBSCRIPTION_HOLDINGS, SUBSCRIPTIONS
from mingdan.reports.tables import REPORT_ASSERTIONS
from mingdan.senders.tables import SENDER_ASSERTIONS

labels = assets_of(
    "labels",
    deps=[
        SENDER_ASSERTIONS.name,
        REPORT_ASSERTIONS.name,
        FEATURES.name,
        SUBSCRIPTIONS.name,
        SUBSCRIPTION_HOLDINGS.name,
        PROTECTIONS.name,
        APPEALS.name,
    ],
    checks=[
        Check(
            "labels_have_reasons",
            LABELS,
            (LABELS,),
            "Every effective label names its sources, its rules' hash and its evidence.",
        ),
        Check(
            "redlist_is_honoured",
            LABELS,
            (LABELS, PROTECTIONS),
            "No protected party carries an effective black label except by legal order.",
        ),
        Check(
            "appeals_are_honoured",
            LABELS,
            (LABELS, APPEALS),
            "No label outlives an appeal (申诉) that was upheld after it was first seen.",
        ),
    ],
)
