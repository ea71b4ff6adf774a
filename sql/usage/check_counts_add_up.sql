-- Blocking check: received = landed + quarantined + duplicate, and the tables hold those rows.
-- grain: one row
-- key: none
-- inputs: usage_files, landed_usage, usage_quarantine
SELECT
    (
        count(*) FILTER (
            WHERE status = 'loaded' AND rows_received <> rows_landed + rows_quarantined + rows_duplicate
        )
        + abs(coalesce(sum(rows_landed), 0) - (SELECT count(*) FROM landed_usage))
        + abs(coalesce(sum(rows_quarantined), 0) - (SELECT count(*) FROM usage_quarantine))
    )::BIGINT AS failing,
    count(*) AS files,
    coalesce(sum(rows_received), 0)::BIGINT AS received,
    coalesce(sum(rows_landed), 0)::BIGINT AS landed,
    coalesce(sum(rows_quarantined), 0)::BIGINT AS quarantined,
    coalesce(sum(rows_duplicate), 0)::BIGINT AS duplicate
FROM usage_files
