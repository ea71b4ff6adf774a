-- What became of entries listed at an earlier release: reasons to take a number back.
-- grain: one entry of the earlier release
-- key: entry_id
-- inputs: listed_then (list entries of the earlier release), numbers_then (number holdings as
--         known then), number_holdings, subscription_holdings, label_events (since then)
-- noqa: disable=RF04
WITH last_events AS (
    SELECT
        subject_type,
        subject_id,
        reason_code,
        action,
        source
    FROM label_events
    WHERE class_code = $class_code
    QUALIFY
        row_number() OVER (
            PARTITION BY subject_type, subject_id, reason_code
            ORDER BY recorded_at DESC
        ) = 1
)

SELECT
    listed_then.entry_id,
    numbers_then.key AS number_then,
    coalesce(numbers_now.key <> numbers_then.key, TRUE) AS number_gone,
    coalesce(holdings.party_id <> listed_then.party_id, TRUE) AS holder_gone,
    listed_then.valid_until <= $known_at AS ended,
    last_events.action,
    last_events.source
FROM listed_then
INNER JOIN numbers_then
    ON
        listed_then.subscription_id = numbers_then.subscription_id
        AND numbers_then.key_kind = 'msisdn'
        AND numbers_then.valid_from <= $then_known_at
        AND (numbers_then.valid_to IS NULL OR $then_known_at < numbers_then.valid_to)
LEFT JOIN number_holdings AS numbers_now
    ON
        listed_then.subscription_id = numbers_now.subscription_id
        AND numbers_now.key_kind = 'msisdn'
        AND numbers_now.valid_from <= $known_at
        AND (numbers_now.valid_to IS NULL OR $known_at < numbers_now.valid_to)
LEFT JOIN subscription_holdings AS holdings
    ON
        listed_then.subscription_id = holdings.subscription_id
        AND holdings.valid_from <= $known_at
        AND (holdings.valid_to IS NULL OR $known_at < holdings.valid_to)
LEFT JOIN last_events
    ON
        listed_then.reason_code = last_events.reason_code
        AND (
            (last_events.subject_type = 'party' AND last_events.subject_id = listed_then.party_id)
            OR (
                last_events.subject_type = 'subscription'
                AND last_events.subject_id = listed_then.subscription_id
            )
        )
ORDER BY listed_then.entry_id, last_events.action
