-- grain: one event day with landed records
-- key: event_day
-- inputs: landed_usage (deliveries that may hold the event days, none after the night's)
SELECT
    event_day,
    count(*) AS records
FROM landed_usage
WHERE date BETWEEN event_day - 1 AND event_day + $late_days::INTEGER
GROUP BY event_day
ORDER BY event_day
