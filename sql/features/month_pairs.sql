-- Who had to do with whom in the last 30 days and, of it, in the last 7; one bucket, never written.
-- Grouping a month of pairs is the largest part of a night, so it is done once, and four sums at a
-- time: as 32-bit fields of one number, from the top week and month of the first counter, week
-- and month of the second. A sum of its own for each would take 24 bytes a pair, four times as
-- much. The day before the month counts for nothing but that the other was known then.
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
        sum(((sms_out * weight)::HUGEINT << 64) + sms_in * weight) AS texts,
        sum(((calls_out * weight)::HUGEINT << 64) + calls_in * weight) AS calls,
        sum(
            ((one_ring_calls * weight)::HUGEINT << 64)
            -- nobody asks for a week's seconds: their place is for the day before the month
            + CASE WHEN weight = 0 THEN 1::BIGINT << 32 ELSE call_seconds_out + call_seconds_in END
        ) AS talk
    FROM weighed
    GROUP BY subscription_id, other_party
)

SELECT
    subscription_id,
    other_party,
    prefix7,
    ((texts >> 64) & 4294967295)::INTEGER AS sms_out,
    (texts & 4294967295)::INTEGER AS sms_in,
    ((calls >> 64) & 4294967295)::INTEGER AS calls_out,
    (calls & 4294967295)::INTEGER AS calls_in,
    ((talk >> 64) & 4294967295)::INTEGER AS one_ring_calls,
    (talk & 4294967295)::INTEGER AS call_seconds,
    (texts >> 96)::INTEGER AS week_sms_out,
    ((texts >> 32) & 4294967295)::INTEGER AS week_sms_in,
    (calls >> 96)::INTEGER AS week_calls_out,
    ((calls >> 32) & 4294967295)::INTEGER AS week_calls_in,
    (talk >> 96)::INTEGER AS week_one_ring_calls,
    ((talk >> 32) & 4294967295) > 0 AS before_month
FROM summed
