-- Warning check: mismatches inside the order store that somebody must repair.
-- grain: one row
-- key: none
-- inputs: reconciliation
SELECT
    count(*) FILTER (WHERE severity = 'fault') AS failing,
    count(*) AS mismatches
FROM reconciliation
