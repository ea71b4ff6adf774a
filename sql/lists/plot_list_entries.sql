-- Plot: entries of the joint list by reason and confidence band.
-- grain: one row a reason and band
-- key: series, x
-- inputs: list_entries
SELECT
    'confidence ' || (confidence // 20) * 20 || '+' AS series,
    reason_code AS x,
    count(*) AS y
FROM list_entries
GROUP BY confidence // 20, reason_code
ORDER BY reason_code, confidence // 20
