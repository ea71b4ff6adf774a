-- Plot: labels by class, reason and state.
-- grain: one row a class, reason and state
-- key: series, x
-- inputs: labels
SELECT
    CASE WHEN effective THEN state ELSE state || ', not effective' END AS series,
    class_code || ' ' || reason_code AS x,
    count(*) AS y
FROM labels
GROUP BY CASE WHEN effective THEN state ELSE state || ', not effective' END, class_code, reason_code
ORDER BY class_code, reason_code, series
