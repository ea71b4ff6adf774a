-- Warning check: more than 2 % of the day's usage fits nobody.
-- grain: one row
-- key: none
-- inputs: guided_usage, rejected_usage
SELECT
    CASE WHEN rejected > 0.02 * (rejected + guided) THEN rejected ELSE 0 END AS failing,
    rejected,
    guided
FROM (
    SELECT
        (SELECT count(*) FROM guided_usage) AS guided,
        (SELECT count(*) FROM rejected_usage) AS rejected
)
