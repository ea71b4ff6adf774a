-- Blocking check: subscriptions with usage on the day that have not exactly one row of features.
-- grain: one row
-- key: none
-- inputs: daily_usage, features
SELECT
    count(*) FILTER (WHERE coalesce(feature_rows.times, 0) <> 1) AS failing,
    count(*) AS active
FROM daily_usage
LEFT JOIN (
    SELECT
        subscription_id,
        count(*) AS times
    FROM features
    GROUP BY subscription_id
) AS feature_rows USING (subscription_id)
