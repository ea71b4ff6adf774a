-- Subscriptions that get features: any usage in the last 30 days; one bucket.
-- grain: one subscription
-- key: subscription_id
-- inputs: daily_usage
SELECT DISTINCT subscription_id
FROM daily_usage
WHERE date > $day::DATE - 30
