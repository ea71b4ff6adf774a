-- grain: one usage record that happened on the event day, once
-- key: record_id
-- inputs: landed_usage (deliveries that may hold the event day, none after the night's)
-- Of several deliveries of a record the earliest stands, then the first file and line.
WITH happened AS (
    SELECT
        date AS delivered,
        record_id,
        source,
        usage_type,
        direction,
        served_msisdn,
        served_imsi,
        served_imei,
        other_party,
        other_kind,
        event_at,
        utc_offset_min,
        duration_s,
        bytes,
        charge_fen,
        cell,
        area,
        message_ref,
        text_digest,
        self_held,
        source_file,
        source_line
    FROM landed_usage
    WHERE event_day = $event_day
),

repeated AS (
    SELECT record_id
    FROM happened
    GROUP BY record_id
    HAVING count(*) > 1
),

ranked AS (
    SELECT
        copies.delivered,
        copies.source_file,
        copies.source_line,
        row_number() OVER (
            PARTITION BY copies.record_id
            ORDER BY copies.delivered, copies.source_file, copies.source_line
        ) AS nth
    FROM happened AS copies
    SEMI JOIN repeated USING (record_id)
),

later AS (
    SELECT
        delivered,
        source_file,
        source_line
    FROM ranked
    WHERE nth > 1
)

SELECT happened.*
FROM happened
ANTI JOIN later USING (delivered, source_file, source_line)
