-- The most subscriptions seen in one of a subscription's devices of the last 7 days.
-- grain: one subscription with a known device
-- key: subscription_id
-- inputs: devices, shared_devices
SELECT
    devices.subscription_id,
    max(coalesce(shared_devices.subscriptions, 1)) AS subscriptions_per_imei_7d
FROM devices
LEFT JOIN shared_devices USING (imei)
WHERE
    devices.imei IS NOT NULL
    AND devices.last_date > $day::DATE - 7
GROUP BY devices.subscription_id
