-- Blocking check: pairs of intervals of one subscription that overlap.
-- grain: one row
-- key: none
-- inputs: subscription_holdings
SELECT
    count(*) FILTER (WHERE previous_end IS NULL OR valid_from < previous_end) AS failing,
    count(*) AS neighbours
FROM (
    SELECT
        valid_from,
        lag(valid_to) OVER held AS previous_end,
        row_number() OVER held AS place
    FROM subscription_holdings
    WINDOW held AS (PARTITION BY subscription_id ORDER BY valid_from)
)
WHERE place > 1
