-- Which devices and SIMs a subscription used that day, under pseudonyms; one bucket.
-- grain: one (subscription, IMEI, IMSI)
-- key: subscription_id, imei, imsi
-- inputs: events, old_devices, touched
WITH device AS (
    SELECT
        subscription_id,
        nullif(served_imei, 0) AS served_imei,
        served_imsi,
        count(*) AS records
    FROM events
    GROUP BY ALL
)

SELECT
    subscription_id,
    CASE WHEN served_imei IS NOT NULL THEN pseudonym($pepper, 'imei', served_imei) END AS imei,
    CASE WHEN served_imsi IS NOT NULL THEN pseudonym($pepper, 'imsi', served_imsi) END AS imsi,
    records
FROM device
WHERE
    served_imei IS NOT NULL
    OR served_imsi IS NOT NULL
UNION ALL BY NAME
SELECT * EXCLUDE (date, bucket) -- noqa: AM04
FROM old_devices
ANTI JOIN touched USING (subscription_id)
