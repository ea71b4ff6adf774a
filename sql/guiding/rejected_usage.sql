-- Usage that fits nobody, with the reason; recycled when a late order explains it.
-- grain: one rejected usage record
-- key: record_id
-- inputs: slow
SELECT * EXCLUDE (subscription_id, party_id, guided_by, bucket) -- noqa: AM04
FROM slow
WHERE reason IS NOT NULL
