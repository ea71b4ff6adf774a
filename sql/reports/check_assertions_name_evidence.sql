-- Blocking check: assertions without evidence or with a score outside 0-100.
-- grain: one row
-- key: none
-- inputs: report_assertions
SELECT
    count(*) FILTER (
        WHERE evidence IS NULL OR evidence IN ('', '{}') OR score NOT BETWEEN 0 AND 100 OR score IS NULL
    ) AS failing,
    count(*) AS assertions
FROM report_assertions
