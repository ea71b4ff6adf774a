-- Conversations of messages (短信会话) of the day; one bucket, never written.
-- A message starts one if it is the first event with that party, if an hour or more has passed
-- since the last, or if that was a call; a call is never part of one. A reply is a message sent
-- right after one received in the same conversation; one in the same second is not a reply.
-- grain: one subscription with messages from or to a known party
-- key: subscription_id
-- inputs: events, pairs
WITH talk AS (
    SELECT
        subscription_id,
        other_party,
        event_at,
        record_id,
        is_sms,
        is_out,
        at_second - lag(at_second) OVER earlier AS gap,
        lag(is_sms) OVER earlier AS after_text,
        lag(is_out) OVER earlier AS after_out
    FROM events
    SEMI JOIN (
        SELECT
            subscription_id,
            other_party
        FROM pairs
        WHERE
            sms_out + sms_in > 0
            AND sms_out + sms_in + calls_out + calls_in > 1
    ) USING (subscription_id, other_party)
    WHERE is_sms OR is_voice
    WINDOW earlier AS (PARTITION BY subscription_id, other_party ORDER BY event_at, record_id)
),

-- all that counts: where a conversation starts, and where it turns from received to sent
turn AS (
    SELECT
        subscription_id,
        other_party,
        event_at,
        record_id,
        is_out,
        gap,
        (after_text AND gap < 3600) IS NOT TRUE AS begins
    FROM talk
    WHERE
        is_sms
        AND (
            (after_text AND gap < 3600) IS NOT TRUE
            OR (is_out AND NOT after_out)
        )
),

-- the first turn of a conversation that was started by the other is its answer
answered AS (
    SELECT
        *,
        lag(begins AND NOT is_out) OVER (
            PARTITION BY subscription_id, other_party ORDER BY event_at, record_id
        ) AS after_start_by_other
    FROM turn
),

counted AS (
    SELECT
        subscription_id,
        count(*) FILTER (WHERE begins) AS conversations,
        count(*) FILTER (WHERE begins AND is_out) AS conversations_out,
        count(*) FILTER (WHERE after_start_by_other AND NOT begins) AS conversations_answered,
        count(*) FILTER (WHERE NOT begins AND gap > 0) AS replies,
        sum(gap) FILTER (WHERE NOT begins) AS reply_seconds,
        sum(gap::BIGINT * gap) FILTER (WHERE NOT begins) AS reply_seconds_squared
    FROM answered
    GROUP BY subscription_id
    UNION ALL BY NAME
    -- a lone message is a conversation; most are, and need no order
    SELECT
        subscription_id,
        count(*) AS conversations,
        sum(sms_out) AS conversations_out,
        0 AS conversations_answered,
        0 AS replies
    FROM pairs
    WHERE
        sms_out + sms_in = 1
        AND calls_out + calls_in = 0
    GROUP BY subscription_id
)

SELECT
    subscription_id,
    sum(conversations)::BIGINT AS conversations,
    sum(conversations_out)::BIGINT AS conversations_out,
    sum(conversations_answered)::BIGINT AS conversations_answered,
    sum(replies)::BIGINT AS replies,
    coalesce(sum(reply_seconds), 0)::BIGINT AS reply_seconds,
    coalesce(sum(reply_seconds_squared), 0)::BIGINT AS reply_seconds_squared
FROM counted
GROUP BY subscription_id
