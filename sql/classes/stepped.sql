-- The next state of every label that was there or is observed tonight (null: gone).
-- All arithmetic is of whole numbers. A night without any usage of the subject (idle) neither
-- feeds nor starves a smoothed label: who is stopped sends nothing, and silence proves nothing.
-- A label first seen before an upheld appeal ends with it, and all memory of it; what came after
-- the decision counts from the next night on.
-- A complaint is one hit, on the night it comes, however long it is remembered; a
-- published label's term begins anew only with what could have published it.
-- grain: one label that was there last night or is observed tonight
-- key: subject_type, subject_id, class_code, reason_code
-- inputs: previous, observed, reasons, holders, appealed
-- noqa: disable=AM04,RF04
WITH active AS (
    SELECT
        'party' AS subject_type,
        party_id AS subject_id
    FROM holders
    WHERE active
    GROUP BY party_id
    UNION ALL
    SELECT
        'subscription' AS subject_type,
        subscription_id AS subject_id
    FROM holders
    WHERE active
),

joined AS (
    SELECT
        coalesce(previous.subject_type, observed.subject_type) AS subject_type,
        coalesce(previous.subject_id, observed.subject_id) AS subject_id,
        coalesce(previous.class_code, observed.class_code) AS class_code,
        coalesce(previous.reason_code, observed.reason_code) AS reason_code,
        observed.subject_id IS NOT NULL AS seen,
        coalesce(observed.strength, 0) AS strength,
        coalesce(observed.carries_far, FALSE) AS carries_far,
        coalesce(observed.stands, FALSE) AS stands,
        coalesce(observed.strongest_far, 0) AS strongest_far,
        coalesce(observed.corroborating, 0) AS corroborating,
        coalesce(observed.sources, 0) AS sources,
        observed.first_observed,
        observed.last_observed,
        observed.holds_until,
        observed.source,
        observed.maker,
        observed.checker,
        observed.subscriptions AS seen_subscriptions,
        observed.evidence AS seen_evidence,
        observed.source_ref AS seen_source_ref,
        previous.state AS old_state,
        previous.effective AS old_effective,
        previous.suppressed_by AS old_suppressed_by,
        previous.since AS old_since,
        previous.first_seen AS old_first_seen,
        previous.last_seen AS old_last_seen,
        previous.valid_to AS old_valid_to,
        coalesce(previous.hits, 0) AS old_hits,
        coalesce(previous.confidence, 0) AS old_confidence,
        previous.source_ref AS old_source_ref,
        previous.evidence AS old_evidence
    FROM previous
    FULL JOIN observed
        ON
            previous.subject_type = observed.subject_type
            AND previous.subject_id = observed.subject_id
            AND previous.class_code = observed.class_code
            AND previous.reason_code = observed.reason_code
),

ruled AS (
    SELECT
        joined.*,
        reasons.* EXCLUDE (class_code, reason_code, subject, exclusive, rank),
        appealed.* EXCLUDE (subject_type, subject_id, class_code, reason_code),
        NOT joined.seen AND active.subject_id IS NULL AS idle,
        NOT joined.seen AND joined.old_valid_to <= $known_at AS expired,
        joined.old_hits
        + (
            joined.seen
            AND (
                joined.stands
                OR joined.old_last_seen IS NULL
                OR joined.last_observed > joined.old_last_seen
            )
        )::INTEGER AS hits
    FROM joined
    LEFT JOIN reasons
        ON
            joined.class_code = reasons.class_code
            AND joined.reason_code = reasons.reason_code
    LEFT JOIN active
        ON
            joined.subject_type = active.subject_type
            AND joined.subject_id = active.subject_id
    LEFT JOIN appealed
        ON
            joined.subject_type = appealed.subject_type
            AND joined.subject_id = appealed.subject_id
            AND joined.class_code = appealed.class_code
            AND joined.reason_code = appealed.reason_code
            AND joined.old_first_seen <= appealed.appealed_at
),

