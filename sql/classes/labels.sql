-- The labels after this night.
-- grain: one label of one subject
-- key: subject_type, subject_id, class_code, reason_code
-- inputs: standing
SELECT
    subject_type,
    subject_id,
    class_code,
    reason_code,
    state,
    effective,
    suppressed_by,
    since,
    first_seen,
    last_seen,
    valid_to,
    hits,
    confidence,
    sources,
    source_ref,
    evidence,
    $ruleset AS ruleset_hash,
    NULL::VARCHAR AS model_hash,
    $snapshot AS snapshot_hash
FROM standing
WHERE state IS NOT NULL
ORDER BY subject_type, subject_id, class_code, reason_code
