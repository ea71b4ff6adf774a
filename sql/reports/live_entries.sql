-- Partners' entries in force: the latest word on each, not withdrawn, not run out, no echo of
-- what we told them, and the party they were about still holds that very number.
-- grain: one live entry of one partner
-- key: partner, entry_id
-- inputs: partner_entries (all days up to the day), number_holdings, subscription_holdings, appeals
WITH latest AS (
    SELECT *
    FROM partner_entries
    QUALIFY row_number() OVER (PARTITION BY partner, entry_id ORDER BY date DESC) = 1
),

held_now AS (
    SELECT
        holdings.party_id,
        numbers.subscription_id,
        pseudonym($pepper, 'number', numbers.key::VARCHAR) AS reported_number
    FROM number_holdings AS numbers
    INNER JOIN subscription_holdings AS holdings
        ON
            numbers.subscription_id = holdings.subscription_id
            AND holdings.valid_from <= $known_at
            AND (holdings.valid_to IS NULL OR $known_at < holdings.valid_to)
    WHERE
        numbers.key_kind = 'msisdn'
        AND numbers.valid_from <= $known_at
        AND (numbers.valid_to IS NULL OR $known_at < numbers.valid_to)
        AND holdings.party_id IN (SELECT latest.party_id FROM latest)
)

SELECT
    latest.partner,
    latest.entry_id,
    latest.category,
    latest.legal_basis,
    latest.observed_at,
    latest.valid_until,
    latest.party_id,
    held_now.subscription_id,
    -- an upheld appeal against the label the entry stands for, unless it is a legal one
    (
        SELECT max(appeals.decided_at)
        FROM appeals
        WHERE
            appeals.subject_type = 'party'
            AND appeals.subject_id = latest.party_id
            AND appeals.class_code = 'blacklist'
            AND appeals.reason_code = latest.category
    ) AS appealed_at
FROM latest
INNER JOIN held_now
    ON
        latest.party_id = held_now.party_id
        AND latest.reported_number = held_now.reported_number
WHERE
    latest.action = 'add'
    AND NOT latest.echo
    AND latest.valid_until > $known_at
ORDER BY latest.partner, latest.entry_id
