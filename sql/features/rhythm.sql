-- Gaps between messages and between calls, either way, of the last 30 days, midnights included.
-- The gaps add up to the last second less the first; their squares are the days' own and those
-- over the nights between.
-- grain: one subscription with a message or call
-- key: subscription_id
-- inputs: daily_usage
WITH days AS (
    SELECT
        subscription_id,
        what,
        events,
        gap_seconds_squared,
        first_at,
        last_at,
        first_at - lag(last_at) OVER (PARTITION BY subscription_id, what ORDER BY first_at) AS night
    FROM (
        SELECT
            subscription_id,
            'text' AS what,
            sms_out + sms_in AS events,
            text_gap_seconds_squared AS gap_seconds_squared,
            (date - $day::DATE) * 86400 + first_text_second AS first_at,
            (date - $day::DATE) * 86400 + last_text_second AS last_at
        FROM daily_usage
        WHERE sms_out + sms_in > 0
        UNION ALL
        SELECT
            subscription_id,
            'call' AS what,
            calls_out + calls_in AS events,
            call_gap_seconds_squared AS gap_seconds_squared,
            (date - $day::DATE) * 86400 + first_call_second AS first_at,
            (date - $day::DATE) * 86400 + last_call_second AS last_at
        FROM daily_usage
        WHERE calls_out + calls_in > 0
    )
),

gaps AS (
    SELECT
        subscription_id,
        what,
        sum(events) - 1 AS gaps,
        max(last_at) - min(first_at) AS seconds,
        sum(gap_seconds_squared + coalesce(night * night, 0)) AS seconds_squared
    FROM days
    GROUP BY subscription_id, what
)

SELECT
    subscription_id,
    max(ratio(seconds, gaps)) FILTER (WHERE what = 'text') AS text_gap_mean_30d,
    max(deviation(seconds_squared, seconds, gaps)) FILTER (WHERE what = 'text') AS text_gap_std_30d,
    max(ratio(seconds, gaps)) FILTER (WHERE what = 'call') AS call_gap_mean_30d,
    max(deviation(seconds_squared, seconds, gaps)) FILTER (WHERE what = 'call') AS call_gap_std_30d
FROM gaps
GROUP BY subscription_id
