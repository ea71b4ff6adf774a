-- Who had to do with whom that day, by plain number; one bucket, never written.
-- grain: one (subscription, other party)
-- key: subscription_id, other_party
-- inputs: events
WITH calls_of_hour AS (
    SELECT
        subscription_id,
        other_party,
        count(*) AS calls
    FROM events
    WHERE
        is_voice
        AND is_out
        AND other_party IS NOT NULL
    GROUP BY subscription_id, other_party, at_second // 3600
    HAVING count(*) > 1
),

hour_top AS (
    SELECT
        subscription_id,
        other_party,
        max(calls) AS calls
    FROM calls_of_hour
    GROUP BY subscription_id, other_party
),

pair AS (
    SELECT
        subscription_id,
        other_party,
        bool_or(is_mobile) AS is_mobile,
        count_if(is_sms AND is_out) AS sms_out,
        count_if(is_sms AND NOT is_out) AS sms_in,
        count_if(is_voice AND is_out) AS calls_out,
        count_if(is_voice AND NOT is_out) AS calls_in,
        sum(CASE WHEN is_voice AND is_out THEN duration_s ELSE 0 END)::BIGINT AS call_seconds_out,
        sum(CASE WHEN is_voice AND NOT is_out THEN duration_s ELSE 0 END)::BIGINT AS call_seconds_in,
        count(*) FILTER (WHERE is_voice AND is_out AND duration_s <= 3) AS one_ring_calls,
        min(at_second) AS first_second,
        max(at_second) AS last_second
    FROM events
    WHERE
        (is_sms OR is_voice)
        AND other_party IS NOT NULL
    GROUP BY subscription_id, other_party
)

SELECT
    pair.*,
    coalesce(hour_top.calls, least(pair.calls_out, 1)) AS max_calls_hour
FROM pair
LEFT JOIN hour_top USING (subscription_id, other_party)
