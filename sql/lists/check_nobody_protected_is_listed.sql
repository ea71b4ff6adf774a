-- Blocking check: list entries about a protected party or subscription.
-- grain: one row
-- key: none
-- inputs: list_entries, protections
SELECT count(*) AS failing
FROM list_entries
INNER JOIN protections
    ON
        (protections.subject_type = 'party' AND protections.subject_id = list_entries.party_id)
        OR (
            protections.subject_type = 'subscription'
            AND protections.subject_id = list_entries.subscription_id
        )
WHERE
    protections.scope IN ('spam', 'all')
    AND protections.checker IS NOT NULL
    AND protections.valid_from <= $known_at
    AND protections.valid_to > $known_at
    AND list_entries.reason_code <> 'court_or_police'
