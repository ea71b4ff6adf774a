-- How much of a subscription's usage of the last 30 days was in its most used device.
-- grain: one subscription with a known device
-- key: subscription_id
-- inputs: devices
SELECT
    subscription_id,
    ratio(max(records), sum(records)) AS main_device_share_30d
FROM (
    SELECT
        subscription_id,
        imei,
        sum(records)::BIGINT AS records
    FROM devices
    WHERE imei IS NOT NULL
    GROUP BY subscription_id, imei
)
GROUP BY subscription_id
