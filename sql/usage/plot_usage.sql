-- Plot: records by local hour and usage type.
-- grain: one row a usage type and hour
-- key: series, x
-- inputs: usage
SELECT
    usage_type AS series,
    (epoch(event_at - $day_start) // 3600)::INTEGER AS x,
    count(*) AS y
FROM usage
GROUP BY usage_type, (epoch(event_at - $day_start) // 3600)::INTEGER
ORDER BY usage_type DESC, x
