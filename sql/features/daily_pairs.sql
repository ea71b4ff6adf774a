-- Who had to do with whom that day, under pseudonyms; one bucket.
-- grain: one (subscription, other party)
-- key: subscription_id, other_party
-- inputs: pairs, old_pairs, touched
WITH prefixed AS (
    SELECT
        *,
        CASE
            -- 86 and the first seven digits (号段); numbers of things have two more digits
            WHEN is_mobile AND other_party >= 100000000000000 THEN other_party // 1000000
            WHEN is_mobile THEN other_party // 10000
        END AS plain_prefix
    FROM pairs
),

-- a prefix is shared by many pairs: digesting each once saves a third of the digests
prefixes AS (
    SELECT
        plain_prefix,
        pseudonym($pepper, 'prefix', plain_prefix) AS prefix7
    FROM prefixed
    WHERE plain_prefix IS NOT NULL
    GROUP BY plain_prefix
)

SELECT
    prefixed.* EXCLUDE (other_party), -- noqa: AM04
    prefixes.prefix7,
    pseudonym($pepper, 'number', prefixed.other_party) AS other_party
FROM prefixed
LEFT JOIN prefixes USING (plain_prefix)
UNION ALL BY NAME
SELECT * EXCLUDE (date, bucket) -- noqa: AM04
FROM old_pairs
ANTI JOIN touched USING (subscription_id)
