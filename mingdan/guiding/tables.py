"""Guided usage and what could not be guided.

Here: usage with the subscription and party that held the SIM or number at that
instant. Not here: how it is found (`guide.py`, `sql/guiding/`).
"""

from __future__ import annotations

from mingdan.tables import Column as C
from mingdan.tables import Table
from mingdan.usage.tables import RECORD

GUIDED_USAGE = Table(
    name="guided_usage",
    stage="guiding",
    grain="one usage record of a known subscription (TMF635 status guided)",
    columns=(
        C("subscription_id", "BIGINT", "who held the IMSI, else the MSISDN, at event_at"),
        C("party_id", "BIGINT", "who held that subscription at event_at"),
        C("guided_by", "VARCHAR", "imsi, msisdn or self", values=("imsi", "msisdn", "self")),
        *RECORD,
    ),
    key=("record_id",),
    sort=("subscription_id", "event_at", "record_id"),
    bucketed=True,
)

REJECTED_USAGE = Table(
    name="rejected_usage",
    stage="guiding",
    grain="one usage record nobody fits (TMF635 status rejected); recycled when orders arrive",
    columns=(
        C("reason", "VARCHAR", "no_holder, imsi_msisdn_disagree or no_party"),
        *RECORD,
    ),
    key=("record_id",),
    sort=("event_at", "record_id"),
)

TABLES = (GUIDED_USAGE, REJECTED_USAGE)
