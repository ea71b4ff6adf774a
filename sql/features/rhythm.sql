-- Gaps between messages and between calls, either way, of the last 30 days, midnights included.
-- The gaps add up to the last second less the first; their squares are the days' own and those
-- of the gaps from one day with any to the next.
-- grain: one subscription with usage
-- key: subscription_id
-- inputs: daily_usage
WITH days AS (
    SELECT
        subscription_id,
        date,
        sms_out + sms_in AS texts,
        calls_out + calls_in AS calls,
        text_gap_seconds_squared,
        call_gap_seconds_squared,
        (date - $day::DATE) * 86400 + first_text_second AS first_text,
        (date - $day::DATE) * 86400 + last_text_second AS last_text,
        (date - $day::DATE) * 86400 + first_call_second AS first_call,
        (date - $day::DATE) * 86400 + last_call_second AS last_call
    FROM daily_usage
),

nights AS (
    SELECT
        *,
        first_text - lag(last_text IGNORE NULLS) OVER earlier AS text_night,
        first_call - lag(last_call IGNORE NULLS) OVER earlier AS call_night
    FROM days
    WINDOW earlier AS (PARTITION BY subscription_id ORDER BY date)
),

gaps AS (
    SELECT
        subscription_id,
        sum(texts) - 1 AS text_gaps,
        max(last_text) - min(first_text) AS text_seconds,
        sum(text_gap_seconds_squared + coalesce(text_night * text_night, 0)) AS text_squared,
        sum(calls) - 1 AS call_gaps,
        max(last_call) - min(first_call) AS call_seconds,
        sum(call_gap_seconds_squared + coalesce(call_night * call_night, 0)) AS call_squared
    FROM nights
    GROUP BY subscription_id
)

SELECT
    subscription_id,
    ratio(text_seconds, text_gaps) AS text_gap_mean_30d,
    deviation(text_squared, text_seconds, text_gaps) AS text_gap_std_30d,
    ratio(call_seconds, call_gaps) AS call_gap_mean_30d,
    deviation(call_squared, call_seconds, call_gaps) AS call_gap_std_30d
FROM gaps
