-- Plot: assertions by source and reason.
-- grain: one row a source and reason
-- key: series, x
-- inputs: report_assertions
SELECT
    source AS series,
    reason_code AS x,
    count(*) AS y
FROM report_assertions
GROUP BY source, reason_code
ORDER BY reason_code, source
