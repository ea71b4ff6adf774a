-- Blocking check: entries without reason, confidence or an end after their start.
-- grain: one row
-- key: none
-- inputs: list_entries
SELECT
    count(*) FILTER (
        WHERE
        reason_code IS NULL
        OR confidence IS NULL
        OR confidence NOT BETWEEN 0 AND 100
        OR valid_until IS NULL
        OR valid_until <= valid_from
    ) AS failing,
    count(*) AS entries
FROM list_entries
