-- Into which number prefixes (号段) it sent or called in the last 1, 7 and 30 days; one bucket.
-- grain: one (subscription, window) that reached a mobile number
-- key: subscription_id, span
-- inputs: month_pairs, daily_pairs
WITH reached AS (
    SELECT
        subscription_id,
        prefix7,
        count(*) AS in_month,
        count_if(week_sms_out + week_calls_out > 0) AS in_week
    FROM month_pairs
    WHERE
        prefix7 IS NOT NULL
        AND sms_out + calls_out > 0
    GROUP BY subscription_id, prefix7
),

destination AS (
    SELECT
        1 AS span,
        subscription_id,
        count(*) AS numbers
    FROM daily_pairs
    WHERE
        date = $day
        AND prefix7 IS NOT NULL
        AND sms_out + calls_out > 0
    GROUP BY subscription_id, prefix7
    UNION ALL
    SELECT
        7 AS span,
        subscription_id,
        in_week
    FROM reached
    WHERE in_week > 0
    UNION ALL
    SELECT
        30 AS span,
        subscription_id,
        in_month
    FROM reached
)

SELECT
    subscription_id,
    span,
    count(*) AS prefixes,
    sum(numbers)::BIGINT AS mobile_reached,
    sum(log_weight(numbers)) AS numbers_log
FROM destination
GROUP BY subscription_id, span
