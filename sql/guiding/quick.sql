-- Usage not guided before, or no longer so, with its subscription where SIM and number settle it by one
-- equality join.
-- Null subscription and bucket: left to `slow`. Self-held usage is its own subscription.
-- grain: one usage record
-- key: record_id
-- inputs: usage, old_guided, gone, steady
WITH kept AS (
    SELECT
        record_id,
        source_file,
        source_line
    FROM old_guided
    ANTI JOIN gone USING (record_id)
),

fresh AS (
    SELECT *
    FROM usage
    ANTI JOIN kept USING (record_id, source_file, source_line)
),

settled AS (
    SELECT
        fresh.* EXCLUDE (delivered, date), -- noqa: AM04
        CASE
            WHEN fresh.self_held THEN coalesce(fresh.served_msisdn, fresh.served_imsi)
            ELSE steady.subscription_id
        END AS subscription_id,
        CASE
            WHEN fresh.self_held THEN coalesce(fresh.served_msisdn, fresh.served_imsi)
            ELSE steady.party_id
        END AS party_id
    FROM fresh
    LEFT JOIN steady
        ON
            fresh.served_imsi = steady.served_imsi
            AND fresh.served_msisdn = steady.served_msisdn
)

SELECT
    *, -- noqa: AM04
    (abs(subscription_id) % $buckets)::SMALLINT AS bucket
FROM settled
