-- The most subscriptions seen in one of a subscription's devices of the last 7 days.
-- grain: one subscription with a known device
-- key: subscription_id
-- inputs: daily_devices, shared_devices
SELECT
    daily_devices.subscription_id,
    max(coalesce(shared_devices.subscriptions, 1)) AS subscriptions_per_imei_7d
FROM daily_devices
LEFT JOIN shared_devices USING (imei)
WHERE
    daily_devices.imei IS NOT NULL
    AND daily_devices.date > $day::DATE - 7
GROUP BY daily_devices.subscription_id
