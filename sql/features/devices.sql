-- Devices and SIMs of the last 30 days, each with the last day it was used; one bucket.
-- grain: one (subscription, IMEI, IMSI)
-- key: subscription_id, imei, imsi
-- inputs: daily_devices
SELECT
    subscription_id,
    imei,
    imsi,
    sum(records)::BIGINT AS records,
    max(date) AS last_date
FROM daily_devices
GROUP BY subscription_id, imei, imsi
