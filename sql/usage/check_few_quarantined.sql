-- Warning check: files of which more than 2 % of the lines were set aside.
-- grain: one row
-- key: none
-- inputs: usage_files
SELECT
    count(*) FILTER (WHERE rows_quarantined > 0.02 * rows_received) AS failing,
    coalesce(sum(rows_quarantined), 0)::BIGINT AS quarantined,
    coalesce(sum(rows_received), 0)::BIGINT AS received
FROM usage_files
WHERE status = 'loaded'
