"""The joint list: entries that may leave the house, before partners' views of them.

Here: the table of the night's list entries. Not here: releases on disk
(`release.py`) and tokens (`tokens.py`).
"""

from __future__ import annotations

from mingdan.reports.tables import TOLD
from mingdan.tables import Column as C
from mingdan.tables import Table

LIST_ENTRIES = Table(
    name="list_entries",
    stage="lists",
    grain="one entry of the joint list in force after that night",
    columns=(
        C("entry_id", "VARCHAR", "opaque id, stable over the entry's life"),
        C("subscription_id", "BIGINT", "subscription whose number is listed"),
        C("party_id", "BIGINT", "party the label is about"),
        C("category", "VARCHAR", "blacklist"),
        C("reason_code", "VARCHAR", "spam_sms, fraud, abnormal_calls, ..."),
        C("level", "VARCHAR", "published"),
        C("confidence", "INTEGER", "STIX 2.1 None/Low/Med/High: 0, 15, 50 or 85"),
        C("first_seen", "TIMESTAMP", "UTC"),
        C("last_seen", "TIMESTAMP", "start of the week it was last seen in, UTC"),
        C("valid_from", "TIMESTAMP", "UTC"),
        C("valid_until", "TIMESTAMP", "UTC; every entry ends"),
        C("sources", "INTEGER", "independent sources"),
    ),
    key=("entry_id",),
    sort=("entry_id",),
)

TABLES = (LIST_ENTRIES, TOLD)
