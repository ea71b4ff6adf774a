-- What each partner may know from us after the night, and since when: entries of the joint list
-- under a reason the partner may be told of, in an agreement in force.
-- grain: one party and reason one partner may know
-- key: partner, party_id, reason_code
-- inputs: list_entries, told_before (of the night before), receivers (partner, reason_code)
SELECT
    receivers.partner,
    entries.party_id,
    entries.reason_code,
    coalesce(min(told_before.since), $known_at) AS since
FROM list_entries AS entries
INNER JOIN receivers USING (reason_code)
LEFT JOIN told_before
    ON
        told_before.partner = receivers.partner
        AND told_before.party_id = entries.party_id
        AND told_before.reason_code = entries.reason_code
GROUP BY receivers.partner, entries.party_id, entries.reason_code
ORDER BY receivers.partner, entries.party_id, entries.reason_code
