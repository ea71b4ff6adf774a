-- A straightforward DuckDB script for the features of 1, 7 and 30 days from the daily partials:
-- all subscriptions at once, a join to the windows, counts and windows where they come to mind.
CREATE TEMP TABLE span AS SELECT unnest([1, 7, 30]) AS days;

CREATE TEMP TABLE total AS
SELECT
    days,
    subscription_id,
    sum(sms_out) AS sms_out,
    sum(sms_in) AS sms_in,
    sum(calls_out) AS calls_out,
    sum(calls_in) AS calls_in,
    sum(call_seconds_out) AS call_seconds_out,
    sum(call_seconds_in) AS call_seconds_in,
    sum(data_bytes) AS data_bytes,
    sum(spend_fen) AS spend_fen,
    count_if(sms_out + sms_in + calls_out + calls_in > 0) AS active_days,
    sum(night_out) / nullif(sum(sms_out + calls_out), 0) AS night_share,
    max(busiest_hour_out) AS busiest_hour_events,
    max(max_calls_one_callee_hour) AS max_calls_one_callee_hour,
    sum(walking_steps) / nullif(sum(mobile_steps), 0) AS walking_score,
    sum(one_ring_calls) / nullif(sum(calls_out), 0) AS one_ring_share,
    sum(short_calls) / nullif(sum(calls_out), 0) AS short_call_share,
    sum(data_sessions) AS data_sessions,
    sum(nocturnal_texts) / nullif(sum(sms_out + sms_in), 0) AS nocturnal_text_share,
    sum(nocturnal_calls) / nullif(sum(calls_out + calls_in), 0) AS nocturnal_call_share,
    bit_count(bit_or(hours_out)) AS hours_of_day,
    max(sms_out + calls_out) / nullif(sum(sms_out + calls_out), 0) AS busiest_day_share,
    sum(reply_seconds) / nullif(sum(replies), 0) AS text_response_delay_mean,
    sum(conversations_out) / nullif(sum(conversations), 0) AS initiated_conversation_share,
    max(spend_fen) / nullif(sum(spend_fen), 0) AS top_spend_day_share
FROM daily_usage
INNER JOIN span ON date > $day::DATE - days
GROUP BY ALL;

CREATE TEMP TABLE pair AS
SELECT
    days,
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
INNER JOIN span ON date > $day::DATE - days
GROUP BY ALL;

CREATE TEMP TABLE contact AS
SELECT
    days,
    subscription_id,
    count_if(sms_out > 0) AS recipients,
    count_if(calls_out > 0) AS callees,
    count_if(sms_in + calls_in > 0) AS contacts_in,
    count_if(sms_out + sms_in > 0) AS text_contacts,
    count_if(calls_out + calls_in > 0) AS call_contacts,
    max(sms_out) AS sms_per_recipient_max,
    count_if(sms_out + calls_out > 0 AND sms_in + calls_in > 0)
    / nullif(count_if(sms_out + calls_out > 0), 0) AS reciprocated_share,
    sum(calls_in) FILTER (WHERE one_ring_calls > 0) AS callbacks,
    stddev_pop(sms_out + sms_in) FILTER (WHERE sms_out + sms_in > 0) AS texts_per_contact_std,
    stddev_pop(calls_out + calls_in) FILTER (WHERE calls_out + calls_in > 0)
        AS calls_per_contact_std,
    ln(nullif(sum(sms_out + sms_in), 0))
    - sum((sms_out + sms_in) * ln(greatest(sms_out + sms_in, 1)))
    / nullif(sum(sms_out + sms_in), 0) AS text_entropy,
    ln(nullif(sum(calls_out + calls_in), 0))
    - sum((calls_out + calls_in) * ln(greatest(calls_out + calls_in, 1)))
    / nullif(sum(calls_out + calls_in), 0) AS call_entropy,
    count(DISTINCT prefix7) FILTER (WHERE sms_out + calls_out > 0) AS prefixes
FROM pair
GROUP BY ALL;

CREATE TEMP TABLE novelty AS
SELECT
    days,
    subscription_id,
    count(*) AS reached,
    count_if(NOT EXISTS (
        SELECT 1
        FROM daily_pairs AS earlier
        WHERE
            earlier.subscription_id = pair.subscription_id
            AND earlier.other_party = pair.other_party
            AND earlier.date <= $day::DATE - days
    )) AS new_recipients
FROM pair
WHERE sms_out + calls_out > 0 AND days < 30
GROUP BY ALL;

CREATE TEMP TABLE pareto AS
SELECT
    subscription_id,
    count_if(texts_before < 0.8 * texts) / nullif(count_if(text > 0), 0) AS text_pareto,
    count_if(seconds_before < 0.8 * seconds) / nullif(count_if(call > 0), 0)
        AS call_seconds_pareto
FROM (
    SELECT
        subscription_id,
        sms_out + sms_in AS text,
        calls_out + calls_in AS call,
        sum(text) OVER (PARTITION BY subscription_id) AS texts,
        sum(text) OVER by_text - text AS texts_before,
        sum(call_seconds) OVER (PARTITION BY subscription_id) AS seconds,
        sum(call_seconds) OVER by_seconds - call_seconds AS seconds_before
    FROM pair
    WHERE days = 30
    WINDOW
        by_text AS (
            PARTITION BY subscription_id ORDER BY sms_out + sms_in DESC ROWS UNBOUNDED PRECEDING
        ),
        by_seconds AS (
            PARTITION BY subscription_id ORDER BY call_seconds DESC ROWS UNBOUNDED PRECEDING
        )
)
GROUP BY ALL;

CREATE TEMP TABLE place AS
SELECT
    subscription_id,
    count(DISTINCT cell) AS cells,
    count(DISTINCT area) AS areas,
    arg_max(cell, night_half_hours) AS home
FROM daily_places
GROUP BY ALL;

CREATE TEMP TABLE device AS
SELECT
    days,
    subscription_id,
    count(DISTINCT imei) AS imeis,
    count(DISTINCT imsi) AS imsis
FROM daily_devices
INNER JOIN span ON date > $day::DATE - days
GROUP BY ALL;

COPY (
    SELECT *
    FROM total
    LEFT JOIN contact USING (days, subscription_id)
    LEFT JOIN novelty USING (days, subscription_id)
    LEFT JOIN device USING (days, subscription_id)
    LEFT JOIN pareto USING (subscription_id)
    LEFT JOIN place USING (subscription_id)
    ORDER BY subscription_id, days
) TO 'features.parquet' (FORMAT parquet, COMPRESSION zstd);
