-- How many different people complained of a subscription, by category.
-- Cards of one party are one complainant, all who withheld their number together are one,
-- and nobody is a complainant against themselves. What an upheld appeal refuted does not count.
-- grain: one party, category and subscription complained of in the window
-- key: party_id, category, subscription_id
-- inputs: complaints (the window's days), complaints_withdrawn (of the night), number_holdings,
--         subscription_holdings, subscriptions, appeals
WITH reporters AS (
    SELECT
        pseudonym($pepper, 'number', numbers.key::VARCHAR) AS reporter_number,
        holdings.party_id,
        greatest(numbers.valid_from, holdings.valid_from) AS valid_from,
        least(numbers.valid_to, holdings.valid_to) AS valid_to
    FROM number_holdings AS numbers
    INNER JOIN subscription_holdings AS holdings
        ON
            numbers.subscription_id = holdings.subscription_id
            AND (numbers.valid_to IS NULL OR holdings.valid_from < numbers.valid_to)
            AND (holdings.valid_to IS NULL OR numbers.valid_from < holdings.valid_to)
    WHERE
        numbers.key_kind = 'msisdn'
        AND (numbers.valid_to IS NULL OR numbers.valid_to > $window_from)
),

counted AS (
    SELECT
        complaints.*,
        reporters.party_id AS reporter_party,
        CASE
            WHEN reporters.party_id IS NOT NULL THEN 'party ' || reporters.party_id
            WHEN complaints.reporter_number IS NOT NULL THEN 'number ' || complaints.reporter_number
            ELSE 'withheld'
        END AS complainant
    FROM complaints
    LEFT JOIN reporters
        ON
            complaints.reporter_number = reporters.reporter_number
            AND complaints.received_at >= reporters.valid_from
            AND (reporters.valid_to IS NULL OR complaints.received_at < reporters.valid_to)
    WHERE
        complaints.party_id IS NOT NULL
        AND complaints.complaint_id NOT IN (SELECT complaint_id FROM complaints_withdrawn)
        AND NOT EXISTS (
            SELECT 1
            FROM appeals
            WHERE
                appeals.subject_type = 'party'
                AND appeals.subject_id = complaints.party_id
                AND appeals.class_code = 'blacklist'
                AND list_contains($category_reasons, complaints.category || ':' || appeals.reason_code)
                AND appeals.decided_at >= complaints.occurred_at
        )
)

SELECT
    counted.party_id,
    counted.category,
    counted.subscription_id,
    count(*) AS complaints,
    count(DISTINCT counted.complainant) AS complainants,
    count(DISTINCT counted.complainant) FILTER (WHERE counted.date >= $recent_from) AS recent,
    string_agg(DISTINCT counted.channel, '+' ORDER BY counted.channel) AS channels,
    coalesce(
        list_sort(
            list(DISTINCT counted.complaint_id)
            FILTER (WHERE regexp_full_match(counted.complaint_id, 'TT[0-9]{8,18}'))
        ),
        []
    ) AS tickets,
    max(counted.occurred_at) AS observed_at
FROM counted
LEFT JOIN subscriptions ON counted.subscription_id = subscriptions.subscription_id
WHERE
    counted.reporter_party IS DISTINCT FROM counted.party_id
    AND NOT list_contains($exempt_sender_kinds, coalesce(subscriptions.sender_kind, 'person'))
GROUP BY counted.party_id, counted.category, counted.subscription_id
ORDER BY counted.party_id, counted.category, counted.subscription_id
