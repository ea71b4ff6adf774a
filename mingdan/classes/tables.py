"""The label ledger and the labels in force.

Here: append-only label events and each night's effective labels. Not here: who
asserts (`senders`, `reports`) and what leaves the house (`lists`).
"""

from __future__ import annotations

from mingdan.tables import Column as C
from mingdan.tables import Table

_SUBJECT = (
    C("subject_type", "VARCHAR", "party or subscription"),
    C("subject_id", "BIGINT", "party_id or subscription_id"),
    C("class_code", "VARCHAR", "class of the dictionary, e.g. blacklist (黑名单)"),
    C("reason_code", "VARCHAR", "reason, grade or scope within the class, e.g. spam_sms, gold"),
)
_HASHES = (
    C("ruleset_hash", "VARCHAR", "SHA-256 of the rule files the decision used"),
    C("model_hash", "VARCHAR", "digest of the model used; null if none"),
    C("snapshot_hash", "VARCHAR", "digest of all input partitions (table `inputs`)"),
)

LABEL_EVENTS = Table(
    name="label_events",
    stage="classes",
    grain="one change of one label decided by that night (append-only, bitemporal)",
    columns=(
        *_SUBJECT,
        C("action", "VARCHAR", "assert, revoke, override, appeal_upheld or expire"),
        C("level", "VARCHAR", "watch or published, after the event"),
        C("valid_from", "TIMESTAMP", "since when it holds in the world, UTC"),
        C("valid_to", "TIMESTAMP", "until when, UTC; null: until revoked"),
        C("recorded_at", "TIMESTAMP", "the night's known_at, UTC"),
        C("source", "VARCHAR", "rule, model, manual, partner, complaint, appeal or order"),
        C("source_ref", "VARCHAR", "rule ids or other sources, sorted, joined by a comma"),
        C("evidence", "VARCHAR", "JSON: per source the values it rests on"),
        C("maker", "VARCHAR", "who proposed: `night` or a role"),
        C("checker", "VARCHAR", "who approved; null where the class needs no approval"),
        *_HASHES,
    ),
    key=("subject_type", "subject_id", "class_code", "reason_code"),
    sort=("subject_type", "subject_id", "class_code", "reason_code"),
)

LABELS = Table(
    name="labels",
    stage="classes",
    grain="one label of one subject after that night, with the state stability needs",
    columns=(
        *_SUBJECT,
        C("state", "VARCHAR", "natural result: watch, published or fading (memory only)"),
        C("effective", "BOOLEAN", "in force after precedence"),
        C("suppressed_by", "VARCHAR", "what keeps it from effect, e.g. redlist:spam; or null"),
        C("since", "TIMESTAMP", "start of the present state, UTC"),
        C("first_seen", "TIMESTAMP", "first observation of this spell, UTC"),
        C("last_seen", "TIMESTAMP", "last observation, UTC"),
        C("valid_to", "TIMESTAMP", "until when it holds if nothing new comes, UTC; null: open"),
        C("hits", "INTEGER", "nights of this spell on which a source held"),
        C("confidence", "INTEGER", "smoothed strength, 0-100 (EWMA, rounded)"),
        C("sources", "INTEGER", "independent sources tonight"),
        C("source_ref", "VARCHAR", "rule ids or other sources, sorted, joined by a comma"),
        C("evidence", "VARCHAR", "JSON: per source the values it rests on"),
        *_HASHES,
    ),
    key=("subject_type", "subject_id", "class_code", "reason_code"),
    sort=("subject_type", "subject_id", "class_code", "reason_code"),
)

INPUTS = Table(
    name="inputs",
    stage="classes",
    grain="one partition the night's decision read",
    columns=(
        C("table_name", "VARCHAR", "lake table"),
        C("day", "DATE", "partition read"),
        C("version", "BIGINT", "the table's version read"),
        C("digest", "VARCHAR", "digest of that partition's bytes"),
    ),
    key=("table_name", "day"),
    sort=("table_name", "day"),
)

TABLES = (LABEL_EVENTS, LABELS, INPUTS)
