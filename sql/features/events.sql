-- The day's usage of the touched subscriptions of one bucket, as every partial needs it.
-- A later segment of a long message (same direction, other party and message reference
-- within ten minutes of the one before) is marked: it is paid for but not counted again.
-- grain: one usage record
-- key: record_id
-- inputs: guided_usage, touched
WITH usage AS (
    SELECT *
    FROM guided_usage
    SEMI JOIN touched USING (subscription_id)
),

message AS (
    SELECT
        record_id,
        event_at,
        subscription_id,
        direction,
        other_party,
        message_ref
    FROM usage
    WHERE
        usage_type = 'sms'
        AND message_ref IS NOT NULL
        AND other_party IS NOT NULL
),

-- few messages are long: ordering only those is cheaper than ordering all
repeated AS (
    SELECT
        subscription_id,
        direction,
        other_party,
        message_ref
    FROM message
    GROUP BY subscription_id, direction, other_party, message_ref
    HAVING count(*) > 1
),

segment AS (
    SELECT record_id
    FROM (
        SELECT
            record_id,
            event_at - lag(event_at) OVER (
                PARTITION BY subscription_id, direction, other_party, message_ref
                ORDER BY event_at, record_id
            ) AS since_last
        FROM message
        INNER JOIN repeated USING (subscription_id, direction, other_party, message_ref)
    )
    WHERE since_last <= INTERVAL 10 MINUTE
),

marked AS (
    SELECT
        subscription_id,
        record_id,
        event_at,
        other_party,
        served_imei,
        served_imsi,
        cell,
        area,
        bytes,
        charge_fen,
        duration_s,
        usage_type = 'sms' AS is_text,
        usage_type = 'voice' AS is_voice,
        usage_type = 'data' AS is_data,
        direction = 'out' AS is_out,
        coalesce(other_kind = 'mobile', FALSE) AS is_mobile,
        record_id IN (SELECT segment.record_id FROM segment) AS is_segment
    FROM usage
)

SELECT
    * EXCLUDE (is_text), -- noqa: AM04
    ((epoch_us(event_at) - epoch_us($day_start)) // 1000000)::INTEGER AS at_second,
    is_text AND NOT is_segment AS is_sms,
    is_out AND (is_voice OR is_sms) AS is_act
FROM marked
