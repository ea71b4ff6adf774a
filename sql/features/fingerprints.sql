-- One number a subscription that changes when any of its records of the day does; one bucket.
-- grain: one subscription with usage that day
-- key: subscription_id
-- inputs: guided_usage
SELECT
    subscription_id,
    (bit_xor(
        hash(
            record_id,
            usage_type,
            direction,
            other_party,
            other_kind,
            served_imei,
            served_imsi,
            event_at,
            duration_s,
            bytes,
            charge_fen,
            message_ref,
            cell,
            area
        )
    ) >> 1)::BIGINT AS fingerprint
FROM guided_usage
GROUP BY subscription_id
