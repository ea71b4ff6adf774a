-- Blocking check: protected parties with an effective black label for spam, fraud or calls.
-- grain: one row
-- key: none
-- inputs: labels, protections
SELECT count(*) AS failing
FROM labels
INNER JOIN protections
    ON
        labels.subject_type = protections.subject_type
        AND labels.subject_id = protections.subject_id
WHERE
    labels.effective
    AND labels.class_code = 'blacklist'
    AND labels.reason_code IN ('spam_sms', 'fraud', 'abnormal_calls')
    AND protections.scope IN ('spam', 'all')
    AND protections.checker IS NOT NULL
    AND protections.valid_from <= $known_at
    AND protections.valid_to > $known_at
