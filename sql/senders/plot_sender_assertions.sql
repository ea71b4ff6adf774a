-- Plot: flagged subscriptions by rule and level.
-- grain: one row a rule and level
-- key: series, x
-- inputs: sender_assertions
SELECT
    level AS series,
    source_ref AS x,
    count(*) AS y
FROM sender_assertions
GROUP BY level, source_ref
ORDER BY source_ref, level
