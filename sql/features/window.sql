-- All windowed features of the days since $since; one bucket.
-- Run once a window of 1, 7 and 30 days; every value is an integer or one division of integers.
-- grain: one subscription active in the last 30 days
-- key: subscription_id
-- inputs: active, daily_usage, daily_pairs, daily_devices, window_pairs
WITH total AS (
    SELECT
        subscription_id,
        sum(sms_out)::BIGINT AS sms_out,
        sum(sms_in)::BIGINT AS sms_in,
        sum(calls_out)::BIGINT AS calls_out,
        sum(calls_in)::BIGINT AS calls_in,
        sum(sms_out + calls_out)::BIGINT AS sent,
        sum(call_seconds_out)::BIGINT AS call_seconds_out,
        sum(call_seconds_in)::BIGINT AS call_seconds_in,
        sum(data_bytes)::BIGINT AS data_bytes,
        sum(spend_fen)::BIGINT AS spend_fen,
        count_if(sms_out + sms_in + calls_out + calls_in > 0) AS active_days,
        sum(night_out)::BIGINT AS night_out,
        max(busiest_hour_out) AS busiest_hour_events,
        max(max_calls_one_callee_hour) AS max_calls_one_callee_hour,
        sum(gaps) AS gaps,
        sum(gap_seconds) AS gap_seconds,
        sum(gap_seconds_squared) AS gap_seconds_squared,
        sum(mobile_steps)::BIGINT AS mobile_steps,
        sum(walking_steps)::BIGINT AS walking_steps,
        sum(one_ring_calls)::BIGINT AS one_ring_calls,
        sum(short_calls)::BIGINT AS short_calls,
        sum(sms_out + sms_in)::BIGINT AS texts,
        sum(calls_out + calls_in)::BIGINT AS calls,
        sum(timed_calls)::BIGINT AS timed_calls,
        sum(call_seconds_squared) AS call_seconds_squared,
        sum(data_sessions)::BIGINT AS data_sessions,
        count(*) FILTER (WHERE data_sessions > 0) AS data_days,
        sum(nocturnal_texts)::BIGINT AS nocturnal_texts,
        sum(nocturnal_calls)::BIGINT AS nocturnal_calls,
        bit_count(bit_or(hours_out)) AS hours_of_day,
        max(sms_out + calls_out) AS busiest_day,
        sum(CASE WHEN isodow(date) >= 6 THEN sms_out + calls_out ELSE 0 END)::BIGINT AS weekend,
        sum(conversations)::BIGINT AS conversations,
        sum(conversations_out)::BIGINT AS conversations_out,
        sum(conversations_answered)::BIGINT AS conversations_answered,
        sum(replies)::BIGINT AS replies,
        sum(reply_seconds) AS reply_seconds,
        sum(reply_seconds_squared) AS reply_seconds_squared,
        count(*) AS days_used,
        max(spend_fen) AS top_spend_day
    FROM daily_usage
    WHERE date >= $since
    GROUP BY subscription_id
),

contact AS (
    SELECT
        subscription_id,
        count_if(sms_out > 0) AS recipients,
        count_if(calls_out > 0) AS callees,
        count_if(sms_out + calls_out > 0) AS reached,
        count_if(received > 0) AS contacts_in,
        count_if(sms_out + calls_out > 0 AND received > 0) AS reciprocated,
        sum(CASE WHEN sms_out + calls_out > 0 THEN received ELSE 0 END)::BIGINT AS responses,
        sum(CASE WHEN one_ring_calls > 0 THEN calls_in ELSE 0 END)::BIGINT AS callbacks,
        max(sms_out) AS sms_per_recipient_max,
        count_if(sms_out + calls_out = 1 AND received = 0) AS tried_once,
        count_if(texts > 0) AS text_contacts,
        count_if(calls > 0) AS call_contacts,
        sum(texts)::BIGINT AS texts,
        sum(calls)::BIGINT AS calls,
        sum(sms_out)::BIGINT AS texts_out,
        sum(calls_out)::BIGINT AS calls_out,
        sum(texts * texts) AS texts_squared,
        sum(calls * calls) AS calls_squared,
        sum(log_weight(texts)) AS texts_log,
        sum(log_weight(calls)) AS calls_log
    FROM window_pairs
    GROUP BY subscription_id
),

-- whom it reached in the window and had already met before it
met AS (
    SELECT
        subscription_id,
        count(*) AS met_before
    FROM window_pairs
    SEMI JOIN (
        SELECT
            subscription_id,
            other_party
        FROM daily_pairs
        WHERE date < $since
    ) USING (subscription_id, other_party)
    WHERE sms_out + calls_out > 0
    GROUP BY subscription_id
),

destination AS (
    SELECT
        subscription_id,
        count(*) AS prefixes,
        sum(numbers)::BIGINT AS mobile_reached,
        sum(log_weight(numbers)) AS numbers_log
    FROM (
        SELECT
            subscription_id,
            prefix7,
            count(*) AS numbers
        FROM window_pairs
        WHERE
            prefix7 IS NOT NULL
            AND sms_out + calls_out > 0
        GROUP BY subscription_id, prefix7
    )
    GROUP BY subscription_id
),

device AS (
    SELECT
        subscription_id,
        count(DISTINCT imei) AS imeis,
        count(DISTINCT imsi) AS imsis
    FROM daily_devices
    WHERE date >= $since
    GROUP BY subscription_id
)

