-- All windowed features of the days since $since; one bucket.
-- Run once a window of 1, 7 and 30 days; every value is an integer or one division of integers.
-- grain: one subscription active in the last 30 days
-- key: subscription_id
-- inputs: active, daily_usage, contacts, destinations, devices
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

device AS (
    SELECT
        subscription_id,
        count(DISTINCT imei) AS imeis,
        count(DISTINCT imsi) AS imsis
    FROM devices
    WHERE last_date >= $since
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
    coalesce(contacts.recipients, 0) AS recipients,
    coalesce(contacts.callees, 0) AS callees,
    coalesce(contacts.contacts_in, 0) AS contacts_in,
    ratio(total.sms_out, contacts.recipients) AS messages_per_recipient,
    ratio(total.calls_out, contacts.callees) AS calls_per_callee,
    coalesce(contacts.sms_per_recipient_max, 0) AS sms_per_recipient_max,
    ratio(total.sms_in, total.sms_in + total.sms_out) AS received_share,
    ratio(contacts.reciprocated, contacts.reached) AS reciprocated_share,
    ratio(coalesce(contacts.responses, 0), total.sent) AS response_ratio,
    coalesce(contacts.callbacks, 0) AS callbacks,
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
            THEN ratio(contacts.reached - contacts.met_before, contacts.reached)
    END AS new_recipient_share,
    ratio(total.walking_steps, total.mobile_steps) AS walking_score,
    coalesce(destinations.prefixes, 0) AS prefixes,
    ratio(destinations.prefixes, destinations.mobile_reached) AS prefix_spread,
    coalesce(device.imeis, 0) AS imeis,
    coalesce(device.imsis, 0) AS imsis,
    contacts.reached,
    coalesce(total.data_sessions, 0) AS data_sessions,
    coalesce(total.data_days, 0) AS data_days,
    ratio(total.call_seconds_out + total.call_seconds_in, total.timed_calls) AS call_seconds_mean,
    deviation(
        total.call_seconds_squared, total.call_seconds_out + total.call_seconds_in, total.timed_calls
    ) AS call_seconds_std,
    coalesce(contacts.text_contacts, 0) AS text_contacts,
    coalesce(contacts.call_contacts, 0) AS call_contacts,
    ratio(contacts.texts, contacts.text_contacts) AS texts_per_contact_mean,
    deviation(contacts.texts_squared, contacts.texts, contacts.text_contacts) AS texts_per_contact_std,
    ratio(contacts.calls, contacts.call_contacts) AS calls_per_contact_mean,
    deviation(contacts.calls_squared, contacts.calls, contacts.call_contacts) AS calls_per_contact_std,
    ratio(contacts.texts_out, contacts.texts * contacts.text_contacts) AS text_balance,
    ratio(contacts.calls_out, contacts.calls * contacts.call_contacts) AS call_balance,
    entropy_of(contacts.texts_log, contacts.texts, contacts.text_contacts) AS text_entropy,
    entropy_of(contacts.calls_log, contacts.calls, contacts.call_contacts) AS call_entropy,
    entropy_of(destinations.numbers_log, destinations.mobile_reached, destinations.prefixes)
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
    ratio(contacts.tried_once, contacts.reached) AS tried_once_share,
    ratio(coalesce(destinations.mobile_reached, 0), contacts.reached) AS mobile_share,
    ratio(total.spend_fen, total.days_used) AS spend_per_day,
    ratio(total.top_spend_day, total.spend_fen) AS top_spend_day_share
FROM active
LEFT JOIN total ON active.subscription_id = total.subscription_id
LEFT JOIN contacts
    ON
        active.subscription_id = contacts.subscription_id
        AND contacts.span = $span
LEFT JOIN destinations
    ON
        active.subscription_id = destinations.subscription_id
        AND destinations.span = $span
LEFT JOIN device ON active.subscription_id = device.subscription_id
