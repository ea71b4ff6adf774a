"""Usage tables: what was delivered, and what happened on a day.

Here: `landed_usage`, `usage_files` and `usage_quarantine` by delivery day,
`usage` by event day. Not here: who the usage belongs to (`guiding`).
"""

from __future__ import annotations

from mingdan.tables import Column as C
from mingdan.tables import Table

RECORD = (
    C("record_id", "BIGINT", "60-bit digest of source and the source's own id, or of the row"),
    C("source", "VARCHAR", "source spec the record came through"),
    C("usage_type", "VARCHAR", "sms, voice or data", values=("data", "sms", "voice")),
    C("direction", "VARCHAR", "out (the served number acted) or in", values=("in", "out")),
    C("served_msisdn", "BIGINT", "number the record is about; null if only the IMSI is given",
      personal="msisdn"),
    C("served_imsi", "BIGINT", "SIM of the served number", personal="imsi"),
    C("served_imei", "BIGINT", "device of the served number", personal="imei"),
    C("other_party", "BIGINT", "the other number; negative: digest of one that is not all digits"
      " or longer than 18", personal="msisdn"),
    C("other_kind", "VARCHAR", "mobile, fixed, service (106...), short, international or opaque",
      values=("fixed", "international", "mobile", "opaque", "service", "short")),
    C("event_at", "TIMESTAMP", "start of the event, UTC"),
    C("utc_offset_min", "SMALLINT", "the source's offset from UTC, minutes"),
    C("duration_s", "INTEGER", "seconds of talk (voice) or session (data); null for sms"),
    C("bytes", "BIGINT", "octets up and down (data)"),
    C("charge_fen", "INTEGER", "charge in fen; null if the source has none"),
    C("cell", "BIGINT", "serving cell; null if not given"),
    C("area", "INTEGER", "area code of the cell or the number; null if not given"),
    C("message_ref", "BIGINT", "message reference: segments of one message share it"),
    C("text_digest", "BIGINT", "60-bit digest of the text; null unless the source is licensed"),
    C("self_held", "BOOLEAN", "no orders: the served number is its own subscription"),
    C("source_file", "VARCHAR", "file name under the landing folder"),
    C("source_line", "INTEGER", "line in that file, 1 = first line"),
)  # fmt: skip

LANDED_USAGE = Table(
    name="landed_usage",
    stage="usage",
    grain="one well-formed usage record delivered that day (date = delivery day)",
    columns=(C("event_day", "DATE", "business day of event_at"), *RECORD),
    key=("source_file", "source_line"),
    sort=("source_file", "source_line"),
)

USAGE = Table(
    name="usage",
    stage="usage",
    grain="one usage record that happened that day, once (date = event day)",
    columns=(C("delivered", "DATE", "delivery day of the copy that was kept"), *RECORD),
    key=("record_id",),
    sort=("source_file", "source_line"),
)

USAGE_FILES = Table(
    name="usage_files",
    stage="usage",
    grain="one file found in the landing folder of that delivery day",
    columns=(
        C("source", "VARCHAR", "source spec"),
        C("file", "VARCHAR", "file name under the landing folder"),
        C("sha256", "VARCHAR", "digest of the file as delivered"),
        C("size_bytes", "BIGINT", "size as delivered"),
        C("status", "VARCHAR", "loaded, refused or already_loaded"),
        C("problem", "VARCHAR", "why it was refused; null if it was not"),
        C("rows_received", "BIGINT", "data lines in the file"),
        C("rows_landed", "BIGINT", "records taken, duplicates within the delivery excluded"),
        C("rows_quarantined", "BIGINT", "lines set aside"),
        C("rows_duplicate", "BIGINT", "lines dropped: record_id already seen"),
        C("rows_late", "BIGINT", "landed records whose event day is before the delivery day"),
        C("first_event", "VARCHAR", "first instant of its landed records, ISO 8601, UTC"),
        C("last_event", "VARCHAR", "last instant of its landed records, ISO 8601, UTC"),
        C("event_days", "VARCHAR", "event days touched, ISO, joined by a comma"),
    ),
    key=("file",),
    sort=("file",),
)

USAGE_QUARANTINE = Table(
    name="usage_quarantine",
    stage="usage",
    grain="one line set aside (date = delivery day); nothing is lost",
    columns=(
        C("source", "VARCHAR", "source spec"),
        C("file", "VARCHAR", "file name under the landing folder"),
        C("line", "INTEGER", "line in that file, 1 = first line"),
        C("reason", "VARCHAR", "reason code, e.g. bad_time, unknown_code, too_late"),
        C("field", "VARCHAR", "column of the file at fault; null if the line as a whole"),
        C("raw", "BLOB", "the line's bytes as delivered", personal="text"),
    ),
    key=("file", "line"),
    sort=("file", "line"),
)

TABLES = (LANDED_USAGE, USAGE, USAGE_FILES, USAGE_QUARANTINE)
