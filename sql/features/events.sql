-- The day's usage of the touched subscriptions of one bucket, as every partial needs it.
-- A later segment of a long message is marked: it is paid for but not counted again.
-- grain: one usage record
-- key: record_id
-- inputs: guided_usage, touched, segments
WITH marked AS (
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
        record_id IN (SELECT segments.record_id FROM segments) AS is_segment
    FROM guided_usage
    SEMI JOIN touched USING (subscription_id)
)

SELECT
    * EXCLUDE (is_text), -- noqa: AM04
    ((epoch_us(event_at) - epoch_us($day_start)) // 1000000)::INTEGER AS at_second,
    is_text AND NOT is_segment AS is_sms,
    is_out AND (is_voice OR is_sms) AS is_act
FROM marked
