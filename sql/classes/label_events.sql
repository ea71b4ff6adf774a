-- What this night changed: a label that begins, rises, falls, ends, or is kept from effect.
-- A night that only confirms a label writes no event.
-- grain: one changed label
-- key: subject_type, subject_id, class_code, reason_code
-- inputs: standing
-- noqa: disable=RF04
WITH compared AS (
    SELECT
        *,
        CASE WHEN state IN ('watch', 'published') THEN state END AS level,
        CASE WHEN old_state IN ('watch', 'published') THEN old_state END AS old_level,
        coalesce(state, 'fading') = coalesce(old_state, 'fading') AS same_level,
        coalesce(suppressed_by, '') = coalesce(old_suppressed_by, '') AS same_standing
    FROM standing
),

changed AS (
    SELECT
        *,
        CASE
            WHEN level IS NULL AND old_level IS NOT NULL AND appeal IS NOT NULL THEN 'appeal_upheld'
            WHEN level IS NULL AND old_level IS NOT NULL AND expired THEN 'expire'
            WHEN level IS NULL AND old_level IS NOT NULL THEN 'revoke'
            WHEN level = 'watch' AND old_level = 'published' THEN 'revoke'
            WHEN NOT same_level THEN 'assert'
            WHEN level IS NULL OR same_standing THEN NULL
            WHEN suppressed_by IS NULL THEN 'assert'
            ELSE 'override'
        END AS action
    FROM compared
)

SELECT
    subject_type,
    subject_id,
    class_code,
    reason_code,
    action,
    level,
    CASE
        WHEN action = 'appeal_upheld' THEN appealed_at
        WHEN action = 'assert' AND old_level IS NULL THEN first_seen
        ELSE $day_end
    END AS valid_from,
    CASE WHEN level IS NOT NULL THEN valid_to END AS valid_to,
    $known_at AS recorded_at,
    CASE
        WHEN action = 'appeal_upheld' THEN 'appeal'
        WHEN action = 'override' THEN 'order'
        ELSE coalesce(source, json_extract_string(evidence, '$.sources[0].source'))
    END AS source,
    CASE
        -- a ticket is called TT and at least eight digits
        WHEN action = 'appeal_upheld'
            THEN 'TT' || lpad(appeal::VARCHAR, greatest(8, len(appeal::VARCHAR))::INTEGER, '0')
        WHEN action = 'override' THEN suppressed_by
        ELSE source_ref
    END AS source_ref,
    CASE
        WHEN action = 'appeal_upheld'
            THEN
                json_merge_patch(
                    evidence,
                    to_json({
                        'appeal': { 'finding': appeal_finding, 'holds_until': appeal_holds_until::VARCHAR }
                    })
                )::VARCHAR
        ELSE evidence
    END AS evidence,
    CASE WHEN action = 'appeal_upheld' THEN appeal_maker ELSE coalesce(maker, 'night') END AS maker,
    CASE WHEN action = 'appeal_upheld' THEN appeal_checker ELSE checker END AS checker,
    $ruleset AS ruleset_hash,
    NULL::VARCHAR AS model_hash,
    $snapshot AS snapshot_hash
FROM changed
WHERE action IS NOT NULL
ORDER BY subject_type, subject_id, class_code, reason_code
