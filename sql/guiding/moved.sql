-- SIMs, numbers and subscriptions that the night before knew to be held otherwise that day.
-- Holdings are cut to the day: what ends after it is no difference. Nothing if nothing of the
-- day was guided before.
-- grain: one SIM, number or subscription
-- key: moved_kind, moved_key
-- inputs: number_holdings, subscription_holdings, old_number_holdings,
--         old_subscription_holdings, old_guided
WITH holding AS (
    SELECT
        TRUE AS tonight,
        key_kind AS moved_kind,
        key AS moved_key,
        subscription_id AS holder,
        valid_from,
        valid_to
    FROM number_holdings
    UNION ALL
    SELECT
        TRUE AS tonight,
        'subscription' AS moved_kind,
        subscription_id AS moved_key,
        party_id AS holder,
        valid_from,
        valid_to
    FROM subscription_holdings
    UNION ALL
    SELECT
        FALSE AS tonight,
        key_kind AS moved_kind,
        key AS moved_key,
        subscription_id AS holder,
        valid_from,
        valid_to
    FROM old_number_holdings
    UNION ALL
    SELECT
        FALSE AS tonight,
        'subscription' AS moved_kind,
        subscription_id AS moved_key,
        party_id AS holder,
        valid_from,
        valid_to
    FROM old_subscription_holdings
)

SELECT DISTINCT
    moved_kind,
    moved_key
FROM (
    SELECT
        moved_kind,
        moved_key,
        holder,
        greatest(valid_from, $day_start) AS since,
        least(coalesce(valid_to, $day_end), $day_end) AS ends
    FROM holding
    WHERE
        valid_from < $day_end
        AND (valid_to IS NULL OR valid_to > $day_start)
        AND EXISTS (SELECT 1 FROM old_guided)
    GROUP BY ALL
    HAVING count(DISTINCT tonight) < 2
)
