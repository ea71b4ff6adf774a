"""The order store as the night knows it: holdings, subscriptions, protections.

Here: the assets of stage `orders` and their checks. Not here: taking orders
(`mingdan order`).
"""

from __future__ import annotations

from assets.build import Check, assets_of
from mingdan.orders.tables import (
    NUMBER_HOLDINGS,
    RECONCILIATION,
    SUBSCRIPTION_HOLDINGS,
    SUBSCRIPTIONS,
)

CHECKS = [
    Check(
        "numbers_never_overlap",
        NUMBER_HOLDINGS,
        (NUMBER_HOLDINGS,),
        "No MSISDN or IMSI has two holders at one instant: guiding rests on it.",
    ),
    Check(
        "subscriptions_never_overlap",
        SUBSCRIPTION_HOLDINGS,
        (SUBSCRIPTION_HOLDINGS,),
        "No subscription belongs to two parties at one instant.",
    ),
    Check(
        "active_has_number",
        SUBSCRIPTIONS,
        (SUBSCRIPTIONS, NUMBER_HOLDINGS),
        "Every active subscription holds a number: otherwise its usage is lost to it.",
        blocking=False,
    ),
]

order_snapshot = assets_of("order_snapshot", checks=CHECKS, kinds={"sqlite", "deltalake"})

reconciliation = assets_of(
    "reconciliation",
    checks=[
        Check(
            "nothing_differs",
            RECONCILIATION,
            (RECONCILIATION,),
            "The order store agrees with itself; each mismatch is listed with a repair.",
            blocking=False,
        )
    ],
    kinds={"sqlite", "deltalake"},
)
