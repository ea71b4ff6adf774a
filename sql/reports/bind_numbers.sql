-- Who held each reported number at the instant it was reported for, and who holds it now.
-- A number is nobody's (null) while it ages, was another operator's or never was issued.
-- grain: one reported number and instant
-- key: row_id
-- inputs: reported (row_id, number, held_at), number_holdings, subscription_holdings
WITH numbers AS (
    SELECT
        key AS number,
        subscription_id,
        valid_from,
        valid_to
    FROM number_holdings
    WHERE key_kind = 'msisdn'
),

then_held AS (
    SELECT
        reported.row_id,
        numbers.subscription_id,
        holdings.party_id
    FROM reported
    INNER JOIN numbers
        ON
            reported.number = numbers.number
            AND reported.held_at >= numbers.valid_from
            AND (numbers.valid_to IS NULL OR reported.held_at < numbers.valid_to)
    LEFT JOIN subscription_holdings AS holdings
        ON
            numbers.subscription_id = holdings.subscription_id
            AND reported.held_at >= holdings.valid_from
            AND (holdings.valid_to IS NULL OR reported.held_at < holdings.valid_to)
),

now_held AS (
    SELECT
        reported.row_id,
        numbers.subscription_id,
        holdings.party_id
    FROM reported
    INNER JOIN numbers
        ON
            reported.number = numbers.number
            AND numbers.valid_from <= $known_at
            AND (numbers.valid_to IS NULL OR $known_at < numbers.valid_to)
    LEFT JOIN subscription_holdings AS holdings
        ON
            numbers.subscription_id = holdings.subscription_id
            AND holdings.valid_from <= $known_at
            AND (holdings.valid_to IS NULL OR $known_at < holdings.valid_to)
)

SELECT
    reported.row_id,
    then_held.subscription_id,
    then_held.party_id,
    now_held.subscription_id AS subscription_now,
    now_held.party_id AS party_now,
    CASE
        WHEN then_held.party_id IS NULL THEN 'no_data'
        WHEN then_held.party_id = now_held.party_id THEN 'yes'
        ELSE 'no'
    END AS same_holder
FROM reported
LEFT JOIN then_held ON reported.row_id = then_held.row_id
LEFT JOIN now_held ON reported.row_id = now_held.row_id
ORDER BY reported.row_id