smoothed AS (
    SELECT
        *,
        CASE
            WHEN mode = 'fact' THEN strength
            WHEN idle THEN old_confidence
            ELSE (old_confidence * (100 - smoothing) + strength * smoothing + 50) // 100
        END::INTEGER AS confidence
    FROM ruled
),

weighed AS (
    SELECT
        *,
        carries_far OR corroborating >= 2 AS may_publish,
        seen
        AND (
            (
                (carries_far OR corroborating >= 2)
                AND confidence >= publish_enter
                AND hits >= publish_hits
            )
            OR (
                (strongest_far >= very_strong OR corroborating >= 2)
                AND confidence >= short_enter
                AND hits >= short_hits
            )
        ) AS publishes,
        coalesce(old_state = 'published', FALSE)
        AND (carries_far OR corroborating >= 2 OR old_valid_to > $known_at)
        AND (
            idle
            OR confidence >= publish_leave
            OR old_since + to_days(hold_days) > $known_at
        ) AS stays_published,
        (seen AND strength >= watch_enter)
        OR (
            coalesce(old_state IN ('watch', 'published'), FALSE)
            AND (idle OR confidence >= watch_leave)
        ) AS watched
    FROM smoothed
),

decided AS (
    SELECT
        *,
        CASE
            WHEN mode IS NULL OR expired OR appeal IS NOT NULL THEN NULL
            WHEN mode = 'fact' AND NOT seen THEN NULL
            WHEN mode = 'fact' THEN CASE WHEN carries_far THEN 'published' ELSE 'watch' END
            WHEN publishes OR stays_published THEN 'published'
            WHEN watched THEN 'watch'
            WHEN confidence > forget THEN 'fading'
        END AS state
    FROM weighed
),

numbered AS (
    -- the numbers a label is about: all of this spell that its party still holds
    SELECT
        decided.subject_type,
        decided.subject_id,
        decided.class_code,
        decided.reason_code,
        list_sort(list(DISTINCT about.subscription_id)) AS subscriptions
    FROM decided
    CROSS JOIN
        LATERAL unnest(
            coalesce(decided.seen_subscriptions, [])
            || coalesce(json_extract(decided.old_evidence, '$.subscriptions')::BIGINT[], [])
            || coalesce(json_extract(decided.old_evidence, '$.protected')::BIGINT[], [])
        ) AS about (subscription_id)
    LEFT JOIN holders ON about.subscription_id = holders.subscription_id
    WHERE
        decided.subject_type = 'subscription'
        OR holders.party_id IS NULL
        OR holders.party_id = decided.subject_id
    GROUP BY
        decided.subject_type,
        decided.subject_id,
        decided.class_code,
        decided.reason_code
)

SELECT
    decided.*,
    coalesce(numbered.subscriptions, []::BIGINT[]) AS subscriptions,
    CASE
        WHEN coalesce(decided.state, '') = coalesce(decided.old_state, '') THEN decided.old_since
        ELSE $known_at
    END AS since,
    least(decided.old_first_seen, decided.first_observed) AS first_seen,
    greatest(decided.old_last_seen, decided.last_observed) AS last_seen,
    CASE
        WHEN NOT decided.seen THEN decided.old_valid_to
        WHEN decided.mode = 'fact'
            THEN coalesce(decided.holds_until, $known_at + to_days(decided.term_days))
        WHEN decided.state = 'published' AND decided.old_state = 'published' AND NOT decided.may_publish
            THEN decided.old_valid_to
        ELSE
            least(
                coalesce(decided.holds_until, 'infinity'::TIMESTAMP),
                CASE
                    WHEN decided.stands THEN $known_at
                    ELSE greatest(decided.old_last_seen, decided.last_observed)
                END + to_days(
                    CASE
                        WHEN decided.state = 'published' THEN decided.term_days
                        ELSE decided.watch_days
                    END
                )
            )
    END AS valid_to
FROM decided
LEFT JOIN numbered
    ON
        decided.subject_type = numbered.subject_type
        AND decided.subject_id = numbered.subject_id
        AND decided.class_code = numbered.class_code
        AND decided.reason_code = numbered.reason_code
