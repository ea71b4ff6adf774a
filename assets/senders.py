"""Malicious senders (恶意用户追查): what the rules say of whom.

Here: the asset of stage `senders`. Not here: labels (`classes`).
"""

from __future__ import annotations

from assets.build import Check, assets_of
from mingdan.features.tables import FEATURES
from mingdan.senders.tables import SENDER_ASSERTIONS

sender_assertions = assets_of(
    "sender_assertions",
    deps=[FEATURES.name],
    checks=[
        Check(
            "senders_are_persons",
            SENDER_ASSERTIONS,
            (SENDER_ASSERTIONS, FEATURES),
            "No service port, call centre or machine is flagged as a malicious sender.",
        ),
    ],
)
