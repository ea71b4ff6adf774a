-- Plot: complaints by category and whether the reported number was ours.
-- grain: one row a category and holder answer
-- key: series, x
-- inputs: complaints
SELECT
    CASE WHEN subscription_id IS NULL THEN 'not ours' ELSE 'ours' END AS series,
    category AS x,
    count(*) AS y
FROM complaints
GROUP BY CASE WHEN subscription_id IS NULL THEN 'not ours' ELSE 'ours' END, category
ORDER BY category, series
