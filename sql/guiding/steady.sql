-- SIM and number that one subscription of one party held together for the whole day.
-- grain: one (IMSI, MSISDN) pair
-- key: served_imsi, served_msisdn
-- inputs: number_holdings, subscription_holdings
WITH whole_day AS (
    SELECT
        key_kind,
        key,
        subscription_id
    FROM number_holdings
    WHERE
        valid_from <= $day_start
        AND (valid_to IS NULL OR valid_to >= $day_end)
),

owner AS (
    SELECT
        subscription_id,
        party_id
    FROM subscription_holdings
    WHERE
        valid_from <= $day_start
        AND (valid_to IS NULL OR valid_to >= $day_end)
)

SELECT
    sim.key AS served_imsi,
    number.key AS served_msisdn,
    owner.subscription_id,
    owner.party_id
FROM whole_day AS sim
INNER JOIN whole_day AS number USING (subscription_id)
INNER JOIN owner USING (subscription_id)
WHERE
    sim.key_kind = 'imsi'
    AND number.key_kind = 'msisdn'
