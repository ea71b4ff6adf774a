-- grain: one well-formed record of the delivery day; copies within the delivery dropped
-- key: record_id
-- inputs: staged_usage (files being landed), landed_usage (that day's other sources)
-- Copies are found by grouping the keys alone: most records have none, so ranking
-- every row would sort the whole day for nothing.
WITH repeated AS (
    SELECT
        source,
        record_key
    FROM staged_usage
    GROUP BY source, record_key
    HAVING count(*) > 1
),

ranked AS (
    SELECT
        staged.source_file,
        staged.source_line,
        row_number() OVER (
            PARTITION BY staged.source, staged.record_key
            ORDER BY staged.source_file, staged.source_line
        ) AS nth
    FROM staged_usage AS staged
    SEMI JOIN repeated USING (source, record_key)
),

later AS (
    SELECT
        source_file,
        source_line
    FROM ranked
    WHERE nth > 1
)

SELECT
    staged.event_day,
    digest_id(staged.source || '|' || staged.record_key) AS record_id,
    staged.source,
    staged.usage_type,
    staged.direction,
    staged.served_msisdn,
    staged.served_imsi,
    staged.served_imei,
    staged.other_party,
    staged.other_kind,
    staged.event_at,
    staged.utc_offset_min,
    staged.duration_s,
    staged.bytes,
    staged.charge_fen,
    staged.cell,
    staged.area,
    staged.message_ref,
    staged.text_digest,
    staged.self_held,
    staged.source_file,
    staged.source_line
FROM staged_usage AS staged
ANTI JOIN later USING (source_file, source_line)
UNION ALL
SELECT
    event_day,
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
WHERE NOT list_contains($landing, source)
