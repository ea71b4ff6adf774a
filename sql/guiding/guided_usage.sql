-- Usage with the subscription and party that held it; one bucket.
-- grain: one guided usage record
-- key: record_id
-- inputs: quick, slow, old_guided, gone
SELECT
    *, -- noqa: AM04
    CASE WHEN self_held THEN 'self' ELSE 'imsi' END AS guided_by
FROM quick
WHERE bucket = $bucket
UNION ALL BY NAME
SELECT * EXCLUDE (reason) -- noqa: AM04
FROM slow
WHERE
    reason IS NULL
    AND bucket = $bucket
UNION ALL BY NAME
SELECT * EXCLUDE (date, bucket) -- noqa: AM04
FROM old_guided
ANTI JOIN gone USING (record_id)
