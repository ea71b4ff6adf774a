-- Who had to do with whom in the last 30 days and, of it, in the last 7; one bucket, never written.
-- Grouping 30 days of pairs is most of the cost of a night, so it is done once for both: a
-- counter times its day's weight adds up to the month in the lower 32 bits of the sum and to
-- the week in the upper. The day before the month weighs nothing: it tells who was known.
-- grain: one (subscription, other party); all counters 0 if only the day before the month has it
-- key: subscription_id, other_party
-- inputs: daily_pairs
WITH weighed AS (
    SELECT
        *,
        CASE
            WHEN date > $day::DATE - 7 THEN (1::BIGINT << 32) + 1
            WHEN date > $day::DATE - 30 THEN 1
            ELSE 0
        END AS weight
    FROM daily_pairs
),

summed AS (
    SELECT
        subscription_id,
        other_party,
        any_value(prefix7) AS prefix7,
        sum(sms_out * weight)::BIGINT AS sms_out,
        sum(sms_in * weight)::BIGINT AS sms_in,
        sum(calls_out * weight)::BIGINT AS calls_out,
        sum(calls_in * weight)::BIGINT AS calls_in,
        sum(one_ring_calls * weight)::BIGINT AS one_ring_calls,
        -- seconds of the week are not asked for: their place is for the day before the month
        sum(
            CASE WHEN weight = 0 THEN 1::BIGINT << 32 ELSE call_seconds_out + call_seconds_in END
        )::BIGINT AS call_seconds
    FROM weighed
    GROUP BY subscription_id, other_party
)

SELECT
    subscription_id,
    other_party,
    prefix7,
    (sms_out & 4294967295)::INTEGER AS sms_out,
    (sms_in & 4294967295)::INTEGER AS sms_in,
    (calls_out & 4294967295)::INTEGER AS calls_out,
    (calls_in & 4294967295)::INTEGER AS calls_in,
    (one_ring_calls & 4294967295)::INTEGER AS one_ring_calls,
    (call_seconds & 4294967295)::INTEGER AS call_seconds,
    (sms_out >> 32)::INTEGER AS week_sms_out,
    (sms_in >> 32)::INTEGER AS week_sms_in,
    (calls_out >> 32)::INTEGER AS week_calls_out,
    (calls_in >> 32)::INTEGER AS week_calls_in,
    (one_ring_calls >> 32)::INTEGER AS week_one_ring_calls,
    call_seconds >> 32 > 0 AS before_month
FROM summed
