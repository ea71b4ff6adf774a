-- Everything that is asserted tonight, of the subject its class is about.
-- What a sender rule saw of a subscription stands against the party holding it only if that
-- party held it through the rule's whole window: what came before a transfer was another's doing.
-- grain: one source that asserts one label of one subject, for one subscription or party
-- key: none
-- inputs: sender_assertions, report_assertions, party_hits, subscription_hits, class_rules,
--         rule_about, rule_windows, protections, previous, holders, reasons, appealed
-- noqa: disable=RF04
WITH asserted AS (
    SELECT
        subject_type,
        subject_id,
        class_code,
        reason_code,
        source,
        source_ref,
        level,
        score,
        observed_at,
        valid_to,
        evidence,
        CASE source WHEN 'partner' THEN 'partner ' || source_ref ELSE source END AS origin,
        NULL::INTEGER AS window_days
    FROM report_assertions
    UNION ALL
    SELECT
        sender_assertions.subject_type,
        sender_assertions.subject_id,
        sender_assertions.class_code,
        sender_assertions.reason_code,
        sender_assertions.source,
        sender_assertions.source_ref,
        sender_assertions.level,
        sender_assertions.score,
        sender_assertions.observed_at,
        sender_assertions.valid_to,
        sender_assertions.evidence,
        rule_windows.origin,
        rule_windows.window_days
    FROM sender_assertions
    INNER JOIN rule_windows ON sender_assertions.source_ref = rule_windows.rule_ref
    UNION ALL
    SELECT
        'subscription',
        hits.subject_id,
        class_rules.class_code,
        class_rules.reason_code,
        'rule',
        hits.rule_ref,
        class_rules.level,
        class_rules.score,
        $day_end,
        NULL,
        hits.evidence,
        class_rules.origin,
        class_rules.window_days
    FROM subscription_hits AS hits
    INNER JOIN class_rules ON hits.rule_ref = class_rules.rule_ref
    WHERE hits.entered
),

of_subjects AS (
    SELECT
        asserted.class_code,
        asserted.reason_code,
        asserted.source,
        asserted.source_ref,
        asserted.level,
        asserted.score,
        asserted.observed_at,
        asserted.valid_to,
        asserted.evidence,
        asserted.origin,
        asserted.window_days,
        -- who decided by hand; a rule or a report has nobody to name
        CASE asserted.source
            WHEN 'manual' THEN json_extract_string(asserted.evidence, '$.maker')
        END AS maker,
        CASE asserted.source
            WHEN 'manual' THEN json_extract_string(asserted.evidence, '$.checker')
        END AS checker,
        reasons.subject AS subject_type,
        CASE
            WHEN reasons.subject = asserted.subject_type THEN asserted.subject_id
            ELSE holders.party_id
        END AS subject_id,
        CASE
            WHEN asserted.subject_type = 'subscription' THEN [asserted.subject_id]
            ELSE coalesce(json_extract(asserted.evidence, '$.subscriptions')::BIGINT[], [])
        END AS subscriptions
    FROM asserted
    INNER JOIN reasons
        ON
            asserted.class_code = reasons.class_code
            AND asserted.reason_code = reasons.reason_code
            AND (asserted.subject_type = reasons.subject OR reasons.subject = 'party')
    LEFT JOIN holders
        ON
            asserted.subject_type = 'subscription'
            AND asserted.subject_id = holders.subscription_id
    WHERE
        asserted.window_days IS NULL
        OR reasons.subject = 'subscription'
        OR holders.changed_at IS NULL
        OR holders.changed_at <= $day_end - to_days(asserted.window_days)
),

parties AS (
    SELECT
        class_rules.class_code,
        class_rules.reason_code,
        'rule' AS source,
        hits.rule_ref AS source_ref,
        class_rules.level,
        class_rules.score,
        $day_end AS observed_at,
        NULL::TIMESTAMP AS valid_to,
        hits.evidence,
        class_rules.origin,
        class_rules.window_days,
        NULL::VARCHAR AS maker,
        NULL::VARCHAR AS checker,
        'party' AS subject_type,
        hits.subject_id,
        coalesce(about.subscriptions, []) AS subscriptions
    FROM party_hits AS hits
    INNER JOIN class_rules ON hits.rule_ref = class_rules.rule_ref
    INNER JOIN reasons
        ON
            class_rules.class_code = reasons.class_code
            AND class_rules.reason_code = reasons.reason_code
    LEFT JOIN
        (
            SELECT
                rule_ref,
                party_id,
                list_sort(list(subject_id)) AS subscriptions
            FROM rule_about
            GROUP BY rule_ref, party_id
        ) AS about
        ON hits.rule_ref = about.rule_ref AND hits.subject_id = about.party_id
    -- a higher grade of an exclusive class had the lower one's conditions, too
    WHERE
        hits.entered
        OR EXISTS (
            SELECT 1
            FROM previous
            INNER JOIN reasons AS held
                ON
                    previous.class_code = held.class_code
                    AND previous.reason_code = held.reason_code
            WHERE
                previous.subject_type = 'party'
                AND previous.subject_id = hits.subject_id
                AND previous.state <> 'fading'
                AND held.class_code = reasons.class_code
                AND (held.rank = reasons.rank OR (held.exclusive AND held.rank > reasons.rank))
        )
),

protected AS (
    SELECT
        'redlist' AS class_code,
        scope AS reason_code,
        'order' AS source,
        'protection' AS source_ref,
        'published' AS level,
        100 AS score,
        valid_from AS observed_at,
        valid_to,
        to_json({ 'checker': checker, 'maker': maker, 'valid_to': valid_to::VARCHAR })::VARCHAR AS evidence,
        'order' AS origin,
        NULL::INTEGER AS window_days,
        maker,
        checker,
        subject_type,
        subject_id,
        []::BIGINT[] AS subscriptions
    FROM protections
    WHERE checker IS NOT NULL AND valid_from <= $known_at AND valid_to > $known_at
),

linked AS (
    SELECT
        previous.class_code,
        previous.reason_code,
        'rule' AS source,
        $linked_ref AS source_ref,
        'watch' AS level,
        $linked_score AS score,
        $day_end AS observed_at,
        NULL::TIMESTAMP AS valid_to,
        to_json({ 'listed_customers_of_document': count(DISTINCT previous.subject_id) })::VARCHAR AS evidence,
        'link' AS origin,
        NULL::INTEGER AS window_days,
        NULL::VARCHAR AS maker,
        NULL::VARCHAR AS checker,
        'party' AS subject_type,
        others.party_id AS subject_id,
        []::BIGINT[] AS subscriptions
    FROM previous
    INNER JOIN holders AS listed ON previous.subject_id = listed.party_id
    INNER JOIN holders AS others
        ON
            listed.document_id = others.document_id
            AND listed.party_id <> others.party_id
    WHERE
        previous.subject_type = 'party'
        AND previous.state = 'published'
        AND previous.effective
        AND list_contains($linked_labels, previous.class_code || ':' || previous.reason_code)
        AND others.in_service
        AND NOT EXISTS (
            SELECT 1
            FROM appealed
            WHERE
                appealed.subject_type = 'party'
                AND appealed.subject_id = previous.subject_id
                AND appealed.class_code = previous.class_code
                AND appealed.reason_code = previous.reason_code
                AND appealed.appealed_at >= previous.first_seen
        )
    GROUP BY previous.class_code, previous.reason_code, others.party_id
)

SELECT * FROM of_subjects
UNION ALL BY NAME
SELECT * FROM parties
UNION ALL BY NAME
SELECT * FROM protected
UNION ALL BY NAME
SELECT * FROM linked
