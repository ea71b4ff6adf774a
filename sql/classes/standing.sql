-- What takes effect: the natural result of each label beside what stands above it.
-- A protection of a party covers its subscriptions' labels; a protection of a subscription takes
-- that number out of the party's label, and suppresses the label once no number is left.
-- grain: one label that was there last night or is observed tonight
-- key: subject_type, subject_id, class_code, reason_code
-- inputs: stepped, above, holders
-- noqa: disable=AM04,RF04
WITH in_force AS (
    SELECT
        stepped.*,
        CASE
            WHEN stepped.subject_type = 'party' THEN stepped.subject_id
            ELSE holders.party_id
        END AS party_id
    FROM stepped
    LEFT JOIN holders
        ON
            stepped.subject_type = 'subscription'
            AND stepped.subject_id = holders.subscription_id
    WHERE stepped.state IN ('watch', 'published')
),

covers AS (
    SELECT
        under.subject_type,
        under.subject_id,
        under.class_code,
        under.reason_code,
        above.rank,
        above.by_class || ':' || above.by_reason AS cause,
        CASE
            WHEN
                cover.subject_type = 'subscription' AND under.subject_type = 'party'
                THEN cover.subject_id
        END AS only_subscription
    FROM in_force AS under
    INNER JOIN above
        ON
            under.class_code = above.over_class
            AND under.reason_code = above.over_reason
    INNER JOIN in_force AS cover
        ON
            above.by_class = cover.class_code
            AND above.by_reason = cover.reason_code
            AND under.party_id = cover.party_id
            AND (
                cover.subject_type = 'party'
                OR under.subject_type = 'party'
                OR under.subject_id = cover.subject_id
            )
    WHERE cover.state = 'published'
),

covered AS (
    SELECT
        subject_type,
        subject_id,
        class_code,
        reason_code,
        arg_min(cause, rank) FILTER (WHERE only_subscription IS NULL) AS whole_cause,
        arg_min(cause, rank) AS any_cause,
        list_sort(list(DISTINCT only_subscription) FILTER (WHERE only_subscription IS NOT NULL))
            AS withheld
    FROM covers
    GROUP BY subject_type, subject_id, class_code, reason_code
),

protected AS (
    SELECT
        stepped.*,
        list_filter(
            stepped.subscriptions,
            LAMBDA number: NOT list_contains(coalesce(covered.withheld, []), number)
        ) AS left_subscriptions,
        list_filter(
            stepped.subscriptions,
            LAMBDA number: list_contains(coalesce(covered.withheld, []), number)
        ) AS withheld_subscriptions,
        CASE
            WHEN covered.whole_cause IS NOT NULL THEN covered.whole_cause
            WHEN
                len(stepped.subscriptions) > 0
                AND list_has_all(covered.withheld, stepped.subscriptions)
                THEN covered.any_cause
        END AS protected_by
    FROM stepped
    LEFT JOIN covered
        ON
            stepped.subject_type = covered.subject_type
            AND stepped.subject_id = covered.subject_id
            AND stepped.class_code = covered.class_code
            AND stepped.reason_code = covered.reason_code
),

listed AS (
    SELECT
        subject_type,
        subject_id,
        class_code,
        min(reason_code) AS reason_code
    FROM protected
    WHERE
        state = 'published'
        AND protected_by IS NULL
        AND list_contains($published_above_watch, class_code)
    GROUP BY subject_type, subject_id, class_code
),

suppressed AS (
    SELECT
        protected.*,
        CASE
            WHEN protected.protected_by IS NOT NULL THEN protected.protected_by
            WHEN protected.state = 'watch' AND listed.reason_code IS NOT NULL
                THEN listed.class_code || ':' || listed.reason_code
        END AS suppressed_by
    FROM protected
    LEFT JOIN listed
        ON
            protected.subject_type = listed.subject_type
            AND protected.subject_id = listed.subject_id
            AND protected.class_code = listed.class_code
)

SELECT
    *,
    coalesce(seen_source_ref, old_source_ref) AS source_ref,
    coalesce(state IN ('watch', 'published') AND suppressed_by IS NULL, FALSE) AS effective,
    to_json({
        -- what published it, if tonight's sources alone would not have
        'grounds': CASE
            WHEN state = 'published' AND mode <> 'fact' AND NOT publishes
                THEN
                    coalesce(
                        nullif(json_extract(old_evidence, '$.grounds'), 'null'::JSON),
                        json_extract(old_evidence, '$.sources')
                    )
        END,
        'protected': withheld_subscriptions,
        'sources': coalesce(seen_evidence, json_extract(old_evidence, '$.sources')),
        'subscriptions': left_subscriptions
    })::VARCHAR AS evidence
FROM suppressed
