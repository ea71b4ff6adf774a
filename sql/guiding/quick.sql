-- Usage with its subscription where SIM and number settle it by one equality join.
-- Null subscription: left to `slow`. Self-held usage is its own subscription.
-- Clustered by bucket, so that a bucket is read without passing over the others.
-- grain: one usage record
-- key: record_id
-- inputs: usage, steady
WITH settled AS (
    SELECT
        usage.* EXCLUDE (delivered, date), -- noqa: AM04
        CASE
            WHEN usage.self_held THEN coalesce(usage.served_msisdn, usage.served_imsi)
            ELSE steady.subscription_id
        END AS subscription_id,
        CASE
            WHEN usage.self_held THEN coalesce(usage.served_msisdn, usage.served_imsi)
            ELSE steady.party_id
        END AS party_id
    FROM usage
    LEFT JOIN steady
        ON
            usage.served_imsi = steady.served_imsi
            AND usage.served_msisdn = steady.served_msisdn
)

SELECT
    *, -- noqa: AM04
    (abs(subscription_id) % $buckets)::SMALLINT AS bucket
FROM settled
ORDER BY bucket, subscription_id, event_at, record_id
