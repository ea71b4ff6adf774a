-- Plot: lines by source and what became of them.
-- grain: one row a source and outcome
-- key: series, x
-- inputs: usage_files
UNPIVOT (
    SELECT
        source AS x,
        sum(rows_landed)::BIGINT AS landed,
        sum(rows_duplicate)::BIGINT AS duplicate,
        sum(rows_quarantined)::BIGINT AS quarantined
    FROM usage_files
    GROUP BY source
) ON landed, duplicate, quarantined INTO NAME series VALUE y
ORDER BY x, series DESC
