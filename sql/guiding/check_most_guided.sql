-- A day nobody can be found for: the orders are not those of this usage.
-- grain: one row
-- key: none
-- inputs: guided_usage, rejected_usage
WITH counted AS (
    SELECT
        (SELECT count(*) FROM guided_usage) AS guided,
        (SELECT count(*) FROM rejected_usage) AS rejected
)

SELECT
    CASE WHEN rejected > guided THEN rejected ELSE 0 END AS failing,
    guided,
    rejected
FROM counted
