-- grain: one file of the delivery that has landed records
-- key: source_file
-- inputs: landed_usage (the delivery day)
SELECT
    source_file,
    count(*) AS rows_landed,
    count(*) FILTER (WHERE event_day < $day) AS rows_late,
    strftime(min(event_at), '%Y-%m-%dT%H:%M:%SZ') AS first_event,
    strftime(max(event_at), '%Y-%m-%dT%H:%M:%SZ') AS last_event,
    string_agg(DISTINCT event_day::VARCHAR, ',' ORDER BY event_day::VARCHAR) AS event_days
FROM landed_usage
GROUP BY source_file
ORDER BY source_file
