-- With how many others, and how evenly, in the last 1, 7 and 30 days; one bucket, never written.
-- A pair has at least one message or call on each of its days, so one with more of them in the
-- month than in the window was met before it.
-- grain: one (subscription, window) with a known other party
-- key: subscription_id, span
-- inputs: month_pairs, daily_pairs
WITH today AS (
    SELECT
        daily_pairs.*,
        month_pairs.before_month
        OR month_pairs.sms_out + month_pairs.sms_in + month_pairs.calls_out + month_pairs.calls_in
        > daily_pairs.sms_out + daily_pairs.sms_in + daily_pairs.calls_out + daily_pairs.calls_in
            AS met_before
    FROM daily_pairs
    INNER JOIN month_pairs USING (subscription_id, other_party)
    WHERE daily_pairs.date = $day
),

pair AS (
    SELECT
        1 AS span,
        subscription_id,
        sms_out,
        sms_in,
        calls_out,
        calls_in,
        one_ring_calls,
        met_before
    FROM today
    UNION ALL
    SELECT
        7 AS span,
        subscription_id,
        week_sms_out,
        week_sms_in,
        week_calls_out,
        week_calls_in,
        week_one_ring_calls,
        before_month
        OR sms_out + sms_in + calls_out + calls_in
        > week_sms_out + week_sms_in + week_calls_out + week_calls_in AS met_before
    FROM month_pairs
    WHERE week_sms_out + week_sms_in + week_calls_out + week_calls_in > 0
    UNION ALL
    SELECT
        30 AS span,
        subscription_id,
        sms_out,
        sms_in,
        calls_out,
        calls_in,
        one_ring_calls,
        -- nothing is remembered from before the month but a day
        FALSE AS met_before
    FROM month_pairs
),

counted AS (
    SELECT
        *,
        sms_out + sms_in AS texts,
        calls_out + calls_in AS calls,
        sms_out + calls_out AS sent,
        sms_in + calls_in AS received
    FROM pair
)

SELECT
    subscription_id,
    span,
    count_if(sms_out > 0) AS recipients,
    count_if(calls_out > 0) AS callees,
    count_if(sent > 0) AS reached,
    count_if(sent > 0 AND met_before) AS met_before,
    count_if(received > 0) AS contacts_in,
    count_if(sent > 0 AND received > 0) AS reciprocated,
    sum(CASE WHEN sent > 0 THEN received ELSE 0 END)::BIGINT AS responses,
    sum(CASE WHEN one_ring_calls > 0 THEN calls_in ELSE 0 END)::BIGINT AS callbacks,
    max(sms_out) AS sms_per_recipient_max,
    count_if(sent = 1 AND received = 0) AS tried_once,
    count_if(texts > 0) AS text_contacts,
    count_if(calls > 0) AS call_contacts,
    sum(texts)::BIGINT AS texts,
    sum(calls)::BIGINT AS calls,
    sum(sms_out)::BIGINT AS texts_out,
    sum(calls_out)::BIGINT AS calls_out,
    sum(texts::BIGINT * texts) AS texts_squared,
    sum(calls::BIGINT * calls) AS calls_squared,
    sum(log_weight(texts)) AS texts_log,
    sum(log_weight(calls)) AS calls_log
FROM counted
GROUP BY subscription_id, span
