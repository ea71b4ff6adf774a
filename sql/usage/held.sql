-- grain: one event day of one file of landed records
-- key: part, event_day
-- inputs: parts (files of landed records, each row with its file)
SELECT
    part,
    event_day,
    count(*) AS records
FROM parts
GROUP BY part, event_day
ORDER BY part, event_day
