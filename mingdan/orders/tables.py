"""The order store as the lake sees it each night.

Here: the nightly snapshot tables. Not here: the order store's own relational
model (`model.py`). Each day holds what was known at that night's `known_at`.
"""

from __future__ import annotations

from mingdan.tables import Column as C
from mingdan.tables import Table

ORDER_EVENTS = Table(
    name="order_events",
    stage="orders",
    grain="one event of the order store's outbox recorded during the night's window",
    columns=(
        C("seq", "BIGINT", "monotonic sequence of the outbox"),
        C("event_type", "VARCHAR", "TMF event name, e.g. ProductOrderStateChangeEvent"),
        C("order_type", "VARCHAR", "OPEN, CHANGE_NUMBER, ... (reference/order_type.csv)"),
        C("order_id", "BIGINT", "product order"),
        C("subscription_id", "BIGINT", "subscription the event is about"),
        C("party_id", "BIGINT", "party after the event"),
        C("effective_at", "TIMESTAMP", "when it takes effect in the world, UTC"),
        C("recorded_at", "TIMESTAMP", "when the store learnt of it, UTC"),
    ),
    key=("seq",),
    sort=("seq",),
)

NUMBER_HOLDINGS = Table(
    name="number_holdings",
    stage="orders",
    grain="one interval in which one subscription held one MSISDN or IMSI",
    columns=(
        C("key_kind", "VARCHAR", "msisdn or imsi"),
        C("key", "BIGINT", "the all-digit number", personal="msisdn"),
        C("subscription_id", "BIGINT", "holder"),
        C("valid_from", "TIMESTAMP", "first instant, UTC, included"),
        C("valid_to", "TIMESTAMP", "end, UTC, excluded; null while it lasts"),
        C("recorded_at", "TIMESTAMP", "when this row's latest fact was recorded, UTC"),
    ),
    key=("key_kind", "key", "valid_from"),
    sort=("key_kind", "key", "valid_from"),
)

SUBSCRIPTION_HOLDINGS = Table(
    name="subscription_holdings",
    stage="orders",
    grain="one interval in which one party held one subscription",
    columns=(
        C("subscription_id", "BIGINT", "service contract a number is attached to"),
        C("party_id", "BIGINT", "person or organization"),
        C("valid_from", "TIMESTAMP", "first instant, UTC, included"),
        C("valid_to", "TIMESTAMP", "end, UTC, excluded; null while it lasts"),
        C("recorded_at", "TIMESTAMP", "when this row's latest fact was recorded, UTC"),
    ),
    key=("subscription_id", "valid_from"),
    sort=("subscription_id", "valid_from"),
)

SUBSCRIPTIONS = Table(
    name="subscriptions",
    stage="orders",
    grain="one subscription that existed by the end of the day (terminated ones too)",
    columns=(
        C("subscription_id", "BIGINT", "service contract"),
        C("external_id", "VARCHAR", "the ordering system's own reference"),
        C("party_id", "BIGINT", "party holding it at the end of the day (or at its end)"),
        C("party_type", "VARCHAR", "individual or organization"),
        C("sender_kind", "VARCHAR", "person, service_port, m2m or call_centre, from the product"),
        C("product_code", "VARCHAR", "product offering"),
        C("payment_kind", "VARCHAR", "prepaid or postpaid"),
        C("status", "VARCHAR", "TMF637: active, suspended, terminated, ..."),
        C("suspend_reasons", "VARCHAR", "reasons in force, sorted, comma between; empty: none"),
        C("activated_at", "TIMESTAMP", "completion of the opening order, UTC"),
        C("terminated_at", "TIMESTAMP", "completion of the termination, UTC; null if none"),
        C("arrears_fen", "BIGINT", "unpaid amount past its due date, in fen"),
        C("arrears_days", "INTEGER", "days since the oldest unpaid due date; 0 if none"),
        C("document_id", "BIGINT", "keyed pseudonym of the party's ID document"),
        C("party_cards", "INTEGER", "subscriptions in service under the same document"),
    ),
    key=("subscription_id",),
    sort=("subscription_id",),
)

PROTECTIONS = Table(
    name="protections",
    stage="orders",
    grain="one protection (红名单) decided by the operator for a subject and scope",
    columns=(
        C("subject_type", "VARCHAR", "party or subscription"),
        C("subject_id", "BIGINT", "the subject"),
        C("scope", "VARCHAR", "credit, spam or all"),
        C("valid_from", "TIMESTAMP", "first instant, UTC"),
        C("valid_to", "TIMESTAMP", "end, UTC; a protection always ends"),
        C("maker", "VARCHAR", "role that set it"),
        C("checker", "VARCHAR", "role that approved it; without one it has no effect"),
    ),
    key=("subject_type", "subject_id", "scope", "valid_from"),
    sort=("subject_type", "subject_id", "scope", "valid_from"),
)

APPEALS = Table(
    name="appeals",
    stage="orders",
    grain="one appeal (申诉) against a label that was upheld, as known that night",
    columns=(
        C("ticket_id", "BIGINT", "its ticket: TT and at least eight digits"),
        C("subject_type", "VARCHAR", "party or subscription"),
        C("subject_id", "BIGINT", "the subject of the label"),
        C("class_code", "VARCHAR", "class of the label"),
        C("reason_code", "VARCHAR", "reason of the label"),
        C("finding", "VARCHAR", "why it was upheld (reference/appeal_finding.csv)"),
        C("decided_at", "TIMESTAMP", "what was observed until then does not count, UTC"),
        C("holds_until", "TIMESTAMP", "until then no fact gives the label again, UTC"),
        C("maker", "VARCHAR", "who took it down"),
        C("checker", "VARCHAR", "who decided it"),
    ),
    key=("ticket_id",),
    sort=("ticket_id",),
)

RECONCILIATION = Table(
    name="reconciliation",
    stage="orders",
    grain="one mismatch inside the order store, as found when the night's step ran",
    columns=(
        C("code", "VARCHAR", "kind of mismatch (reference/reconciliation.csv)"),
        C("area", "VARCHAR", "resources, provisioning, orders, account, offers or customers"),
        C("severity", "VARCHAR", "fault, or note for what heals or may be meant"),
        C("subject_kind", "VARCHAR", "msisdn, iccid, subscription, order, reservation, ..."),
        C("subject_key", "VARCHAR", "which one", personal="text"),
        C("subscription_id", "BIGINT", "subscription concerned; null if none is known"),
        C("expected", "VARCHAR", "what one record says"),
        C("found", "VARCHAR", "what the other one says"),
        C("repair", "VARCHAR", "suggested repair"),
        C("repair_zh", "VARCHAR", "the same in Chinese"),
    ),
    key=("code", "subject_kind", "subject_key", "expected", "found"),
    sort=("area", "code", "subject_kind", "subject_key", "expected", "found"),
)

TABLES = (ORDER_EVENTS, NUMBER_HOLDINGS, SUBSCRIPTION_HOLDINGS, SUBSCRIPTIONS, PROTECTIONS, APPEALS)
"""The night's snapshot; the reconciliation is a step of its own."""
