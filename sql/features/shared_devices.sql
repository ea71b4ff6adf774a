-- Devices seen with more than one subscription in the last 7 days; over all buckets.
-- grain: one device
-- key: imei
-- inputs: daily_devices
SELECT
    imei,
    count(*) AS subscriptions
FROM (
    SELECT DISTINCT
        imei,
        subscription_id
    FROM daily_devices
    WHERE
        imei IS NOT NULL
        AND date > $day::DATE - 7
)
GROUP BY imei
HAVING count(*) > 1
