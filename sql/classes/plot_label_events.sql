-- Plot: label events by action and class.
-- grain: one row an action and class
-- key: series, x
-- inputs: label_events
SELECT
    action AS series,
    class_code || ' ' || reason_code AS x,
    count(*) AS y
FROM label_events
GROUP BY action, class_code, reason_code
ORDER BY class_code, reason_code, action
