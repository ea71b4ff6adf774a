-- Warning check: active subscriptions without an MSISDN in force.
-- grain: one row
-- key: none
-- inputs: subscriptions, number_holdings
SELECT
    count(*) FILTER (WHERE number.subscription_id IS NULL) AS failing,
    count(*) AS active
FROM subscriptions
LEFT JOIN (
    SELECT DISTINCT subscription_id
    FROM number_holdings
    WHERE key_kind = 'msisdn' AND valid_from <= $known_at AND (valid_to IS NULL OR valid_to > $known_at)
) AS number USING (subscription_id)
WHERE subscriptions.status = 'active'
