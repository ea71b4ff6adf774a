"""Sender assertions: which rule says what of which subscription, with its values.

Here: the table. Not here: the rules (`rules.toml`) and labels (`classes`).
"""

from __future__ import annotations

from mingdan.reports.tables import ASSERTION
from mingdan.tables import Column as C
from mingdan.tables import Table

SENDER_ASSERTIONS = Table(
    name="sender_assertions",
    stage="senders",
    grain="one sender rule that holds for one subscription on that day (恶意用户追查)",
    columns=(*ASSERTION, C("ruleset_hash", "VARCHAR", "SHA-256 of the rule file")),
    key=("subject_type", "subject_id", "class_code", "reason_code", "source", "source_ref"),
    sort=("subject_type", "subject_id", "class_code", "reason_code", "source", "source_ref"),
)

TABLES = (SENDER_ASSERTIONS,)
