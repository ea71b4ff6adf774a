-- Blocking check: record ids that stand more than once in the event day.
-- grain: one row
-- key: none
-- inputs: usage
SELECT
    count(*) - count(DISTINCT record_id) AS failing,
    count(*) AS records
FROM usage
