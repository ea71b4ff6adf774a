-- Who had to do with whom in the days since $since; one bucket, never written.
-- grain: one (subscription, other party)
-- key: subscription_id, other_party
-- inputs: daily_pairs
SELECT
    *,
    sms_out + sms_in AS texts,
    calls_out + calls_in AS calls,
    sms_in + calls_in AS received
FROM (
    -- no more sums than are needed: each costs a tenth of the whole
    SELECT
        subscription_id,
        other_party,
        any_value(prefix7) AS prefix7,
        sum(sms_out)::BIGINT AS sms_out,
        sum(sms_in)::BIGINT AS sms_in,
        sum(calls_out)::BIGINT AS calls_out,
        sum(calls_in)::BIGINT AS calls_in,
        sum(one_ring_calls)::BIGINT AS one_ring_calls,
        sum(call_seconds_out + call_seconds_in)::BIGINT AS call_seconds
    FROM daily_pairs
    WHERE date >= $since
    GROUP BY subscription_id, other_party
)
