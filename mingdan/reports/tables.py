"""What others say: complaints and partners' lists, bound to whoever held the number then.

Here: report rows and the assertions made of them. Not here: labels (`classes`).
"""

from __future__ import annotations

from mingdan.tables import Column as C
from mingdan.tables import Table

COMPLAINTS = Table(
    name="complaints",
    stage="reports",
    grain="one complaint received that day (投诉, 12321)",
    columns=(
        C("complaint_id", "VARCHAR", "the channel's own id; TT... is a ticket of the order store"),
        C("channel", "VARCHAR", "10086 or 12321"),
        C("category", "VARCHAR", "spam_sms, fraud, nuisance_call or other"),
        C("received_at", "TIMESTAMP", "when it was received, UTC"),
        C("occurred_at", "TIMESTAMP", "when it is said to have happened, UTC"),
        C("reported_number", "BIGINT", "keyed pseudonym of the number complained of"),
        C("reporter_number", "BIGINT", "keyed pseudonym of who complains; null if withheld"),
        C("subscription_id", "BIGINT", "who held the number at occurred_at; null if not ours"),
        C("party_id", "BIGINT", "who held that subscription then"),
        C("same_holder", "VARCHAR", "yes, no or no_data: does that party still hold the number?"),
    ),
    key=("complaint_id",),
    sort=("complaint_id",),
)

COMPLAINTS_WITHDRAWN = Table(
    name="complaints_withdrawn",
    stage="reports",
    grain="one complaint ticket rejected or cancelled by the night; it counts for nothing",
    columns=(C("complaint_id", "VARCHAR", "the ticket's reference, as in `complaints`"),),
    key=("complaint_id",),
    sort=("complaint_id",),
)

PARTNER_ENTRIES = Table(
    name="partner_entries",
    stage="reports",
    grain="one entry of a partner's list as delivered that day",
    columns=(
        C("partner", "VARCHAR", "partner code"),
        C("entry_id", "VARCHAR", "the partner's own id"),
        C("category", "VARCHAR", "blacklist reason code, e.g. fraud, spam_sms"),
        C("action", "VARCHAR", "add or withdraw"),
        C("legal_basis", "VARCHAR", "basis the partner states"),
        C("observed_at", "TIMESTAMP", "when the partner saw it, UTC"),
        C("valid_until", "TIMESTAMP", "until when the partner vouches for it, UTC"),
        C("reported_number", "BIGINT", "keyed pseudonym of the number"),
        C("subscription_id", "BIGINT", "who held the number at observed_at; null if not ours"),
        C("party_id", "BIGINT", "who held that subscription then"),
        C("same_holder", "VARCHAR", "yes, no or no_data"),
        C("echo", "BOOLEAN", "seen only after we told the partner so: no word of its own"),
    ),
    key=("partner", "entry_id"),
    sort=("partner", "entry_id"),
)

TOLD = Table(
    name="told",
    stage="lists",
    grain="one party and reason a partner may know from us after that night",
    columns=(
        C("partner", "VARCHAR", "partner code"),
        C("party_id", "BIGINT", "party the entry is about"),
        C("reason_code", "VARCHAR", "blacklist reason code"),
        C("since", "TIMESTAMP", "from which night on without a break, UTC"),
    ),
    key=("partner", "party_id", "reason_code"),
    sort=("partner", "party_id", "reason_code"),
)
"""Made with the joint list (stage `lists`) and read the night after: what comes back is an echo."""

ASSERTION = (
    C("subject_type", "VARCHAR", "party or subscription"),
    C("subject_id", "BIGINT", "party_id or subscription_id"),
    C("class_code", "VARCHAR", "class asserted, e.g. blacklist"),
    C("reason_code", "VARCHAR", "reason within the class, e.g. spam_sms"),
    C("source", "VARCHAR", "rule, model, manual, partner, complaint, appeal or order"),
    C("source_ref", "VARCHAR", "who exactly: rule id, partner code, ..."),
    C("level", "VARCHAR", "watch or published: how far this alone may carry"),
    C("score", "INTEGER", "strength, 0-100"),
    C("observed_at", "TIMESTAMP", "when it was seen, UTC"),
    C("valid_to", "TIMESTAMP", "until when it holds, UTC; null: as long as it is repeated"),
    C("evidence", "VARCHAR", "JSON object of the values it rests on; never a raw identifier"),
)

REPORT_ASSERTIONS = Table(
    name="report_assertions",
    stage="reports",
    grain="what all live complaints, partner entries and members by hand assert as of the day",
    columns=ASSERTION,
    key=("subject_type", "subject_id", "class_code", "reason_code", "source", "source_ref"),
    sort=("subject_type", "subject_id", "class_code", "reason_code", "source", "source_ref"),
)

REPORTS_QUARANTINE = Table(
    name="reports_quarantine",
    stage="reports",
    grain="one report line set aside (date = delivery day)",
    columns=(
        C("source", "VARCHAR", "complaints, tickets or partners/<code>"),
        C("file", "VARCHAR", "file name under the landing folder"),
        C(
            "line",
            "INTEGER",
            "line, row or object in it, from 1; of tickets the ticket's key",
        ),
        C("reason", "VARCHAR", "reason code"),
        C("field", "VARCHAR", "column at fault; null if the line as a whole"),
        C("raw", "BLOB", "the line's bytes as delivered", personal="text"),
    ),
    key=("file", "line"),
    sort=("file", "line"),
)

TABLES = (
    COMPLAINTS,
    COMPLAINTS_WITHDRAWN,
    PARTNER_ENTRIES,
    REPORT_ASSERTIONS,
    REPORTS_QUARANTINE,
)