SELECT
    active.subscription_id,
    coalesce(total.sms_out, 0) AS sms_out,
    coalesce(total.sms_in, 0) AS sms_in,
    coalesce(total.calls_out, 0) AS calls_out,
    coalesce(total.calls_in, 0) AS calls_in,
    coalesce(total.call_seconds_out, 0) AS call_seconds_out,
    coalesce(total.call_seconds_in, 0) AS call_seconds_in,
    coalesce(total.data_bytes, 0) AS data_bytes,
    coalesce(total.active_days, 0) AS active_days,
    coalesce(total.spend_fen, 0) AS spend_fen,
    coalesce(contact.recipients, 0) AS recipients,
    coalesce(contact.callees, 0) AS callees,
    coalesce(contact.contacts_in, 0) AS contacts_in,
    ratio(total.sms_out, contact.recipients) AS messages_per_recipient,
    ratio(total.calls_out, contact.callees) AS calls_per_callee,
    coalesce(contact.sms_per_recipient_max, 0) AS sms_per_recipient_max,
    ratio(total.sms_in, total.sms_in + total.sms_out) AS received_share,
    ratio(contact.reciprocated, contact.reached) AS reciprocated_share,
    ratio(coalesce(contact.responses, 0), total.sent) AS response_ratio,
    coalesce(contact.callbacks, 0) AS callbacks,
    ratio(total.night_out, total.sent) AS night_share,
    coalesce(total.busiest_hour_events, 0) AS busiest_hour_events,
    ratio(total.busiest_hour_events, total.sent) AS busiest_hour_share,
    CASE
        WHEN total.gaps >= 10 AND total.gap_seconds > 0
            THEN
                sqrt(
                    (
                        total.gaps * total.gap_seconds_squared
                        - total.gap_seconds * total.gap_seconds
                    )::DOUBLE
                ) / total.gap_seconds::DOUBLE
    END AS gap_cv,
    coalesce(total.max_calls_one_callee_hour, 0) AS max_calls_one_callee_hour,
    ratio(total.one_ring_calls, total.calls_out) AS one_ring_share,
    ratio(total.short_calls, total.calls_out) AS short_call_share,
    CASE
        WHEN $history >= 7
            THEN ratio(contact.reached - coalesce(met.met_before, 0), contact.reached)
    END AS new_recipient_share,
    ratio(total.walking_steps, total.mobile_steps) AS walking_score,
    coalesce(destination.prefixes, 0) AS prefixes,
    ratio(destination.prefixes, destination.mobile_reached) AS prefix_spread,
    coalesce(device.imeis, 0) AS imeis,
    coalesce(device.imsis, 0) AS imsis,
    contact.reached,
    coalesce(total.data_sessions, 0) AS data_sessions,
    coalesce(total.data_days, 0) AS data_days,
    ratio(total.call_seconds_out + total.call_seconds_in, total.timed_calls) AS call_seconds_mean,
    deviation(
        total.call_seconds_squared, total.call_seconds_out + total.call_seconds_in, total.timed_calls
    ) AS call_seconds_std,
    coalesce(contact.text_contacts, 0) AS text_contacts,
    coalesce(contact.call_contacts, 0) AS call_contacts,
    ratio(contact.texts, contact.text_contacts) AS texts_per_contact_mean,
    deviation(contact.texts_squared, contact.texts, contact.text_contacts) AS texts_per_contact_std,
    ratio(contact.calls, contact.call_contacts) AS calls_per_contact_mean,
    deviation(contact.calls_squared, contact.calls, contact.call_contacts) AS calls_per_contact_std,
    ratio(contact.texts_out, contact.texts * contact.text_contacts) AS text_balance,
    ratio(contact.calls_out, contact.calls * contact.call_contacts) AS call_balance,
    entropy_of(contact.texts_log, contact.texts, contact.text_contacts) AS text_entropy,
    entropy_of(contact.calls_log, contact.calls, contact.call_contacts) AS call_entropy,
    entropy_of(destination.numbers_log, destination.mobile_reached, destination.prefixes)
        AS prefix_entropy,
    ratio(total.calls_out, total.calls) AS initiated_call_share,
    ratio(total.conversations_out, total.conversations) AS initiated_conversation_share,
    ratio(total.conversations_answered, total.conversations - total.conversations_out)
        AS text_response_rate,
    ratio(total.reply_seconds, total.replies) AS text_response_delay_mean,
    deviation(total.reply_seconds_squared, total.reply_seconds, total.replies)
        AS text_response_delay_std,
    ratio(total.nocturnal_texts, total.texts) AS nocturnal_text_share,
    ratio(total.nocturnal_calls, total.calls) AS nocturnal_call_share,
    coalesce(total.hours_of_day, 0) AS hours_of_day,
    ratio(total.busiest_day, total.sent) AS busiest_day_share,
    ratio(total.weekend, total.sent) AS weekend_share,
    ratio(contact.tried_once, contact.reached) AS tried_once_share,
    ratio(coalesce(destination.mobile_reached, 0), contact.reached) AS mobile_share,
    ratio(total.spend_fen, total.days_used) AS spend_per_day,
    ratio(total.top_spend_day, total.spend_fen) AS top_spend_day_share
FROM active
LEFT JOIN total USING (subscription_id)
LEFT JOIN contact USING (subscription_id)
LEFT JOIN met USING (subscription_id)
LEFT JOIN destination USING (subscription_id)
LEFT JOIN device USING (subscription_id)
