-- What a subscription did that day, as sums that add up over days; one bucket.
-- grain: one subscription with usage that day
-- key: subscription_id
-- inputs: events, pairs, fingerprints, old_usage, touched
WITH hourly AS (
    SELECT
        subscription_id,
        at_second // 3600 AS hour_of_day,
        count(*) AS records,
        count_if(is_segment) AS segments,
        count_if(is_sms AND is_out) AS sms_out,
        count_if(is_sms AND NOT is_out) AS sms_in,
        count_if(is_voice AND is_out) AS calls_out,
        count_if(is_voice AND NOT is_out) AS calls_in,
        sum(CASE WHEN is_voice AND is_out THEN duration_s ELSE 0 END)::BIGINT AS call_seconds_out,
        sum(CASE WHEN is_voice AND NOT is_out THEN duration_s ELSE 0 END)::BIGINT AS call_seconds_in,
        count(*) FILTER (WHERE is_voice AND is_out AND duration_s <= 3) AS one_ring_calls,
        count(*) FILTER (WHERE is_voice AND is_out AND duration_s <= 6) AS short_calls,
        count_if(is_data) AS data_sessions,
        sum(CASE WHEN is_data THEN bytes ELSE 0 END)::BIGINT AS data_bytes,
        sum(coalesce(charge_fen, 0))::BIGINT AS spend_fen
    FROM events
    GROUP BY subscription_id, at_second // 3600
),

daily AS (
    SELECT
        subscription_id,
        sum(records)::BIGINT AS records,
        sum(segments)::BIGINT AS segments,
        sum(sms_out)::BIGINT AS sms_out,
        sum(sms_in)::BIGINT AS sms_in,
        sum(calls_out)::BIGINT AS calls_out,
        sum(calls_in)::BIGINT AS calls_in,
        sum(call_seconds_out)::BIGINT AS call_seconds_out,
        sum(call_seconds_in)::BIGINT AS call_seconds_in,
        sum(one_ring_calls)::BIGINT AS one_ring_calls,
        sum(short_calls)::BIGINT AS short_calls,
        sum(data_sessions)::BIGINT AS data_sessions,
        sum(data_bytes)::BIGINT AS data_bytes,
        sum(spend_fen)::BIGINT AS spend_fen,
        max(sms_out + calls_out) AS busiest_hour_out,
        sum(
            CASE WHEN hour_of_day >= 23 OR hour_of_day < 7 THEN sms_out + calls_out ELSE 0 END
        )::BIGINT AS night_out
    FROM hourly
    GROUP BY subscription_id
),

step AS (
    SELECT
        subscription_id,
        at_second - lag(at_second) OVER one_after_another AS gap,
        CASE
            WHEN is_mobile AND lag(is_mobile) OVER one_after_another
                THEN abs(other_party - lag(other_party) OVER one_after_another)
        END AS stride
    FROM events
    WHERE is_act
    WINDOW one_after_another AS (PARTITION BY subscription_id ORDER BY event_at, record_id)
),

steps AS (
    SELECT
        subscription_id,
        count(gap) AS gaps,
        sum(gap)::BIGINT AS gap_seconds,
        sum(gap::BIGINT * gap)::BIGINT AS gap_seconds_squared,
        count(stride) AS mobile_steps,
        count(*) FILTER (WHERE stride BETWEEN 1 AND 10) AS walking_steps
    FROM step
    WHERE gap IS NOT NULL
    GROUP BY subscription_id
),

callee AS (
    SELECT
        subscription_id,
        max(max_calls_hour) AS max_calls_one_callee_hour
    FROM pairs
    GROUP BY subscription_id
)

SELECT
    daily.*,
    fingerprints.fingerprint,
    coalesce(steps.gaps, 0) AS gaps,
    coalesce(steps.gap_seconds, 0) AS gap_seconds,
    coalesce(steps.gap_seconds_squared, 0) AS gap_seconds_squared,
    coalesce(steps.mobile_steps, 0) AS mobile_steps,
    coalesce(steps.walking_steps, 0) AS walking_steps,
    coalesce(callee.max_calls_one_callee_hour, 0) AS max_calls_one_callee_hour
FROM daily
INNER JOIN fingerprints USING (subscription_id)
LEFT JOIN steps USING (subscription_id)
LEFT JOIN callee USING (subscription_id)
UNION ALL BY NAME
SELECT * EXCLUDE (date, bucket) -- noqa: AM04
FROM old_usage
ANTI JOIN touched USING (subscription_id)
