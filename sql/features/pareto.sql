-- The least share of contacts that makes four fifths of what passed with them in the last 30 days.
-- Contacts with equally much stand as one level: as many of it are taken as are needed.
-- grain: one subscription with a message or call
-- key: subscription_id
-- inputs: window_pairs
WITH levels AS (
    SELECT
        subscription_id,
        'text' AS what,
        texts AS each,
        count(*) AS contacts
    FROM window_pairs
    WHERE texts > 0
    GROUP BY subscription_id, texts
    UNION ALL
    SELECT
        subscription_id,
        'call' AS what,
        calls AS each,
        count(*) AS contacts
    FROM window_pairs
    WHERE calls > 0
    GROUP BY subscription_id, calls
    UNION ALL
    SELECT
        subscription_id,
        'seconds' AS what,
        call_seconds AS each,
        count(*) AS contacts
    FROM window_pairs
    WHERE calls > 0
    GROUP BY subscription_id, call_seconds
),

stacked AS (
    SELECT
        subscription_id,
        what,
        each,
        contacts,
        sum(contacts) OVER down AS contacts_down,
        sum(each * contacts) OVER down AS covered,
        sum(contacts) OVER (PARTITION BY subscription_id, what) AS all_contacts,
        -- four fifths, rounded up
        (4 * sum(each * contacts) OVER (PARTITION BY subscription_id, what) + 4) // 5 AS target
    FROM levels
    WINDOW down AS (PARTITION BY subscription_id, what ORDER BY each DESC)
),

-- the level in which four fifths are reached
reached AS (
    SELECT
        subscription_id,
        what,
        all_contacts,
        contacts_down - contacts AS before,
        target - (covered - each * contacts) AS missing,
        each
    FROM stacked
    WHERE
        covered >= target
        AND covered - each * contacts < target
)

SELECT
    subscription_id,
    max(share) FILTER (WHERE what = 'text') AS text_pareto_30d,
    max(share) FILTER (WHERE what = 'call') AS call_pareto_30d,
    max(share) FILTER (WHERE what = 'seconds') AS call_seconds_pareto_30d
FROM (
    SELECT
        subscription_id,
        what,
        ratio(before + (missing + each - 1) // each, all_contacts) AS share
    FROM reached
)
GROUP BY subscription_id
