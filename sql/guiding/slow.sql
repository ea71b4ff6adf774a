-- Usage that `quick` left open, against every holding of the day, to the microsecond:
-- the IMSI's holder at event_at, else the MSISDN's; both known and different is nobody.
-- What is rejected has no bucket.
-- grain: one usage record
-- key: record_id
-- inputs: quick, number_holdings, subscription_holdings
-- noqa: disable=RF04
WITH wanted AS (
    SELECT
        'imsi' AS key_kind,
        served_imsi AS key
    FROM quick
    WHERE subscription_id IS NULL
    UNION ALL
    SELECT
        'msisdn' AS key_kind,
        served_msisdn AS key
    FROM quick
    WHERE subscription_id IS NULL
),

-- all holdings of the country beside each other would take most of a night's memory
holding AS (
    SELECT
        key_kind,
        key,
        subscription_id,
        valid_from,
        coalesce(valid_to, $day_end) AS valid_to
    FROM number_holdings
    SEMI JOIN wanted USING (key_kind, key)
    WHERE
        valid_from < $day_end
        AND (valid_to IS NULL OR valid_to > $day_start)
),

owner AS (
    SELECT
        subscription_id,
        party_id,
        valid_from,
        coalesce(valid_to, $day_end) AS valid_to
    FROM subscription_holdings
    SEMI JOIN holding USING (subscription_id)
    WHERE
        valid_from < $day_end
        AND (valid_to IS NULL OR valid_to > $day_start)
),

held AS (
    SELECT
        open.* EXCLUDE (subscription_id, party_id, bucket),
        sim.subscription_id AS by_imsi,
        number.subscription_id AS by_msisdn
    FROM quick AS open
    LEFT JOIN holding AS sim
        ON
            sim.key_kind = 'imsi'
            AND sim.key = open.served_imsi
            AND open.event_at >= sim.valid_from
            AND open.event_at < sim.valid_to
    LEFT JOIN holding AS number
        ON
            number.key_kind = 'msisdn'
            AND number.key = open.served_msisdn
            AND open.event_at >= number.valid_from
            AND open.event_at < number.valid_to
    WHERE open.subscription_id IS NULL
)

SELECT
    held.* EXCLUDE (by_imsi, by_msisdn), -- noqa: AM04
    CASE
        WHEN held.by_imsi <> held.by_msisdn THEN 'imsi_msisdn_disagree'
        WHEN coalesce(held.by_imsi, held.by_msisdn) IS NULL THEN 'no_holder'
        WHEN owner.party_id IS NULL THEN 'no_party'
    END AS reason,
    coalesce(held.by_imsi, held.by_msisdn) AS subscription_id,
    owner.party_id,
    CASE
        WHEN reason IS NULL THEN (abs(coalesce(held.by_imsi, held.by_msisdn)) % $buckets)::SMALLINT
    END AS bucket,
    CASE WHEN held.by_imsi IS NULL THEN 'msisdn' ELSE 'imsi' END AS guided_by
FROM held
LEFT JOIN owner
    ON
        owner.subscription_id = coalesce(held.by_imsi, held.by_msisdn)
        AND held.event_at >= owner.valid_from
        AND held.event_at < owner.valid_to
