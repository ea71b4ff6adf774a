-- What each sender rule asserts of each subscription it holds for.
-- grain: one sender rule that holds for one subscription
-- key: subject_id, source_ref
-- inputs: rule_hits (made from the rule file), rules
SELECT
    'subscription' AS subject_type,
    rule_hits.subject_id,
    rules.class_code,
    rules.reason_code,
    rules.source,
    rules.rule_ref AS source_ref,
    rules.level,
    rules.score,
    $day_end AS observed_at,
    NULL::TIMESTAMP AS valid_to,
    rule_hits.evidence,
    $ruleset AS ruleset_hash
FROM rule_hits
INNER JOIN rules ON rule_hits.rule_ref = rules.rule_ref
WHERE rule_hits.entered
ORDER BY rule_hits.subject_id, rules.rule_ref
