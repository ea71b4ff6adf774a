-- Blocking check: labels that rest on what an upheld appeal was about.
-- grain: one row
-- key: none
-- inputs: labels, appeals
SELECT count(*) AS failing
FROM labels
INNER JOIN appeals
    ON
        labels.subject_type = appeals.subject_type
        AND labels.subject_id = appeals.subject_id
        AND labels.class_code = appeals.class_code
        AND labels.reason_code = appeals.reason_code
WHERE labels.first_seen <= appeals.decided_at
