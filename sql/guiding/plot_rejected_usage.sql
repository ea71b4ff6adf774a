-- Plot: rejected records by source and reason.
-- grain: one row a source and reason
-- key: series, x
-- inputs: rejected_usage
SELECT
    source AS series,
    reason AS x,
    count(*) AS y
FROM rejected_usage
GROUP BY source, reason
ORDER BY reason, source
