-- What a subscription did that day, as sums that add up over days; one bucket.
-- grain: one subscription with usage that day
-- key: subscription_id
-- inputs: events, pairs, conversations, fingerprints, old_usage, touched
WITH daily AS (
    SELECT
        subscription_id,
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
        sum(charge_fen)::BIGINT AS spend_fen
    FROM events
    GROUP BY subscription_id
),

hourly AS (
    SELECT
        subscription_id,
        at_second // 3600 AS hour_of_day,
        count(*) AS acts
    FROM events
    WHERE is_act
    GROUP BY subscription_id, at_second // 3600
),

hours AS (
    SELECT
        subscription_id,
        bit_or(1 << hour_of_day) AS hours_out,
        max(acts) AS busiest_hour_out,
        sum(CASE WHEN hour_of_day >= 23 OR hour_of_day < 7 THEN acts ELSE 0 END)::BIGINT AS night_out
    FROM hourly
    GROUP BY subscription_id
),

-- One order of all rows, in which they nearly are already, and a look at whose row the one before
-- is: a third of the cost of an order within each subscription.
step AS (
    SELECT
        subscription_id,
        is_mobile AND lag(is_mobile) OVER one_after_another AS both_mobile,
        subscription_id = lag(subscription_id) OVER one_after_another AS goes_on,
        at_second - lag(at_second) OVER one_after_another AS gap,
        abs(other_party - lag(other_party) OVER one_after_another) AS stride
    FROM events
    WHERE is_act
    WINDOW one_after_another AS (ORDER BY subscription_id, event_at, record_id)
),

steps AS (
    SELECT
        subscription_id,
        count(*) AS gaps,
        sum(gap)::BIGINT AS gap_seconds,
        sum(gap::BIGINT * gap)::BIGINT AS gap_seconds_squared,
        count(*) FILTER (WHERE both_mobile AND stride IS NOT NULL) AS mobile_steps,
        count(*) FILTER (WHERE both_mobile AND stride BETWEEN 1 AND 10) AS walking_steps
    FROM step
    WHERE goes_on
    GROUP BY subscription_id
),

-- messages among themselves and calls among themselves, both ways; what their gaps add up
-- to follows from the first and the last. Each kind by itself is nearly in order already: both
-- in one order cost a fifth of this statement more.
text_gap AS (
    SELECT
        subscription_id,
        at_second,
        CASE
            WHEN subscription_id = lag(subscription_id) OVER in_time
                THEN at_second - lag(at_second) OVER in_time
        END AS gap
    FROM events
    WHERE is_sms
    WINDOW in_time AS (ORDER BY subscription_id, at_second)
),

texts AS (
    SELECT
        subscription_id,
        min(at_second) AS first_second,
        max(at_second) AS last_second,
        sum(gap::BIGINT * gap)::BIGINT AS gap_seconds_squared,
        count_if(at_second <= 25200 OR at_second >= 68400) AS nocturnal
    FROM text_gap
    GROUP BY subscription_id
),

call_gap AS (
    SELECT
        subscription_id,
        at_second,
        duration_s,
        CASE
            WHEN subscription_id = lag(subscription_id) OVER in_time
                THEN at_second - lag(at_second) OVER in_time
        END AS gap
    FROM events
    WHERE is_voice
    WINDOW in_time AS (ORDER BY subscription_id, at_second)
),

calls AS (
    SELECT
        subscription_id,
        min(at_second) AS first_second,
        max(at_second) AS last_second,
        sum(gap::BIGINT * gap)::BIGINT AS gap_seconds_squared,
        count_if(at_second <= 25200 OR at_second >= 68400) AS nocturnal,
        count(duration_s) AS timed,
        sum(duration_s::BIGINT * duration_s)::BIGINT AS seconds_squared
    FROM call_gap
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
    daily.* REPLACE (coalesce(daily.spend_fen, 0) AS spend_fen), -- noqa: AM04
    fingerprints.fingerprint,
    coalesce(hours.hours_out, 0) AS hours_out,
    coalesce(hours.busiest_hour_out, 0) AS busiest_hour_out,
    coalesce(hours.night_out, 0) AS night_out,
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
LEFT JOIN hours USING (subscription_id)
LEFT JOIN steps USING (subscription_id)
LEFT JOIN callee USING (subscription_id)
LEFT JOIN texts USING (subscription_id)
LEFT JOIN calls USING (subscription_id)
LEFT JOIN conversations USING (subscription_id)
UNION ALL BY NAME
SELECT * EXCLUDE (date, bucket) -- noqa: AM04
FROM old_usage
ANTI JOIN touched USING (subscription_id)
