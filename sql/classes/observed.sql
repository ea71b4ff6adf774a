-- Tonight's assertions of one label taken together: how strong, from how many sources, and why.
-- The three strongest sources add up as 1 - (1 - a)(1 - b)(1 - c), in whole percent, so that
-- neither the order of rows nor the machine changes a digit.
-- grain: one label observed tonight
-- key: subject_type, subject_id, class_code, reason_code
-- inputs: admitted, reasons
-- noqa: disable=RF04
WITH origins AS (
    SELECT
        subject_type,
        subject_id,
        class_code,
        reason_code,
        origin,
        max(score) AS score
    FROM admitted
    GROUP BY
        subject_type,
        subject_id,
        class_code,
        reason_code,
        origin
),

combined AS (
    SELECT
        origins.subject_type,
        origins.subject_id,
        origins.class_code,
        origins.reason_code,
        count(*)::INTEGER AS sources,
        -- a link to a listed person is no second word against this one
        count(*) FILTER (WHERE origins.origin <> 'link' AND origins.score >= reasons.corroborates)::INTEGER
            AS corroborating,
        list_sort(list(origins.score) || [0, 0], 'DESC') AS scores
    FROM origins
    INNER JOIN reasons
        ON
            origins.class_code = reasons.class_code
            AND origins.reason_code = reasons.reason_code
    GROUP BY
        origins.subject_type,
        origins.subject_id,
        origins.class_code,
        origins.reason_code
),

gathered AS (
    SELECT
        subject_type,
        subject_id,
        class_code,
        reason_code,
        bool_or(level = 'published') AS carries_far,
        -- a complaint is remembered for weeks; every other source says it again tonight
        bool_or(source <> 'complaint') AS stands,
        coalesce(max(score) FILTER (WHERE level = 'published'), 0) AS strongest_far,
        min(observed_at) AS first_observed,
        max(observed_at) AS last_observed,
        CASE WHEN bool_and(valid_to IS NOT NULL) THEN max(valid_to) END AS holds_until,
        arg_min(source, (100 - score, source)) AS source,
        string_agg(DISTINCT source_ref, ',' ORDER BY source_ref) AS source_ref,
        list_sort(list_distinct(flatten(list(subscriptions)))) AS subscriptions,
        max(maker) AS maker,
        max(checker) AS checker,
        to_json(list(
            {
                'source': source,
                'ref': source_ref,
                'level': level,
                'score': score,
                'subscriptions': subscriptions,
                'values': evidence::JSON
            }
            ORDER BY source, source_ref, subscriptions, evidence
        )) AS evidence
    FROM admitted
    GROUP BY subject_type, subject_id, class_code, reason_code
)

SELECT
    gathered.*,
    combined.sources,
    combined.corroborating,
    (
        100
        - (100 - combined.scores[1]) * (100 - combined.scores[2]) * (100 - combined.scores[3]) // 10000
    )::INTEGER AS strength
FROM gathered
INNER JOIN combined
    ON
        gathered.subject_type = combined.subject_type
        AND gathered.subject_id = combined.subject_id
        AND gathered.class_code = combined.class_code
        AND gathered.reason_code = combined.reason_code
INNER JOIN reasons
    ON
        gathered.class_code = reasons.class_code
        AND gathered.reason_code = reasons.reason_code
-- of an exclusive class, the highest grade that holds
QUALIFY
    NOT reasons.exclusive
    OR row_number() OVER (
        PARTITION BY gathered.subject_type, gathered.subject_id, gathered.class_code
        ORDER BY reasons.rank DESC
    ) = 1
