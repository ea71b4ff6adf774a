-- Plot: lines set aside by source and reason.
-- grain: one row a source and reason
-- key: series, x
-- inputs: usage_quarantine
SELECT
    source AS series,
    reason AS x,
    count(*) AS y
FROM usage_quarantine
GROUP BY source, reason
ORDER BY reason, source
