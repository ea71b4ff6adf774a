-- Who had to do with whom in the days since $since; one bucket, never written.
-- grain: one (subscription, other party)
-- key: subscription_id, other_party
-- inputs: daily_pairs
SELECT
    subscription_id,
    other_party,
    any_value(prefix7) AS prefix7,
    sum(sms_out)::BIGINT AS sms_out,
    sum(calls_out)::BIGINT AS calls_out,
    sum(sms_in + calls_in)::BIGINT AS received,
    sum(calls_in)::BIGINT AS calls_in,
    sum(one_ring_calls)::BIGINT AS one_ring_calls,
    sum(sms_out + sms_in)::BIGINT AS texts,
    sum(calls_out + calls_in)::BIGINT AS calls,
    sum(call_seconds_out + call_seconds_in)::BIGINT AS call_seconds
FROM daily_pairs
WHERE date >= $since
GROUP BY subscription_id, other_party
