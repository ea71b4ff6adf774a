-- Subscriptions whose partials of the day must be made: new, gone or changed; one bucket.
-- grain: one subscription
-- key: subscription_id
-- inputs: fingerprints, old_usage
SELECT subscription_id
FROM fingerprints
FULL JOIN old_usage USING (subscription_id)
WHERE fingerprints.fingerprint IS DISTINCT FROM old_usage.fingerprint
