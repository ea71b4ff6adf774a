-- Blocking check: records of the day that are neither guided nor rejected, or both, or strangers.
-- grain: one row
-- key: none
-- inputs: usage, guided_usage, rejected_usage
SELECT
    count(*) FILTER (
        WHERE received.record_id IS NULL OR outcome.record_id IS NULL OR outcome.times > 1
    ) AS failing,
    count(received.record_id) AS received,
    (SELECT count(*) FROM guided_usage) AS guided,
    (SELECT count(*) FROM rejected_usage) AS rejected
FROM (SELECT record_id FROM usage) AS received
FULL JOIN (
    SELECT
        record_id,
        count(*) AS times
    FROM (
        SELECT record_id FROM guided_usage
        UNION ALL
        SELECT record_id FROM rejected_usage
    )
    GROUP BY record_id
) AS outcome USING (record_id)
