-- What a subscription did that day, as sums that add up over days; one bucket.
-- grain: one subscription with usage that day
-- key: subscription_id
-- inputs: events, pairs, conversations, fingerprints, old_usage, touched
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
        bit_or(CASE WHEN sms_out + calls_out > 0 THEN 1 << hour_of_day ELSE 0 END) AS hours_out,
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

-- messages among themselves and calls among themselves, both ways; what their gaps add up
-- to follows from the first and the last
rhythm AS (
    SELECT
        subscription_id,
        is_sms,
        min(at_second) AS first_second,
        max(at_second) AS last_second,
        sum(gap::BIGINT * gap)::BIGINT AS gap_seconds_squared,
        count(*) FILTER (WHERE at_second <= 25200 OR at_second >= 68400) AS nocturnal,
        count(duration_s) AS timed,
        sum(duration_s::BIGINT * duration_s)::BIGINT AS seconds_squared
    FROM (
        SELECT
            subscription_id,
            is_sms,
            at_second,
            duration_s,
            at_second - lag(at_second) OVER (
                PARTITION BY subscription_id, is_sms ORDER BY at_second
            ) AS gap
        FROM events
        WHERE is_sms OR is_voice
    )
    GROUP BY subscription_id, is_sms
),

texts AS (
    SELECT *
    FROM rhythm
    WHERE is_sms
),

calls AS (
    SELECT *
    FROM rhythm
    WHERE NOT is_sms
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
    coalesce(callee.max_calls_one_callee_hour, 0) AS max_calls_one_callee_hour,
    texts.first_second AS first_text_second,
    texts.last_second AS last_text_second,
    coalesce(texts.gap_seconds_squared, 0) AS text_gap_seconds_squared,
    coalesce(texts.nocturnal, 0) AS nocturnal_texts,
    calls.first_second AS first_call_second,
    calls.last_second AS last_call_second,
    coalesce(calls.gap_seconds_squared, 0) AS call_gap_seconds_squared,
    coalesce(calls.nocturnal, 0) AS nocturnal_calls,
    coalesce(calls.timed, 0) AS timed_calls,
    coalesce(calls.seconds_squared, 0) AS call_seconds_squared,
    coalesce(conversations.conversations, 0) AS conversations,
    coalesce(conversations.conversations_out, 0) AS conversations_out,
    coalesce(conversations.conversations_answered, 0) AS conversations_answered,
    coalesce(conversations.replies, 0) AS replies,
    coalesce(conversations.reply_seconds, 0) AS reply_seconds,
    coalesce(conversations.reply_seconds_squared, 0) AS reply_seconds_squared
FROM daily
INNER JOIN fingerprints USING (subscription_id)
LEFT JOIN steps USING (subscription_id)
LEFT JOIN callee USING (subscription_id)
LEFT JOIN texts USING (subscription_id)
LEFT JOIN calls USING (subscription_id)
LEFT JOIN conversations USING (subscription_id)
UNION ALL BY NAME
SELECT * EXCLUDE (date, bucket) -- noqa: AM04
FROM old_usage
ANTI JOIN touched USING (subscription_id)
