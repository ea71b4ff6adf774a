-- Plot: guided records by source and by what they were guided.
-- grain: one row a source and way
-- key: series, x
-- inputs: guided_usage
SELECT
    guided_by AS series,
    source AS x,
    count(*) AS y
FROM guided_usage
GROUP BY guided_by, source
ORDER BY source, guided_by
