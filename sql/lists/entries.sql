-- The joint list: numbers named by published labels in force, still held by whom the label is
-- about, protected (红名单) in no scope, and not there on partners' word alone.
-- A number is on the list by our own finding, by a partner who allows it, or because it was on
-- it the night before: a partner who confirms what we found does not take it off.
-- What an entry says is coarse, so that it changes when something did and not every night:
-- confidence in the steps of STIX 2.1, last_seen by its week, valid_until by its week unless it
-- ends within `exact_days`.
-- grain: one reason for which one subscription's number is listed
-- key: entry_id
-- inputs: labels, number_holdings, subscription_holdings, protections, reasons (reason_code,
--         term_days), listed_before (list entries of the night before)
-- noqa: disable=RF04
WITH published AS (
    SELECT
        labels.*,
        coalesce(labels.valid_to, labels.last_seen + to_days(reasons.term_days)) AS valid_until,
        from_json(
            labels.evidence,
            '{
                "subscriptions": ["BIGINT"],
                "protected": ["BIGINT"],
                "sources": [{"source": "VARCHAR", "ref": "VARCHAR", "subscriptions": ["BIGINT"]}]
            }'
        ) AS told
    FROM labels
    INNER JOIN reasons ON labels.reason_code = reasons.reason_code
    WHERE
        labels.class_code = $class_code
        AND labels.state = 'published'
        AND labels.effective
),

sourced AS (
    SELECT
        published.*,
        CASE
            WHEN published.subject_type = 'subscription' THEN [published.subject_id]
            ELSE list_distinct(coalesce(published.told.subscriptions, []))
        END AS subscriptions,
        list_filter(coalesce(published.told.sources, []), LAMBDA one: one.source <> 'partner') AS ours,
        list_filter(coalesce(published.told.sources, []), LAMBDA one: one.source = 'partner') AS theirs
    FROM published
),

named AS (
    SELECT
        sourced.*,
        unnest(sourced.subscriptions) AS subscription_id,
        flatten(list_transform(sourced.ours, LAMBDA one: coalesce(one.subscriptions, []))) AS our_numbers,
        flatten(list_transform(sourced.theirs, LAMBDA one: coalesce(one.subscriptions, []))) AS their_numbers,
        flatten(
            list_transform(
                list_filter(sourced.theirs, LAMBDA one: list_contains($may_be_reexported, one.ref)),
                LAMBDA one: coalesce(one.subscriptions, [])
            )
        ) AS allowed_numbers
    FROM sourced
),

held AS (
    SELECT
        named.*,
        CASE
            WHEN named.valid_until <= $known_at + to_days($exact_days) THEN named.valid_until
            ELSE week_start(named.valid_until)
        END AS listed_until,
        holdings.party_id,
        sha256(
            $pepper || ':entry:' || named.subject_type || ':' || named.subject_id || ':'
            || named.subscription_id || ':' || named.reason_code || ':' || named.first_seen::VARCHAR
        )[:32] AS entry_id
    FROM named
    INNER JOIN subscription_holdings AS holdings
        ON
            named.subscription_id = holdings.subscription_id
            AND holdings.valid_from <= $known_at
            AND (holdings.valid_to IS NULL OR $known_at < holdings.valid_to)
    INNER JOIN number_holdings AS numbers
        ON
            named.subscription_id = numbers.subscription_id
            AND numbers.key_kind = 'msisdn'
            AND numbers.valid_from <= $known_at
            AND (numbers.valid_to IS NULL OR $known_at < numbers.valid_to)
    WHERE
        CASE
            WHEN named.subject_type = 'party' THEN holdings.party_id = named.subject_id
            -- what a previous holder did is not the present one's
            ELSE holdings.valid_from <= named.first_seen
        END
        AND named.valid_until > $known_at
        AND NOT list_contains(coalesce(named.told.protected, []), named.subscription_id)
),

shielded AS (
    SELECT
        subject_type,
        subject_id
    FROM protections
    WHERE
        checker IS NOT NULL
        AND valid_from <= $known_at
        AND (valid_to IS NULL OR valid_to > $known_at)
)

SELECT
    entry_id,
    subscription_id,
    party_id,
    class_code AS category,
    reason_code,
    state AS level,
    CASE
        WHEN confidence >= 70 THEN 85
        WHEN confidence >= 30 THEN 50
        WHEN confidence >= 1 THEN 15
        ELSE 0
    END AS confidence,
    first_seen,
    greatest(first_seen, week_start(last_seen)) AS last_seen,
    since AS valid_from,
    listed_until AS valid_until,
    greatest(sources, 1) AS sources
FROM held
WHERE
    (
        list_contains(our_numbers, subscription_id)
        OR list_contains(allowed_numbers, subscription_id)
        OR (len(ours) > 0 AND NOT list_contains(their_numbers, subscription_id))
        OR entry_id IN (SELECT listed_before.entry_id FROM listed_before)
    )
    AND NOT EXISTS (
        SELECT 1
        FROM shielded
        WHERE
            (shielded.subject_type = 'party' AND shielded.subject_id = held.party_id)
            OR (
                shielded.subject_type = 'subscription'
                AND shielded.subject_id = held.subscription_id
            )
    )
ORDER BY entry_id
