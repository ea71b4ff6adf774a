-- Messages that only continue a long one: same direction, other party and message reference within
-- ten minutes of the one before; one bucket.
-- grain: one usage record
-- key: record_id
-- inputs: guided_usage
WITH message AS (
    SELECT
        record_id,
        event_at,
        subscription_id,
        direction,
        other_party,
        message_ref
    FROM guided_usage
    WHERE
        usage_type = 'sms'
        AND message_ref IS NOT NULL
        AND other_party IS NOT NULL
),

-- few messages are long: ordering only those is cheaper than ordering all
repeated AS (
    SELECT
        subscription_id,
        direction,
        other_party,
        message_ref
    FROM message
    GROUP BY subscription_id, direction, other_party, message_ref
    HAVING count(*) > 1
)

SELECT record_id
FROM (
    SELECT
        record_id,
        event_at - lag(event_at) OVER (
            PARTITION BY subscription_id, direction, other_party, message_ref
            ORDER BY event_at, record_id
        ) AS since_last
    FROM message
    INNER JOIN repeated USING (subscription_id, direction, other_party, message_ref)
)
WHERE since_last <= INTERVAL 10 MINUTE
